"""Intake as a processor: reads what its pure rules need from the vault and the database, and hands them over."""

import asyncio
import datetime as dt
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import structlog

from infra.arrival.keys import PrivateKeys
from infra.evidence.chain import Head
from infra.signing.keys import Keyring
from infra.topology.model import Signed as Policy
from infra.topology.model import Topology
from infra.vault.holders import Reference, holder_of_agency, holder_of_subject
from infra.vault.vault import Vault
from schemas.codec import Codec, Record
from schemas.errors import Problem
from schemas.field_steps import AGENCY, persons
from schemas.names import AgencyId, CaseId, SubjectId, TopicName
from schemas.sealing import DataKey
from streams.intake.admission import Admitted, admit, without_erased
from streams.intake.chaining import Chaining, places_of, with_places
from streams.intake.consenting import consent_output, is_about_consent
from streams.intake.memory import Memory, SqlMemory
from streams.intake.reading import Readable, Refused, Sender, Signed, read
from streams.intake.referring import is_restricted, referral_sides
from streams.intake.signatures import NO_KEYS, Keyrings, Unwrapped, must_be_signed, unwrapped
from streams.intake.unsealing import Unsealer
from streams.intake.writing import LEDGER, ledger_output, quarantine_output
from streams.pump.records import Inputs, Output, SourceRecord, Transaction
from streams.truncation.marker import SECRET, is_marker

log = structlog.get_logger()

NO_CASE = "\x00no case"
"""Reference of an agency's events without a case: validation lets no agency use a reference like it."""

DISCARDED = Problem(
    "$", "discarded-by-operator", "the hub could not process this record, and its operator gave it up; ask the operator"
)
UNPROCESSABLE = Problem("$", "unprocessable", "the hub could not process this record; the operator has its position")


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """What the vault says of the new events of a batch, by event id."""

    agency_key: DataKey
    cases: Mapping[str, CaseId]
    keys: Mapping[str, Mapping[str, DataKey]]
    """Key by path of the person, and `agency`."""
    consenting: Mapping[str, frozenset[SubjectId]]
    """Every id of the person, of each event that gives or withdraws a consent."""
    erased: frozenset[str]
    """Events about a person whose keys were destroyed: nothing can be sealed for them."""


