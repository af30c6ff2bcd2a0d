"""The control topics: agreements, consents and approvals as events, read from the start by whoever decides by them.

Agreements are published from the operator's files. Whoever asks for agreements alone reads nothing else.

How control topics are read: `control_log.py`.
"""

import dataclasses
import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import cast

from aiokafka.errors import KafkaError

from infra.approvals import Approval, approval_from, fault_of
from infra.consents import Consent, ConsentBook, consent_fact_from
from infra.control_log import ControlLog, ControlUnavailableError, Take
from infra.home import Home
from infra.kafka import append
from infra.signing.key_log import KEYS, ring_with
from infra.signing.keys import Keyring
from infra.topology.agreements import Agreement, View
from infra.topology.credentials import Credentials
from infra.topology.model import load_topology
from schemas.catalogue import hub_contract
from schemas.codec import Codec, Record
from schemas.errors import MisuseError
from schemas.names import AgencyId, PartnerId, SubjectId

AGREEMENTS, CONSENTS, APPROVALS = "control.agreements", "control.consents", "control.approvals"


class UnversionedAgreementError(MisuseError):
    """An agreement was edited without a new version."""

    code = "unversioned-agreement"


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlState:
    """What the control topics say up to *offsets*; *offset* is that of the agreements."""

    agreements: tuple[Agreement, ...]
    offset: int
    consents: Mapping[SubjectId, tuple[Consent, ...]] = field(default_factory=dict)
    """What is left of all consents, by person."""
    approvals: Mapping[str, tuple[Approval, ...]] = field(default_factory=dict)
    """Genuine approvals, by event."""
    offsets: Mapping[str, int] = field(default_factory=dict)
    """End of each topic that was read."""

    @property
    def position(self) -> int:
        """A number that grows whenever a control topic does."""
        return sum(self.offsets.values())


class ControlFold:
    """What control records come to, one after the other; with *decides* all that decisions rest on."""

    def __init__(self, codec: Codec, *, decides: bool) -> None:
        self._codec = codec
        self.takers: Mapping[str, Take] = {AGREEMENTS: self._take}
        """Takes a record of each topic over."""
        if decides:
            self.takers = {
                AGREEMENTS: self._take,
                CONSENTS: self._take_consent,
                APPROVALS: self._take_approval,
                KEYS: self._take_key,
            }
        self._latest: dict[str, tuple[Agreement, bool]] = {}
        self._consents = ConsentBook()
        self._approvals: dict[str, Approval] = {}
        self.ring = Keyring(keys={}, revocations={})
        """The keys and revocations."""

    def state(self, offsets: Mapping[str, int]) -> ControlState:
        """Return what was taken, which is what the topics hold up to *offsets*."""
        held = tuple(agreement for agreement, withdrawn in self._latest.values() if not withdrawn)
        return ControlState(
            agreements=tuple(sorted(held, key=lambda held: held.id)),
            offset=offsets[AGREEMENTS],
            consents=self._consents.now(),
            approvals=genuine(self._approvals.values(), self.ring),
            offsets=offsets,
        )

    @property
    def approvals(self) -> tuple[Approval, ...]:
        """Every approval, genuine or not, in order."""
        return tuple(self._approvals.values())

    @property
    def withdrawn_versions(self) -> Mapping[str, int]:
        """Return the last version of every agreement that is withdrawn, by id."""
        return {agreement.id: agreement.version for agreement, withdrawn in self._latest.values() if withdrawn}

    def _take(self, value: bytes | None) -> None:
        agreement, withdrawn = agreement_from(self._codec.decode(value, hub_contract("Agreement")).record)
        known = self._latest.get(agreement.id)
        if known is None or agreement.version >= known[0].version:
            self._latest[agreement.id] = (agreement, withdrawn)

    def _take_consent(self, value: bytes | None) -> None:
        self._consents.take(consent_fact_from(self._codec.decode(value, hub_contract("ConsentRecorded")).record))

    def _take_approval(self, value: bytes | None) -> None:
        approval = approval_from(self._codec.decode(value, hub_contract("EventApproved")).record)
        self._approvals.setdefault(approval.approval_id, approval)

    def _take_key(self, value: bytes | None) -> None:
        self.ring = ring_with(self.ring, value, self._codec)


