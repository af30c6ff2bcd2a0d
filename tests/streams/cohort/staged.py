"""A population of its own on a real database: its stage as release writes it, and the processor that reads it."""

import datetime as dt
import itertools
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

import psycopg

from infra.control import ControlState
from infra.home import Home
from infra.topology.model import Topology, load_topology
from infra.vault.holders import holder_of_agency, holder_of_subject
from infra.vault.vault import Vault
from schemas.catalogue import contract
from schemas.codec import Codec, Record
from schemas.field_steps import AGENCY, persons
from schemas.names import SubjectId, TopicName
from streams.cohort.processor import CohortProcessor
from streams.hub_records import hub_output, withdrawal_outputs
from streams.pump.records import Inputs, Output, SourceRecord
from streams.release.writing import stage_output
from tests.attacks.counting_vault import CountingVault
from tests.attacks.hub import CountingRegistry
from tests.publishing import invented, put

NOW = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
AGENCIES = ("rs-police", "bg-police", "rs-border-police")


class Stage:
    """What is on the stage of a population that nobody else has, and what came of it."""

    def __init__(self, home: Home, **rule: Any) -> None:
        original = load_topology()
        named = f"test-{uuid.uuid4().hex[:12]}"
        populations = tuple(replace(each, id=named, **rule) for each in original.populations if each.id == "persons")
        self.topology: Topology = replace(original, populations=populations)
        self.name = named
        self.topic = TopicName(f"stage.{named}")
        self.vault = CountingVault()
        self.codec = Codec(cast("Any", CountingRegistry()))
        self._home = home
        self._nonces = (number.to_bytes(12, "big") for number in itertools.count(1))
        self.log: list[SourceRecord] = []
        self.outputs: list[Output] = []
        self._processor = self.restarted()

    def restarted(self) -> CohortProcessor:
        """Return a processor that remembers nothing but what the database has, and use it from now on."""
        self._processor = CohortProcessor(topology=self.topology, codec=self.codec, vault=cast("Vault", self.vault))
        return self._processor

    def _put(self, output: Output) -> SourceRecord:
        record = SourceRecord(self.topic, 0, len(self.log), None, output.value)
        self.log.append(record)
        return record

    async def tells(self, name: str, subject: str, agency: str = AGENCIES[0], **changes: object) -> SourceRecord:
        """Put an event of *agency* about the person *subject* on the stage."""
        event = invented(name, agency)
        for path, value in changes.items():
            put(event, path.replace("__", "."), value)
        return await self.puts(name, event, agency, lambda _: subject)

    async def puts(
        self, name: str, event: Mapping[str, Any], agency: str, subject_of: Callable[[str], str]
    ) -> SourceRecord:
        """Put *event* of *agency* on the stage; *subject_of* says whom each of its references means."""
        found = contract(name)
        record: Record = {**event, "received_at": NOW}
        people = persons(found, record)
        for person in people.values():
            person["subject"] = subject_of(str(person["person_ref"]))
        subjects = {path: SubjectId(str(person["subject"])) for path, person in people.items()}
        holders = {holder_of_subject(each): str(each) for each in subjects.values()} | {
            holder_of_agency(agency): agency
        }
        keys = await self.vault.keys(holders)
        by_path = {path: keys[holder_of_subject(each)] for path, each in subjects.items()}
        by_path[AGENCY] = keys[holder_of_agency(agency)]
        return self._put(stage_output(found, record, self.name, by_path, self.codec, lambda: next(self._nonces)))

    def day(self, tick: int, term: int = 1) -> SourceRecord:
        """Put a day on the stage."""
        return self._put(hub_output(self.topic, "DayBegun", {"tick": tick, "term": term, "begun_at": NOW}, self.codec))

    def order(self, name: str, content: Record) -> SourceRecord:
        """Put a record of the hub on the stage."""
        return self._put(hub_output(self.topic, name, content, self.codec))

    def withdrawn(self, *subjects: str) -> SourceRecord:
        """Put on the stage that *subjects* withdrew."""
        ids = [SubjectId(each) for each in subjects]
        (output,) = withdrawal_outputs(str(uuid.uuid4()), ids, [self.topic], self.codec)
        return self._put(output)

    async def read(self, records: Sequence[SourceRecord], *, fails: bool = False) -> list[Output]:
        """Let the processor read *records* in a transaction of its own, which is rolled back when it *fails*."""
        control = ControlState(agreements=(), offset=0)
        inputs = Inputs(now=NOW, control=control, nonce=lambda: next(self._nonces))
        async with await psycopg.AsyncConnection.connect(self._home.dsn("hub_streams")) as connection:
            found = list(await self._processor.process(records, inputs, connection))
            if fails:
                await connection.rollback()
        if not fails:
            self.outputs += found
        return found

    def sent(self, topic: str) -> list[Record]:
        """Return what was sent to *topic*, decoded, in order."""
        return [self.codec.decode(each.value).record for each in self.outputs if each.topic == topic]

    def rows(self, tier: str = "partner") -> list[Record]:
        """Return the rows that *tier* got, without their padding."""
        found = [each for each in self.sent(f"anon.{tier}") if "padding" in each]
        return [{name: value for name, value in each.items() if name != "padding"} for each in found]

    def heads(self, tier: str = "partner") -> list[Record]:
        """Return the heads of the batches that *tier* got."""
        return [each for each in self.sent(f"anon.{tier}") if "batch_id" in each]
