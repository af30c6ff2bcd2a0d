"""The hub in memory, without faults: the real intake, release and projections; time, ids and nonces count.

`run` publishes records as agencies send them and returns every sink: what is on topics, in tables, in logs, parked.
"""

import contextlib
import datetime as dt
import io
import itertools
import logging
import sys
import threading
import warnings
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any, cast

import structlog

from infra.control import ControlState
from infra.logging import configure_logging
from infra.topology.agreements import Agreement
from infra.topology.model import Topology, load_topology
from infra.topology.subjects import subjects
from projections.catalogue import PROJECTIONS
from projections.decoding import EventReader
from projections.projection import countries_of
from projections.rows import Rows, combine
from schemas.catalogue import contract
from schemas.codec import Codec
from schemas.names import AgencyId, SchemaId, TopicName
from schemas.registry import AvroSchema, Registry, fingerprint_of
from streams.intake.admission import Seen
from streams.intake.chaining import Chaining
from streams.intake.processor import Intake
from streams.pump.parking import Careful, Sequences
from streams.pump.ports import Books
from streams.pump.records import Inputs, Output, Parked, Processor, SourceRecord
from streams.pump.routing import routed
from streams.release.processor import ReleaseProcessor
from tests.attacks.counting_vault import CountingVault
from tests.evidence import HUB, MemoryChains, OneKey

NOW = dt.datetime(2026, 11, 24, 12, tzinfo=dt.UTC)
LEDGER = TopicName("ledger")
ORGANISATION = "bg-counselling"


class CountingRegistry:
    """Gives every schema an id when it is first asked for."""

    def __init__(self) -> None:
        self.by_id: dict[SchemaId, AvroSchema] = {}
        self._ids: dict[str, SchemaId] = {}

    def id_of(self, _subject: str, schema: AvroSchema) -> SchemaId:
        found = self._ids.setdefault(fingerprint_of(schema), SchemaId(len(self._ids) + 1))
        self.by_id[found] = schema
        return found

    def known(self, schema_id: SchemaId) -> AvroSchema | None:
        return self.by_id.get(schema_id)

    def learn(self, _ids: Collection[SchemaId]) -> None:
        return


@cache
def topology() -> Topology:
    return load_topology()


@cache
def codec() -> Codec:
    """Return one codec for all runs, every schema of the topology registered in the same order."""
    made = Codec(cast("Registry", CountingRegistry()))
    for each in subjects(topology()):
        made.writer(each.name, each.schema)
    return made


@cache
def agency_for(event_type: str) -> AgencyId:
    """Return an agency that may publish *event_type*, one whose events of this type somebody may see where there is."""
    able = [each.id for each in topology().agencies if event_type in topology().permitted(str(each.id))]
    return next((agency for agency in able if agreements_for(event_type, agency)), able[0])


@cache
def agreements_for(event_type: str, agency: AgencyId) -> tuple[Agreement, ...]:
    """Return the agreements that speak of this type of event of this agency."""
    return tuple(each for each in topology().agreements if event_type in each.event_types and agency in each.agencies)


