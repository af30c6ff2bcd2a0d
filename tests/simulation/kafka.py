"""Kafka in memory: logs with transactions and their markers, producers that fence each other, committed positions."""

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field

from aiokafka.errors import ProducerFenced

from schemas.names import TopicName
from streams.pump.ports import Committed, Place, Routed
from streams.pump.records import SourceRecord
from tests.simulation.world import Worker


@dataclass(slots=True)
class Entry:
    """One place in a log: a record, or the marker of a transaction."""

    key: bytes | None = None
    value: bytes | None = None
    state: str = "committed"
    """`open`, `committed`, `aborted`; `marker` for one that nobody reads."""


@dataclass(slots=True)
class Open:
    """A transaction that has not ended."""

    entries: dict[tuple[TopicName, int], list[Entry]] = field(default_factory=lambda: defaultdict(list))
    position: tuple[str, TopicName, int, Committed] | None = None


class Cluster:
    """Topics of the world, and what groups have committed on them."""

    def __init__(self) -> None:
        self.logs: dict[tuple[TopicName, int], list[Entry]] = defaultdict(list)
        self.committed: dict[tuple[str, TopicName, int], Committed] = {}
        self.epochs: dict[str, int] = defaultdict(int)
        self.open: dict[str, Open] = {}

    def append(self, topic: TopicName, partition: int, key: bytes | None, value: bytes) -> None:
        """Write a record outside any transaction, as agencies do."""
        self.logs[topic, partition].append(Entry(key, value))

    def stable_end(self, topic: TopicName, partition: int) -> int:
        """Return the offset before which every transaction has ended."""
        log = self.logs[topic, partition]
        return next((offset for offset, entry in enumerate(log) if entry.state == "open"), len(log))

    def records(self, topic: TopicName, partition: int = 0) -> list[Entry]:
        """Return what a reader of committed records sees."""
        return [entry for entry in self.logs[topic, partition] if entry.state == "committed"]

    def end(self, transactional_id: str, state: str) -> None:
        """Commit or abort the open transaction, if there is one."""
        found = self.open.pop(transactional_id, None)
        if found is None:
            return
        for place, entries in found.entries.items():
            for entry in entries:
                entry.state = state
            self.logs[place].append(Entry(state="marker"))
        if found.position is not None and state == "committed":
            processor, topic, partition, reached = found.position
            self.committed[processor, topic, partition] = reached


class MemoryLog:
    """The reader's side of *place* for *worker*."""

    def __init__(self, cluster: Cluster, place: Place, worker: Worker) -> None:
        self._cluster = cluster
        self._place = place
        self._worker = worker
        self._position: int | None = None
        self._is_paused = False

    async def committed(self) -> Committed | None:
        """Return what the group has committed."""
        await self._worker.step("kafka committed")
        return self._cluster.committed.get(self._place.key)

    async def bounds(self) -> tuple[int, int]:
        """Return beginning and end."""
        await self._worker.step("kafka bounds")
        return 0, self._cluster.stable_end(self._place.topic, self._place.partition)

    async def position(self) -> int:
        """Return where the reader is."""
        assert self._position is not None, "nobody has sought"
        return self._position

    async def read(self, timeout_ms: int, records_max: int) -> list[SourceRecord]:
        """Return some of the next records, seldom all."""
        await self._worker.step("kafka read")
        assert not self._is_paused, "a paused partition was read"
        found = self._next(records_max)
        if not found:
            await asyncio.sleep(timeout_ms / 1000)
            found = self._next(records_max)
        return found

    def _next(self, records_max: int) -> list[SourceRecord]:
        assert self._position is not None, "nobody has sought: the reader would begin anywhere"
        end = self._cluster.stable_end(self._place.topic, self._place.partition)
        log = self._cluster.logs[self._place.topic, self._place.partition]
        wanted = min(records_max, self._worker.world.random.choice((1, 2, 5, 1000)))
        found: list[SourceRecord] = []
        while self._position < end and len(found) < wanted:
            entry = log[self._position]
            if entry.state == "committed":
                found.append(
                    SourceRecord(
                        topic=self._place.topic,
                        partition=self._place.partition,
                        offset=self._position,
                        key=entry.key,
                        value=entry.value,
                    )
                )
            self._position += 1
        return found

    def seek(self, offset: int) -> None:
        """Read on from *offset*."""
        self._position = offset

    def pause(self) -> None:
        """Let nobody read."""
        self._is_paused = True

    def resume(self) -> None:
        """Let it be read again."""
        self._is_paused = False


class MemoryProducer:
    """The transactional producer of *place* for *worker*."""

    def __init__(self, cluster: Cluster, place: Place, worker: Worker) -> None:
        self._cluster = cluster
        self._place = place
        self._worker = worker
        self._id = f"{place.processor}.{place.topic}.{place.partition}"
        self._epoch = -1

    async def start(self) -> None:
        """Fence the previous owner and abort what it left open."""
        await self._worker.step("kafka init")
        self._cluster.end(self._id, "aborted")
        self._cluster.epochs[self._id] += 1
        self._epoch = self._cluster.epochs[self._id]

    async def stop(self) -> None:
        """Abort what this producer left open, unless it is dead or fenced: then the next one does."""
        if not self._worker.is_dead and self._cluster.epochs[self._id] == self._epoch:
            self._cluster.end(self._id, "aborted")

    async def commit(self, outputs: Routed, reached: Committed) -> None:
        """Write *outputs* and the position, step by step."""
        world = self._worker.world
        transaction = self._owned(begin=True)
        for output, partition in outputs:
            if world.random.random() < 0.3:
                await self._worker.step("kafka produce")
                transaction = self._owned()
            entry = Entry(output.key, output.value, "open")
            self._cluster.logs[output.topic, partition].append(entry)
            transaction.entries[output.topic, partition].append(entry)
        await self._worker.step("kafka offsets")
        self._owned().position = (*self._place.key, reached)
        await self._worker.step("kafka commit")
        self._owned()
        self._cluster.end(self._id, "committed")
        await self._worker.step("kafka answer")  # it may be lost although the commit was done

    def _owned(self, *, begin: bool = False) -> Open:
        if self._worker.is_dead:
            raise AssertionError("a dead worker wrote")
        if self._cluster.epochs[self._id] != self._epoch:
            raise ProducerFenced
        if begin:
            self._cluster.open[self._id] = Open()
        return self._cluster.open[self._id]
