"""Up to which moment all of the ledger has been read: before that no question may be called unanswered.

The answer may lie on another partition, which is read later, or not for hours. So the ends of the ledger are noted
together with the moment, and once the processor is beyond all of them it knows everything that had come by then.
"""

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import cast

from aiokafka import TopicPartition
from psycopg_pool import AsyncConnectionPool

from infra.kafka import consumer_for, let_go
from infra.topology.credentials import Credentials
from infra.topology.model import Topology
from streams.delivery.answering import LEDGER

_READ_TO = """
SELECT n.partition, coalesce(greatest(c.next_offset, s.seen_offset), 0)
FROM unnest(%(partitions)s::int[]) AS n (partition)
LEFT JOIN streams.checkpoint c
    ON c.processor = 'delivery' AND c.topic = %(topic)s AND c.partition = n.partition
LEFT JOIN streams.partition_state s
    ON s.processor = 'delivery' AND s.topic = %(topic)s AND s.partition = n.partition
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Where the ledger ended at a moment, by partition."""

    at: dt.datetime
    ends: Mapping[int, int]

    def is_passed(self, read_to: Mapping[int, int]) -> bool:
        """Return whether all before the ends has been read."""
        return all(read_to.get(partition, 0) >= end for partition, end in self.ends.items())


class LedgerReading:
    """How far the processor has read the ledger of *topology*."""

    def __init__(self, *, pool: AsyncConnectionPool, credentials: Credentials, topology: Topology) -> None:
        self._pool = pool
        self._credentials = credentials
        count = next(topic.partitions for topic in topology.topics if topic.name == LEDGER)
        self._partitions = [TopicPartition(LEDGER, number) for number in range(count)]
        self._mark: Mark | None = None

    async def read_until(self, now: dt.datetime) -> dt.datetime | None:
        """Return up to when all of the ledger has been read, None when the processor is still behind.

        Who is asked again asks for the same ends, until they are passed: under load there is always more to read.
        """
        if self._mark is None:
            ends = await ends_of(self._credentials, self._partitions)
            self._mark = Mark(at=now, ends={source.partition: end for source, end in ends.items()})
        mark = self._mark
        if not mark.is_passed(await self._read_to()):
            return None
        self._mark = None
        return mark.at

    async def _read_to(self) -> dict[int, int]:
        named = {"topic": LEDGER, "partitions": [source.partition for source in self._partitions]}
        async with self._pool.connection() as connection:
            rows = await (await connection.execute(_READ_TO, named)).fetchall()
        return {cast("int", partition): cast("int", offset) for partition, offset in rows}


async def ends_of(credentials: Credentials, sources: Iterable[TopicPartition]) -> Mapping[TopicPartition, int]:
    """Return the offset after the last record of each of *sources*."""
    consumer = consumer_for(credentials)
    try:
        await consumer.start()
        found: Mapping[TopicPartition, int] = await consumer.end_offsets(list(sources))
    finally:
        await let_go(consumer)
    return found