class Intake:
    """Stateful: its memory of event ids advances with its offsets."""

    name = "intake"
    stateful = True
    keyed = False

    def __init__(
        self,
        *,
        topology: Topology,
        codec: Codec,
        vault: Vault,
        chaining: Chaining,
        memory: Memory | None = None,
        arrival: PrivateKeys | None = None,
        keyrings: Keyrings | None = None,
    ) -> None:
        organisations = frozenset(str(one.id) for one in topology.agencies) | frozenset(
            str(one.id) for one in topology.partners
        )
        self._senders = {
            TopicName(f"in.{agency.id}"): Sender(
                agency=agency.id,
                event_types=frozenset(topology.permitted(agency.id)),
                organisations=organisations,
            )
            for agency in topology.agencies
        }
        self.topics: Sequence[TopicName] = tuple(self._senders)
        self._codec = codec
        self._vault = vault
        self._chaining = chaining
        self._memory = memory or SqlMemory()
        self._unsealer = Unsealer(arrival, codec)
        self._keyrings = keyrings
        self._policies: Mapping[str, Policy] = {agency.id: agency.signed for agency in topology.agencies}
        self._sealed_only = {TopicName(f"in.{agency.id}") for agency in topology.agencies if agency.sealed_only}

    async def process(
        self, batch: Sequence[SourceRecord], inputs: Inputs, transaction: Transaction
    ) -> Sequence[Output]:
        """Return ledger events, receipts and quarantined records for *batch*, all of one agency."""
        own = await self._vault.secret(SECRET)
        batch = [record for record in batch if not is_marker(record.value, own, record.topic)]
        if not batch:
            return ()
        head = await self._chaining.head(transaction, batch[0])
        await self._codec.learn_aside([record.value for record in batch])
        sender = self._senders[batch[0].topic]
        opened = await self._unsealer.opened(batch, sealed_only=batch[0].topic in self._sealed_only)
        await self._codec.learn_aside([each.value for each in opened if isinstance(each, SourceRecord)])
        ring = NO_KEYS if self._keyrings is None else await self._keyrings.keyring()
        signed_only = must_be_signed(self._policies[sender.agency], ring, sender.agency, inputs.now)
        found_signed = unwrapped(opened, self._codec, signed_only=signed_only)
        await self._codec.learn_aside([claim.event for claim in found_signed.claims.values()])
        items = await self._verified(found_signed, ring, sender, inputs.now)
        ids = [item[0].event_id for item in items if isinstance(item, tuple)]
        seen = await self._memory.recall(transaction, sender.agency, ids)
        admitted, fresh = admit(items, seen, inputs.now)
        found = await self._resolved(admitted, sender.agency)
        admitted = without_erased(admitted, found.erased)
        kept = {event_id: each for event_id, each in fresh.items() if event_id not in found.erased}
        await self._memory.remember(transaction, sender.agency, with_places(kept, places_of(admitted, head)))
        return await self._answered(admitted, sender.agency, found, head, inputs, transaction)

    async def discard(self, record: SourceRecord, inputs: Inputs, transaction: Transaction) -> Sequence[Output]:
        """Return the answer that the agency still waits for, and the record for its quarantine."""
        head = await self._chaining.head(transaction, record)
        refused = Refused(source=record, problems=(DISCARDED,))
        agency = self._senders[record.topic].agency
        return await self._answered(
            [refused], agency, await self._resolved([refused], agency), head, inputs, transaction
        )

    async def _verified(
        self, found: Unwrapped, ring: Keyring, sender: Sender, now: dt.datetime
    ) -> list[tuple[Readable, bytes] | Refused]:
        """Return each record read, with the keyed hash of its bytes, or refused: for its signature before all else."""
        # Beside the reading of the events: what verifies does so without holding up anything of Python.
        verifying = asyncio.ensure_future(asyncio.to_thread(found.faults, ring, sender.agency, now))
        try:
            items = await self._read_all(found, sender, now)
            faults = await verifying
        finally:
            verifying.cancel()
        return [
            faults.get(source.offset, item) if isinstance(source, SourceRecord) else item
            for source, item in zip(found.records, items, strict=True)
        ]

    async def _read_all(
        self, found: Unwrapped, sender: Sender, now: dt.datetime
    ) -> list[tuple[Readable, bytes] | Refused]:
        mac_key = await self._vault.secret("duplicates")
        items: list[tuple[Readable, bytes] | Refused] = []
        for source in found.records:
            if isinstance(source, Refused):
                items.append(source)
                continue
            await asyncio.sleep(0)  # one agency's costly events must not stop heartbeats and everybody else
            claim = found.claims.get(source.offset)
            event = self._read(source, sender, now, None if claim is None else claim.signed)
            items.append(event if isinstance(event, Refused) else (event, _mac(mac_key, source)))
        return items

    def _read(
        self, source: SourceRecord, sender: Sender, now: dt.datetime, signed: Signed | None
    ) -> Readable | Refused:
        try:
            return read(source, sender, self._codec, now, signed=signed)
        except Exception as error:
            log.exception("intake_unprocessable", offset=source.offset, topic=source.topic, code=type(error).__name__)
            return Refused(source=source, problems=(UNPROCESSABLE,))

    async def _resolved(self, admitted: Sequence[Admitted], agency: AgencyId) -> Resolved:
        """Return what the vault says of the new events among *admitted*."""
        accepted = [event for event in admitted if isinstance(event, Readable)]
        people = {event.event_id: persons(event.contract, event.record) for event in accepted}
        everybody = [person for found in people.values() for person in found.values()]
        subjects = await self._vault.subjects(
            {_person(agency, person) for person in everybody}, referral_sides(agency, accepted, people)
        )
        await self._vault.restrict({subjects[_person(agency, one)] for one in everybody if is_restricted(one)})
        cases = await self._vault.cases({_case(agency, event) for event in accepted})
        keys = await self._keys(agency, set(subjects.values()))
        by_path = {
            event_id: {path: keys.get(subjects[_person(agency, one)]) for path, one in found.items()}
            for event_id, found in people.items()
        }
        return Resolved(
            consenting=await self._consenting(agency, accepted, people, subjects),
            agency_key=keys[agency],
            cases={event.event_id: cases[_case(agency, event)] for event in accepted},
            keys={
                event_id: {path: key for path, key in found.items() if key} | {AGENCY: keys[agency]}
                for event_id, found in by_path.items()
            },
            erased=frozenset(event_id for event_id, found in by_path.items() if None in found.values()),
        )

    async def _answered(
        self,
        admitted: Sequence[Admitted],
        agency: AgencyId,
        found: Resolved,
        head: Head,
        inputs: Inputs,
        transaction: Transaction,
    ) -> Sequence[Output]:
        """Return what *admitted* leads to, each with its receipt."""
        outputs = self._outputs(admitted, agency, found, inputs)
        ledger = [each.value for each in outputs if each.topic == LEDGER]
        return [
            *outputs,
            *await self._chaining.outputs(admitted, ledger, head, agency, inputs.now, transaction),
        ]

    def _outputs(self, admitted: Sequence[Admitted], agency: AgencyId, found: Resolved, inputs: Inputs) -> list[Output]:
        outputs: list[Output] = []
        for event in admitted:
            if isinstance(event, Readable):
                case_id, keys = found.cases[event.event_id], found.keys[event.event_id]
                outputs.append(ledger_output(event, case_id, keys, self._codec, inputs.now, inputs.nonce))
                if event.event_id in found.consenting:
                    subjects = found.consenting[event.event_id]
                    outputs.append(consent_output(event, agency, subjects, self._codec, inputs.now))
            elif isinstance(event, Refused):
                outputs.append(
                    quarantine_output(event, agency, found.agency_key, self._codec, inputs.now, inputs.nonce)
                )
        return outputs

    async def _consenting(
        self,
        agency: AgencyId,
        accepted: Sequence[Readable],
        people: Mapping[str, Mapping[str, Record]],
        subjects: Mapping[Reference, SubjectId],
    ) -> dict[str, frozenset[SubjectId]]:
        """Return every id of the persons of *accepted* who consent: the ledger knows them by their former ids too."""
        several = {
            event.event_id: {subjects[_person(agency, one)] for one in people[event.event_id].values()}
            for event in accepted
            if is_about_consent(event)
        }
        if not several:
            return {}
        others = await self._vault.groups(set().union(*several.values()))
        return {
            event_id: frozenset(own).union(*(others.get(each, frozenset()) for each in own))
            for event_id, own in several.items()
        }

    async def _keys(self, agency: AgencyId, subjects: set[SubjectId]) -> Mapping[str, DataKey]:
        """Return the ledger keys of *subjects* and of *agency*, by subject id and agency id."""
        holders = {holder_of_subject(subject): str(subject) for subject in subjects}
        holders[holder_of_agency(agency)] = str(agency)
        found = await self._vault.keys(holders)
        return {holders[holder]: key for holder, key in found.items()}


def _person(agency: AgencyId, person: Record) -> Reference:
    return agency, cast("str", person["person_ref"])


def _case(agency: AgencyId, event: Readable) -> Reference:
    reference = cast("Record", event.record["envelope"]).get("case_ref")
    return agency, NO_CASE if reference is None else str(reference)


def _mac(key: bytes, source: SourceRecord) -> bytes:
    return hmac.digest(key, source.value or b"", hashlib.sha256)
