"""Folds one partition into generations that are being built: in large steps, from the checkpoint exactly to an offset.

Rule 1: rows and checkpoint go in one SQL transaction, the checkpoint by compare-and-set: a builder that was killed, or
        that another one has overtaken, has written all of a step or nothing.
Rule 2: one decode serves all generations that read the partition.
Rule 3: an event that cannot be folded stops its generation right before it. What came before it is written; the other
        generations go on.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import psycopg
import structlog
from confluent_kafka import KafkaError, Message, TopicPartition

from infra.home import Home
from infra.registry import registry_for
from infra.topology.model import Topology
from projections import logs, store
from projections.bulk import BulkWriter
from projections.catalogue import projection as in_catalogue
from projections.decoding import EventReader, Known
from projections.logs import Partition
from projections.projection import Event, Projection, countries_of
from projections.rows import Key, Table, Values, add
from projections.skipping import skipped
from projections.store import MovedCheckpointError, Place
from schemas.codec import Codec
from schemas.errors import UnavailableError, code_of
from schemas.names import TopicName

log = structlog.get_logger()

STEP_RECORDS = 40_000
STEP_ROWS = 150_000
"""A step is written at the latest after so many records, or rows of one generation: they are in memory until then."""
READ_RECORDS = 2_000
READ_S = 0.05
FETCHING = {
    "enable.partition.eof": True,
    "fetch.wait.max.ms": 100,
    "fetch.message.max.bytes": 4 * 1024 * 1024,
    "queued.max.messages.kbytes": 32 * 1024,
    "fetch.queue.backoff.ms": 5,  # else a full queue, once emptied, is left empty for up to a second
}
STALLED_S = 90.0
"""No record for so long, though there must be some: the broker is away, or a transaction never ends."""
OVERTAKEN_MAX = 5

Told = Callable[[int, int], None]
"""Called with how many records were read since the last call, and how many offsets that were, markers included."""


class StalledLogError(UnavailableError):
    """A topic gives no record though its end is not reached."""

    code = "log-stalled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """A generation on a partition, and the offset before which it is to end."""

    projection: str
    generation: int
    until: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """An event stopped a generation."""

    projection: str
    generation: int
    code: str
    advice: str


@dataclass(slots=True)
class _Open:
    """A lane while it is folded."""

    projection: Projection
    place: Place
    next_offset: int
    until: int
    rows: dict[Table, dict[Key, Values]] = field(default_factory=dict)
    size: int = 0
    reached: int = 0
    failure: Failure | None = None


class Builder:
    """Folds partitions, one after the other, with connections of its own."""

    def __init__(
        self,
        home: Home,
        topology: Topology,
        principal: str = logs.PRINCIPAL,
        find: Callable[[str], Projection] = in_catalogue,
    ) -> None:
        self._find = find
        self._countries = countries_of(topology)
        self._registry = registry_for(home)
        self._reader = EventReader(Codec(self._registry))
        self._consumer = logs.consumer_of(
            home,
            principal,
            **FETCHING,
        )
        self._connection = psycopg.connect(home.dsn("hub_projections"), connect_timeout=3, autocommit=True)
        self._writer = BulkWriter(self._connection)
        self._skipped: frozenset[int] = frozenset()

    def close(self) -> None:
        """Close the connections."""
        self._consumer.close()
        self._connection.close()
        self._registry.close()

    def fold(self, partition: Partition, lanes: Sequence[Lane], told: Told) -> list[Failure]:
        """Bring every lane on *partition* to where it is to end; return what stopped lanes before that.

        Raises LostLogError when a checkpoint speaks of another log, UnavailableError when a server is away.
        """
        for _ in range(OVERTAKEN_MAX):
            try:
                return self._fold(partition, lanes, told)
            except MovedCheckpointError:  # a builder that was left behind has just ended: go on after it
                time.sleep(1.0)
        raise MovedCheckpointError("another builder folds the same generation; give the same command again")

    def _fold(self, partition: Partition, lanes: Sequence[Lane], told: Told) -> list[Failure]:
        bounds = logs.bounds_by(self._consumer, [partition])[partition]
        self._skipped = skipped(self._connection, partition)
        opened = [lane for each in lanes if (lane := self._open(partition, each, bounds)).next_offset < lane.until]
        if not opened:
            return []
        start = min(lane.next_offset for lane in opened)
        self._consumer.assign([TopicPartition(*partition, start)])
        try:
            self._read(opened, told)
        finally:
            self._consumer.unassign()
        return [lane.failure for lane in opened if lane.failure is not None]

    def _open(self, partition: Partition, lane: Lane, bounds: tuple[int, int]) -> _Open:
        topic, number = partition
        place = Place(projection=lane.projection, generation=lane.generation, topic=TopicName(topic), partition=number)
        row = self._connection.execute(store.STORED, place.key).fetchone()
        beginning, end = bounds
        stored = store.resume_at(
            stored=None if row is None else int(str(row[0])), beginning=beginning, end=max(end, lane.until)
        )
        if row is None and self._connection.execute(store.BEGIN, (*place.key, stored)).rowcount != 1:
            raise MovedCheckpointError("another builder has started the partition")
        return _Open(projection=self._find(lane.projection), place=place, next_offset=stored, until=lane.until)

    def _read(self, lanes: list[_Open], told: Told) -> None:
        last = max(lane.until for lane in lanes)
        reached, since, heard = min(lane.next_offset for lane in lanes), 0, time.monotonic()
        while reached < last and not all(lane.failure for lane in lanes):
            messages = self._consumer.consume(READ_RECORDS, timeout=READ_S)
            if messages:
                heard = time.monotonic()
            elif time.monotonic() - heard > STALLED_S:
                raise StalledLogError(f"no record of {lanes[0].place.topic} for {STALLED_S:.0f} s: see `hub status`")
            records, end = _records(messages)
            self._reader.codec.learn([record.value() for record in records])
            for record in records:
                self._take(record, lanes)
            end = max(end, int(records[-1].offset() or 0) + 1) if records else end
            before, reached = reached, max(reached, end)
            since += len(records)
            told(len(records), min(reached, last) - min(before, last))
            for lane in lanes:
                lane.reached = max(lane.next_offset, min(reached, lane.until))
            if since >= STEP_RECORDS or max(lane.size for lane in lanes) >= STEP_ROWS:
                self._write(lanes)
                since = 0
        self._write(lanes)

    def _take(self, record: Message, lanes: list[_Open]) -> None:
        """Add what *record* adds to each lane that has not seen it."""
        offset, value, topic = int(record.offset() or 0), record.value(), lanes[0].place.topic
        known: Known | None = None
        event: Event | None = None
        looked = False
        for lane in lanes:
            if lane.failure is not None or not lane.next_offset <= offset < lane.until or offset in self._skipped:
                continue
            try:
                if not looked:
                    known, looked = self._reader.known(topic, value), True
                if known is not None and not lane.projection.reads(known.name):
                    continue
                if event is None:
                    event = self._reader.event(topic, offset, record.key(), value, known)
                rows = list(lane.projection.rows_of(event, self._countries))
            except UnavailableError:
                raise
            except Exception as error:  # noqa: BLE001 - whatever it is, the records before it count
                self._fail(lane, offset, error)
            else:
                for row in rows:
                    lane.size += add(lane.rows, row)

    def _fail(self, lane: _Open, offset: int, error: Exception) -> None:
        code = code_of(error)
        log.error("build_failed", **_of(lane.place), offset=offset, code=code, exc_info=error)
        lane.until = offset
        lane.failure = Failure(
            projection=lane.place.projection,
            generation=lane.place.generation,
            code=code,
            advice=f"the event at offset {offset} of {lane.place.topic}-{lane.place.partition} cannot be folded; after "
            f"mending the code, or `hub projection skip {lane.place.topic}-{lane.place.partition}@{offset}` for one "
            f"that somebody wrote by hand, give `hub projection rebuild {lane.place.projection}` again",
        )

    def _write(self, lanes: list[_Open]) -> None:
        """Write what is in memory, with the checkpoints, in one transaction."""
        with self._connection.transaction():
            for lane in sorted(lanes, key=lambda lane: lane.place.key):
                lane.reached = min(lane.reached, lane.until)
                if lane.reached <= lane.next_offset:
                    continue
                # First the checkpoint: two who write the same place wait for each other here, before any row.
                moved = self._connection.execute(store.ADVANCE, (lane.reached, *lane.place.key, lane.next_offset))
                if moved.rowcount != 1:
                    raise MovedCheckpointError("another builder has moved the checkpoint")
                self._writer.write(lane.place.schema, lane.rows)
                self._connection.execute(store.TELL, lane.place.key[:2])
        for lane in lanes:
            lane.next_offset, lane.rows, lane.size = max(lane.next_offset, lane.reached), {}, 0


def _records(messages: Sequence[Message]) -> tuple[list[Message], int]:
    """Return the records among *messages*, and the offset of the end when it was reached."""
    records, end = [], 0
    for message in messages:
        error = message.error()
        if error is None:
            records.append(message)
        elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - librdkafka names it so
            end = int(message.offset() or 0)
        elif error.fatal() or not error.retriable():
            raise logs.LogsUnavailableError(f"Kafka does not answer ({error.name()}); look at `hub status`")
    return records, end


def _of(place: Place) -> dict[str, object]:
    return {"projection": place.projection, "topic": place.topic, "partition": place.partition}