class ControlReader:
    """What the control topics say, read to their end whenever asked, as the principal of *credentials*.

    With *decides* also consents, approvals and the keys that these are signed with: what decisions rest on.
    """

    def __init__(self, credentials: Credentials, codec: Codec, *, decides: bool = False) -> None:
        self._fold = ControlFold(codec, decides=decides)
        self._log = ControlLog(credentials, codec, self._fold.takers)
        self._state = ControlState(agreements=(), offset=0)

    async def state(self) -> ControlState:
        """Return the agreements that are not withdrawn, read to the end of the topic as it is now.

        Raises ControlUnreadableError, or UnavailableError when broker or registry are away.
        """
        offsets = dict(await self._log.read_to_end())
        if offsets != self._state.offsets:
            self._state = self._fold.state(offsets)
        return self._state

    @property
    def approvals(self) -> tuple[Approval, ...]:
        """Every approval as far as `state` has read, genuine or not, in order."""
        return self._fold.approvals

    @property
    def ring(self) -> Keyring:
        """The keys and revocations as far as `state` has read."""
        return self._fold.ring

    async def latest(self) -> Mapping[str, Agreement]:
        """Return the newest version of every agreement that is not withdrawn, by id."""
        state = await self.state()
        return {agreement.id: agreement for agreement in state.agreements}

    @property
    def withdrawn_versions(self) -> Mapping[str, int]:
        """Return the last version of every agreement that is withdrawn, by id, as far as `latest` has read."""
        return self._fold.withdrawn_versions

    async def stop(self) -> None:
        """Close the connection."""
        await self._log.stop()


def genuine(approvals: Iterable[Approval], ring: Keyring) -> dict[str, tuple[Approval, ...]]:
    """Return those of *approvals* that a good key of their officer signed, by event."""
    found: dict[str, tuple[Approval, ...]] = {}
    for each in approvals:
        if fault_of(each, ring) is None:
            found[each.event_id] = (*found.get(each.event_id, ()), each)
    return found


def agreement_from(record: Record) -> tuple[Agreement, bool]:
    """Return the agreement in a control record, and whether it was withdrawn."""
    tuples = {name: tuple(cast("list[str]", record[name])) for name in _LISTS}
    agreement = Agreement(
        id=str(record["id"]),
        version=cast("int", record["version"]),
        title=str(record["title"]),
        basis=str(record["basis"]),
        agencies=tuple(AgencyId(agency) for agency in tuples["agencies"]),
        partner=PartnerId(str(record["partner"])),
        event_types=tuples["event_types"],
        purposes=tuples["purposes"],
        roles=tuples["roles"],
        view=cast("View", record["view"]),
        legal_bases=tuples["legal_bases"],
        valid_from=cast("dt.date", record["valid_from"]),
        valid_until=cast("dt.date", record["valid_until"]),
        retention_days=cast("int", record["retention_days"]),
        onward_sharing=bool(record["onward_sharing"]),
        only_addressee=bool(record["only_addressee"]),
    )
    if agreement.view not in ("personal", "pseudonymous"):
        raise ValueError("unknown view")
    return agreement, bool(record["withdrawn"])


def record_of(agreement: Agreement, *, withdrawn: bool = False) -> Record:
    """Return the control record of *agreement*."""
    content = dataclasses.asdict(agreement)
    return {**content, **{name: list(content[name]) for name in _LISTS}, "withdrawn": withdrawn}


async def publish_agreements(home: Home, codec: Codec) -> tuple[str, ...]:
    """Publish the agreements of the topology that are new or changed, withdraw those that are gone.

    Returns what was done, a line each; none when nothing was to do. Raises UnversionedAgreementError when one
    changed without a higher version.
    """
    topology = load_topology()
    reader = ControlReader(Credentials.of(home, "hub-admin", topology), codec)
    try:
        held = await reader.latest()
        withdrawn_before = reader.withdrawn_versions
    finally:
        await reader.stop()
    wanted = {agreement.id: agreement for agreement in topology.agreements}
    changes: list[tuple[str, Record]] = []
    for agreement in wanted.values():
        known = held.get(agreement.id)
        if known == agreement:
            continue
        used = known.version if known is not None else withdrawn_before.get(agreement.id, 0)
        if agreement.version <= used:
            raise UnversionedAgreementError(
                f"agreement {agreement.id} {'changed' if known else 'was withdrawn before'}: "
                f"give it a version above {used}"
            )
        changes.append((f"publish {agreement.id} version {agreement.version}", record_of(agreement)))
    withdrawn = sorted(held.keys() - wanted.keys())
    changes += [(f"withdraw {gone}", record_of(held[gone], withdrawn=True)) for gone in withdrawn]
    if changes:
        await _write(Credentials.of(home, "hub-control", topology), codec, [record for _, record in changes])
    return tuple(line for line, _ in changes)


async def _write(credentials: Credentials, codec: Codec, records: list[Record]) -> None:
    schema = hub_contract("Agreement").schema
    writer = codec.writer(f"{AGREEMENTS}-hub.v1.Agreement", schema)
    try:
        await append(credentials, AGREEMENTS, [writer.encode(record) for record in records])
    except KafkaError as error:
        raise ControlUnavailableError(f"the agreements were not published ({type(error).__name__})") from None


_LISTS = ("agencies", "event_types", "purposes", "roles", "legal_bases")
