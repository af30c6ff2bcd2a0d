"""The service of the worker that deletes what agencies published, once intake has it.

Killed at any step it loses nothing: what it deletes was committed before it looked. Of several workers one does it at
a time, for the lock of the round; a zombie that goes on with what it saw can only delete what was committed then.
"""

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence

import psycopg
import structlog
from mode import Service
from psycopg_pool import AsyncConnectionPool

from infra.advisory_locks import AdvisoryLock
from infra.settings import settings
from schemas.errors import UnavailableError
from schemas.names import TopicName
from streams.pump.records import Transaction
from streams.truncation.arrivals import PARTITION, Arrivals, Connection
from streams.truncation.marker import marker
from streams.truncation.rule import Arrived, deletable, wants_marker

log = structlog.get_logger()
LOCK = AdvisoryLock.TRUNCATING.value
"""Advisory lock of a round."""
SLACK_S = 1.0
"""More than the clocks of broker and worker run apart within a segment's time."""
# One statement, so one moment: what is parked later lies beyond this checkpoint.
_WHERE = """
SELECT c.topic, c.next_offset, (SELECT min(p."offset") FROM streams.parked p
    WHERE p.processor = c.processor AND p.topic = c.topic AND p.partition = c.partition),
    coalesce(t.truncated_to, 0), coalesce(t.marked_end, 0)
FROM streams.checkpoint c LEFT JOIN streams.truncation t USING (topic, partition)
WHERE c.processor = 'intake' AND c.topic = ANY(%s) AND c.partition = %s
"""
_NOTE = (
    "INSERT INTO streams.truncation (topic, partition, truncated_to, marked_end) VALUES (%s, %s, %s, %s) "
    "ON CONFLICT (topic, partition) DO UPDATE SET truncated_to = excluded.truncated_to, "
    "marked_end = excluded.marked_end, updated_at = now()"
)


class Truncator(Service):
    """Truncates the topics of *segments_s* (the time of a segment by topic), with markers under what *secret* gives."""

    def __init__(
        self,
        *,
        pool: AsyncConnectionPool,
        connection: Connection,
        segments_s: Mapping[TopicName, float],
        secret: Callable[[], Awaitable[bytes]],
    ) -> None:
        super().__init__()
        self._pool = pool
        self._connection = connection
        self._segments_s = segments_s
        self._secret = secret
        self._quiet: dict[TopicName, tuple[int, float]] = {}
        """The end of each topic, and since when it has been that."""

    @Service.task
    async def _run(self) -> None:
        while not self.should_stop:
            try:
                await self.round()
            except (UnavailableError, psycopg.Error, OSError) as error:
                log.warning("truncation_waits", code=getattr(error, "code", type(error).__name__))
            await self.sleep(settings().truncate_s)

    async def on_stop(self) -> None:
        """Close the connection to the broker."""
        await self._connection.close()

    async def round(self) -> None:
        """Look once, delete what may go, and write the markers that are due; raise when a part of the hub is away."""
        key = await self._secret()
        async with self._pool.connection() as transaction:
            if not await _is_alone(transaction):
                return
            rows = await (await transaction.execute(_WHERE, (list(self._segments_s), PARTITION))).fetchall()
            if not rows:
                return
            async with self._connection.arrivals() as broker:
                notes = await self._work(broker, rows, key)
            for note in notes:
                await transaction.execute(_NOTE, note)

    async def _work(self, broker: Arrivals, rows: Sequence[tuple[object, ...]], key: bytes) -> list[tuple[object, ...]]:
        """Do what *rows* ask for on the broker, and return what to note."""
        topics = [TopicName(str(row[0])) for row in rows]
        ends = await broker.ends(topics)  # first: what comes meanwhile is not taken for read
        committed = await broker.committed(topics)
        seen, known = dict[TopicName, Arrived](), dict[TopicName, tuple[int, int]]()
        for topic, (_, checkpoint, parked, truncated_to, marked_end) in zip(topics, rows, strict=True):
            if topic in ends:
                known[topic] = (int(str(truncated_to)), int(str(marked_end)))
                seen[topic] = Arrived(
                    checkpoint=int(str(checkpoint)),
                    committed=committed.get(topic),
                    first_parked=None if parked is None else int(str(parked)),
                    end=ends[topic],
                    marked_end=known[topic][1],
                    quiet_s=self._quiet_s(topic, ends[topic]),
                )
        until = {topic: offset for topic, each in seen.items() if (offset := deletable(each)) is not None}
        deleted = await broker.delete({topic: offset for topic, offset in until.items() if offset != known[topic][0]})
        notes = {topic: (offset, known[topic][1]) for topic, offset in deleted.items()}
        for topic, each in seen.items():
            if wants_marker(each, self._segments_s[topic] + SLACK_S):
                end = await broker.mark(topic, marker(key, topic))
                notes[topic] = (notes.get(topic, known[topic])[0], end)
        if notes:
            log.info("truncated", count=len(deleted), records=sum(o - known[t][0] for t, o in deleted.items()))
        return [(topic, PARTITION, *note) for topic, note in notes.items()]

    def _quiet_s(self, topic: TopicName, end: int) -> float:
        """Return how long *topic* has ended at *end*, as far as this process has seen."""
        now = time.monotonic()
        if self._quiet.get(topic, (None, 0.0))[0] != end:
            self._quiet[topic] = (end, now)
        return now - self._quiet[topic][1]


async def _is_alone(transaction: Transaction) -> bool:
    """Whether nobody else is at it; nobody can begin until the transaction ends."""
    row = await (await transaction.execute("SELECT pg_try_advisory_xact_lock(%s)", (LOCK,))).fetchone()
    return row is not None and bool(row[0])