def published(event_type: str, event: Mapping[str, object]) -> bytes:
    """Return *event* in the wire format, valid or not."""
    known = contract(event_type)
    return codec().writer(f"in.{agency_for(event_type)}-{known.fullname}", known.schema).encode(event)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What an agency sends; key and headers are the agency's own affair."""

    agency: AgencyId
    value: bytes | None
    key: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A record as a topic of the hub holds it; the hub writes no headers, and the broker sets the time."""

    topic: TopicName
    partition: int
    offset: int
    key: bytes | None
    value: bytes


@dataclass(kw_only=True, repr=False)
class Sinks:
    """Everything that a run leaves behind."""

    stored: list[Stored] = field(default_factory=list)
    rows: dict[str, Rows] = field(default_factory=dict)
    seen: dict[AgencyId, dict[str, Seen]] = field(default_factory=dict)
    parked: list[tuple[str, Parked]] = field(default_factory=list)
    logs: str = ""

    def on(self, topic: str) -> list[Stored]:
        """Return what *topic* holds, in order within each partition."""
        found = [each for each in self.stored if each.topic == topic]
        return sorted(found, key=lambda each: (each.partition, each.offset))


class _Books:
    """The books of a pump as far as parking needs them."""

    def __init__(self, processor: str, sinks: Sinks) -> None:
        self._processor = processor
        self._sinks = sinks

    @asynccontextmanager
    async def savepoint(self, _transaction: object) -> AsyncIterator[None]:
        yield

    async def park(self, _transaction: object, parked: Sequence[Parked]) -> None:
        self._sinks.parked += [(self._processor, each) for each in parked]


class _Memory:
    """What intake remembers, in the sinks of a run."""

    def __init__(self, sinks: Sinks) -> None:
        self._held = sinks.seen

    async def recall(self, _transaction: object, agency: AgencyId, event_ids: Collection[str]) -> dict[str, Seen]:
        held = self._held.setdefault(agency, {})
        return {event_id: held[event_id] for event_id in event_ids if event_id in held}

    async def remember(self, _transaction: object, agency: AgencyId, fresh: Mapping[str, Seen]) -> None:
        self._held.setdefault(agency, {}).update(fresh)


class Hub:
    """One hub; `intake` and `release` may be other builds, such as one that leaks more than projections can read."""

    def __init__(
        self,
        vault: CountingVault | None = None,
        *,
        intake: type[Intake] = Intake,
        release: type[ReleaseProcessor] = ReleaseProcessor,
        project: bool = True,
    ) -> None:
        self.vault = vault or CountingVault()
        self.sinks = Sinks()
        memory = _Memory(self.sinks)
        self._intake = intake(
            topology=topology(),
            codec=codec(),
            vault=self.vault,
            memory=cast("Any", memory),
            chaining=Chaining(hub=HUB, codec=codec(), signer=OneKey(), chains=MemoryChains()),
        )
        self._release = release(topology=topology(), codec=codec(), vault=self.vault)
        self._project_too = project
        self.agreements = tuple(topology().agreements)
        self._numbers = itertools.count()
        self._ends: dict[tuple[TopicName, int], int] = defaultdict(int)
        self._sent: dict[TopicName, int] = defaultdict(int)
        self._partitions = {topic.name: topic.partitions for topic in topology().topics}

    async def run(self, sent: Sequence[Sent]) -> Sinks:
        """Let *sent* go through the hub, all of an agency in one batch, and return all that is there then."""
        await self.intake(sent)
        await self.release()
        if self._project_too:
            await self._project()
        return self.sinks

    async def intake(self, sent: Sequence[Sent]) -> None:
        """Let intake take *sent*, all of an agency in one batch."""
        by_agency: dict[AgencyId, list[Sent]] = defaultdict(list)
        for each in sent:
            by_agency[each.agency].append(each)
        for agency, several in by_agency.items():
            await self.take(self._intake, [self._record(agency, each) for each in several])

    async def release(self) -> None:
        """Let release decide about what the ledger holds and it has not read."""
        by_partition: dict[int, list[SourceRecord]] = defaultdict(list)
        for each in self.sinks.on(LEDGER):
            if each.offset >= self._sent[TopicName(f"{LEDGER}-{each.partition}")]:
                by_partition[each.partition].append(
                    SourceRecord(LEDGER, each.partition, each.offset, each.key, each.value)
                )
        for partition, several in sorted(by_partition.items()):
            await self.take(self._release, several)
            self._sent[TopicName(f"{LEDGER}-{partition}")] = several[-1].offset + 1

    async def take(self, processor: Processor, batch: Sequence[SourceRecord]) -> None:
        """Let *processor* process *batch* as the pump would: what fails is parked."""
        careful = Careful(processor, cast("Books", _Books(processor.name, self.sinks)), Sequences())
        with logged() as logs:
            self._store(await careful.outputs(batch, self.inputs(), cast("Any", None)))
        self.sinks.logs += logs.getvalue()

    def inputs(self) -> Inputs:
        """Return the same time and agreements in every run, and nonces that count."""
        agreements = tuple(sorted(self.agreements, key=lambda each: each.id))
        return Inputs(now=NOW, control=ControlState(agreements=agreements, offset=16), nonce=self._nonce)

    def _nonce(self) -> bytes:
        return next(self._numbers).to_bytes(12)

    def _record(self, agency: AgencyId, sent: Sent) -> SourceRecord:
        topic = TopicName(f"in.{agency}")
        offset = self._sent[topic]
        self._sent[topic] += 1
        return SourceRecord(topic, 0, offset, sent.key, sent.value)

    def _store(self, outputs: Sequence[Output]) -> None:
        for output, partition in routed(outputs, self._partitions):
            offset = self._ends[output.topic, partition]
            self._ends[output.topic, partition] += 1
            self.sinks.stored.append(
                Stored(topic=output.topic, partition=partition, offset=offset, key=output.key, value=output.value)
            )

    async def _project(self) -> None:
        reader, countries = EventReader(codec()), countries_of(topology())
        for projection in PROJECTIONS:
            rows: Rows = {}
            for topic in projection.topics(topology()):
                events = [
                    reader.event(topic, each.offset, each.key, each.value, known)
                    for each in self.sinks.on(topic)
                    if (known := reader.known(topic, each.value)) is None or projection.reads(known.name)
                ]
                rows = combine(rows, projection.apply(events, countries))
            self.sinks.rows[projection.name] = rows


@contextmanager
def logged() -> Iterator[io.StringIO]:
    """Yield what is logged meanwhile, by loggers as every process of the hub configures them."""
    out = io.StringIO()
    root = logging.getLogger()
    hooks = sys.excepthook, sys.unraisablehook, threading.excepthook, warnings.showwarning
    handlers, level = root.handlers[:], root.level
    try:
        with contextlib.redirect_stderr(out):
            configure_logging()
            structlog.configure(cache_logger_on_first_use=False)
            yield out
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
        sys.excepthook, sys.unraisablehook, threading.excepthook, warnings.showwarning = hooks
        structlog.reset_defaults()


def every_text(sinks: Sinks) -> Iterator[tuple[str, bytes]]:
    """Yield every sink with its content as bytes, named."""
    for each in sinks.stored:
        yield f"value on {each.topic}", each.value
        yield f"key on {each.topic}", each.key or b""
    for name, rows in sinks.rows.items():
        yield f"table of {name}", _rows_text(rows).encode()
    for agency, seen in sinks.seen.items():
        for event_id, known in seen.items():
            yield f"memory of {agency}", event_id.encode() + known.content_mac
    for processor, parked in sinks.parked:
        yield f"parking of {processor}", (parked.key or b"") + f"{parked.code} {parked.advice}".encode()
    yield "logs", sinks.logs.encode()


def _rows_text(rows: Rows) -> str:
    return "\n".join(
        f"{table.name} {key} {values}"
        for table, several in sorted(rows.items(), key=lambda each: each[0].name)
        for key, values in several.items()
    )


Build = Callable[[], Hub]
