"""Intake as a processor: reads what its pure rules need from the vault and the database, and hands them over."""

import asyncio
import datetime as dt
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from typing import cast

from infra.clock import Clock
from infra.topology.model import Topology
from infra.vault.vault import Reference, Vault, holder_of_agency, holder_of_subject
from schemas.codec import Codec, Record
from schemas.errors import Problem
from schemas.field_steps import AGENCY, persons
from schemas.names import AgencyId, CaseId, SubjectId, TopicName
from schemas.sealing import DataKey
from streams.intake import memory
from streams.intake.admission import Admitted, admit
from streams.intake.reading import Readable, Refused, Sender, read
from streams.intake.writing import ledger_output, quarantine_output, receipt_output
from streams.nonces import nonces
from streams.records import Effects, Output, SourceRecord, Transaction

NO_CASE = "\x00no case"
"""Reference of an agency's events without a case: validation lets no agency use a reference like it."""

UNPROCESSABLE = Problem("$", "unprocessable", "the hub could not process this record; the operator has its position")


class Intake:
    """Stateful: its memory of event ids advances with its offsets."""

    name = "intake"
    stateful = True

    def __init__(self, *, topology: Topology, codec: Codec, vault: Vault, clock: Clock) -> None:
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
        self._clock = clock
        self._nonce = nonces()

    async def process(self, batch: Sequence[SourceRecord], transaction: Transaction) -> Effects:
        """Return ledger events, receipts and quarantined records for *batch*, all of one agency."""
        await asyncio.to_thread(self._codec.learn, [record.value for record in batch])
        sender = self._senders[batch[0].topic]
        now = await self._clock.now()
        mac_key = await self._vault.secret("duplicates")
        items: list[tuple[Readable, bytes] | Refused] = []
        for source in batch:
            await asyncio.sleep(0)  # one agency's costly events must not stop heartbeats and everybody else
            event = self._read(source, sender, now)
            items.append(event if isinstance(event, Refused) else (event, _mac(mac_key, source)))
        ids = [item[0].event_id for item in items if isinstance(item, tuple)]
        seen = await memory.recall(transaction, sender.agency, ids)
        admitted, fresh = admit(items, seen, now)
        await memory.remember(transaction, sender.agency, fresh)
        return Effects(outputs=await self._outputs(admitted, sender.agency, now))

    def _read(self, source: SourceRecord, sender: Sender, now: dt.datetime) -> Readable | Refused:
        try:
            return read(source, sender, self._codec, now)
        except Exception as error:  # noqa: BLE001 - one strange record must not stop an agency
            memory.log.error(
                "intake_unprocessable", offset=source.offset, topic=source.topic, code=type(error).__name__
            )
            return Refused(source=source, problems=(UNPROCESSABLE,))

    async def _outputs(self, admitted: Sequence[Admitted], agency: AgencyId, now: dt.datetime) -> list[Output]:
        accepted = [event for event in admitted if isinstance(event, Readable)]
        people = {event.event_id: persons(event.contract, event.record) for event in accepted}
        subjects = await self._vault.subjects(
            {_person(agency, person) for found in people.values() for person in found.values()}
        )
        await self._vault.restrict(
            {
                subjects[_person(agency, person)]
                for found in people.values()
                for person in found.values()
                if person.get("restricted") != "NO"
            }
        )
        cases = await self._vault.cases({_case(agency, event) for event in accepted})
        keys = await self._keys(agency, set(subjects.values()))
        outputs: list[Output] = []
        for event in admitted:
            if isinstance(event, Readable):
                by_path = {path: keys[subjects[_person(agency, p)]] for path, p in people[event.event_id].items()}
                by_path[AGENCY] = keys[agency]
                case_id = cases[_case(agency, event)]
                outputs.append(ledger_output(event, CaseId(case_id), by_path, self._codec, now, self._nonce))
            elif isinstance(event, Refused):
                outputs.append(quarantine_output(event, agency, keys[agency], self._codec, now, self._nonce))
            outputs.append(receipt_output(event, agency, self._codec, now))
        return outputs

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
