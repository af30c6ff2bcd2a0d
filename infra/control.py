"""The control topics: agreements, consents and approvals as events, read from the start by whoever decides by them.

Whoever asks for agreements alone reads nothing else. How control topics are read: `control_log.py`; how agreements get
there: `agreement_publishing.py`.
"""

import dataclasses
import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import cast

from infra.agreement_book import AgreementBook
from infra.approvals import Approval, approval_from, fault_of
from infra.consents import Consent, ConsentBook, consent_fact_from
from infra.control_log import ControlLog, Take
from infra.signing.key_log import KEYS, ring_with
from infra.signing.keys import Keyring
from infra.topology.agreements import TRAFFIC_LIGHTS, Agreement, View
from infra.topology.credentials import Credentials
from schemas.catalogue import hub_contract
from schemas.codec import Codec, Record
from schemas.names import AgencyId, PartnerId, SubjectId

AGREEMENTS, CONSENTS, APPROVALS = "control.agreements", "control.consents", "control.approvals"


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
        self.agreements = AgreementBook()
        """All versions of all agreements."""
        self._consents = ConsentBook()
        self._approvals: dict[str, Approval] = {}
        self._genuine: dict[str, tuple[Approval, ...]] | None = {}
        """None once keys have changed: a signature is verified once for a state of the keys, not at each question."""
        self.ring = Keyring(keys={}, revocations={})
        """The keys and revocations."""

    def state(self, offsets: Mapping[str, int]) -> ControlState:
        """Return what was taken, which is what the topics hold up to *offsets*."""
        if self._genuine is None:
            self._genuine = genuine(self._approvals.values(), self.ring)
        return ControlState(
            agreements=self.agreements.now(),
            offset=offsets[AGREEMENTS],
            consents=self._consents.now(),
            approvals=dict(self._genuine),
            offsets=offsets,
        )

    @property
    def approvals(self) -> tuple[Approval, ...]:
        """Every approval, genuine or not, in order."""
        return tuple(self._approvals.values())

    def _take(self, value: bytes | None) -> None:
        agreement, withdrawn = agreement_from(self._codec.decode(value, hub_contract("Agreement")).record)
        self.agreements.take(agreement, withdrawn=withdrawn)

    def _take_consent(self, value: bytes | None) -> None:
        self._consents.take(consent_fact_from(self._codec.decode(value, hub_contract("ConsentRecorded")).record))

    def _take_approval(self, value: bytes | None) -> None:
        approval = approval_from(self._codec.decode(value, hub_contract("EventApproved")).record)
        if approval.approval_id in self._approvals:
            return
        self._approvals[approval.approval_id] = approval
        if self._genuine is not None:
            for event_id, several in genuine([approval], self.ring).items():
                self._genuine[event_id] = (*self._genuine.get(event_id, ()), *several)

    def _take_key(self, value: bytes | None) -> None:
        self.ring = ring_with(self.ring, value, self._codec)
        self._genuine = None


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

    @property
    def agreements(self) -> AgreementBook:
        """All versions of all agreements as far as `state` has read."""
        return self._fold.agreements

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
        categories=_limit(record["categories"]),
        handling=_limit(record["handling"]),
        tlp_max=cast("str | None", record["tlp_max"]),
    )
    if agreement.view not in ("personal", "pseudonymous"):
        raise ValueError("unknown view")
    if agreement.tlp_max is not None and agreement.tlp_max not in TRAFFIC_LIGHTS:
        raise ValueError("unknown traffic light")
    return agreement, bool(record["withdrawn"])


def record_of(agreement: Agreement, *, withdrawn: bool = False) -> Record:
    """Return the control record of *agreement*."""
    content = dataclasses.asdict(agreement)
    lists = {name: list(each) for name, each in content.items() if isinstance(each, tuple)}
    return {**content, **lists, "withdrawn": withdrawn}


def _limit(several: object) -> tuple[str, ...] | None:
    return None if several is None else tuple(cast("list[str]", several))


_LISTS = ("agencies", "event_types", "purposes", "roles", "legal_bases")
