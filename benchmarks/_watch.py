"""How `latency.py` sees that an event has arrived: in a partner's feed, and in the tables of a projection.

The feed is read as the partner reads it: with its own credentials, committed records only. An event is there when the
client hands it out.

A projection's rows and its checkpoint become visible in the same commit, so an event of the ledger is visible from the
moment at which another connection sees a checkpoint beyond it. That is asked every few milliseconds; the moment that
counts is when the answer is there, so the figure is too high by one interval at most, never too low. Which offset of
the ledger an event got is read from the ledger afterwards.
"""

import asyncio
import threading
import time
from collections import defaultdict
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import psycopg
from aiokafka import AIOKafkaConsumer, TopicPartition

from benchmarks._latencies import first_at
from infra.home import Home
from infra.kafka import consumer_for
from infra.topology.credentials import Credentials
from infra.topology.model import load_topology
from schemas.codec import Codec

PARTNER = "europol"
FEED = TopicPartition(f"to.{PARTNER}", 0)
LEDGER = "ledger"
PROJECTION = "national_cases"
POLL_S = 0.005
GETMANY_MS = 100


@dataclass(frozen=True, kw_only=True)
class Placed:
    """Where an event is in the ledger."""

    partition: int
    offset: int
    written_at: float
    """When the broker wrote it, to the millisecond, by the clock of this process; its transaction ends later."""


class Feed:
    """Notes when each record came out of the partner's feed; opened from its end on."""

    def __init__(self, home: Home) -> None:
        self._consumer: AIOKafkaConsumer = consumer_for(Credentials.of(home, PARTNER))
        self._task: asyncio.Task[None] | None = None
        self.arrived: list[tuple[float, bytes]] = []

    async def __aenter__(self) -> Self:
        await self._consumer.start()
        self._consumer.assign([FEED])
        await self._consumer.seek_to_end(FEED)
        await self._consumer.position(FEED)
        self._task = asyncio.create_task(self._watch())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._task is not None
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await self._consumer.stop()

    async def _watch(self) -> None:
        while True:
            fetched = await self._consumer.getmany(timeout_ms=GETMANY_MS)
            now = time.perf_counter()
            self.arrived += [(now, record.value) for records in fetched.values() for record in records]

    def ids(self, codec: Codec) -> dict[str, float]:
        """Return when each event arrived, by its id."""
        codec.learn(value for _, value in self.arrived)
        return {event_id_of(codec, value): moment for moment, value in self.arrived}


class Tables:
    """Notes when the checkpoint of the projection moved, from a thread of its own."""

    def __init__(self, home: Home) -> None:
        self._dsn = home.dsn("hub_admin")
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._timelines: dict[int, list[tuple[float, int]]] = defaultdict(list)
        self.asked_at: list[float] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        query = b"SELECT partition, next_offset FROM projections.checkpoint WHERE projection = %s AND topic = %s"
        with psycopg.connect(self._dsn, autocommit=True) as connection:
            while not self._stop.wait(POLL_S):
                rows = connection.execute(query, (PROJECTION, LEDGER), prepare=True).fetchall()
                now = time.perf_counter()
                self.asked_at.append(now)
                for partition, reached in rows:
                    timeline = self._timelines[partition]
                    if not timeline or timeline[-1][1] < reached:
                        timeline.append((now, reached))

    def seen_at(self, partition: int, offset: int) -> float:
        """Return when the event of the ledger at *offset* of *partition* was first seen to be in the tables."""
        return first_at(self._timelines[partition], offset)

    def reached(self, partition: int) -> int:
        """Return before which offset of *partition* everything is in the tables."""
        timeline = self._timelines[partition]
        return timeline[-1][1] if timeline else 0

    def gaps(self) -> list[float]:
        """Return the seconds between one answer and the next: the error of what is measured here."""
        return [later - sooner for sooner, later in zip(self.asked_at, self.asked_at[1:], strict=False)]


class Ledger:
    """The ledger from its present end on."""

    def __init__(self, home: Home) -> None:
        self._consumer: AIOKafkaConsumer = consumer_for(Credentials.of(home, "hub-admin"))

    async def __aenter__(self) -> Self:
        await self._consumer.start()
        (partitions,) = [topic.partitions for topic in load_topology().topics if topic.name == LEDGER]
        sources = [TopicPartition(LEDGER, number) for number in range(partitions)]
        self._consumer.assign(sources)
        await self._consumer.seek_to_end(*sources)
        for source in sources:
            await self._consumer.position(source)
        self._consumer.pause(*sources)
        self._sources = sources
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._consumer.stop()

    async def places(self, codec: Codec, expected: int, timeout_s: float) -> dict[str, Placed]:
        """Return where each new event is, by its id; all *expected*, or those there are by then."""
        self._consumer.resume(*self._sources)
        found: dict[str, Placed] = {}
        wall = time.time() - time.perf_counter()
        deadline = time.monotonic() + timeout_s
        while len(found) < expected and time.monotonic() < deadline:
            for records in (await self._consumer.getmany(timeout_ms=GETMANY_MS)).values():
                await asyncio.to_thread(codec.learn, [record.value for record in records])
                for record in records:
                    found[event_id_of(codec, record.value)] = Placed(
                        partition=record.partition, offset=record.offset, written_at=record.timestamp / 1000 - wall
                    )
        self._consumer.pause(*self._sources)
        return found


def event_id_of(codec: Codec, value: bytes) -> str:
    """Return the id of the event in *value*, which is in clear on every channel."""
    envelope = codec.decode(value).record["envelope"]
    assert isinstance(envelope, dict)
    return str(envelope["event_id"])
