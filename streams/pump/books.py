"""The SQL side of exactly-once: checkpoints by compare-and-set, the outbox, and what is parked."""

# ruff: noqa: S608 - all that is put into a statement is a constant of this file

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from psycopg_pool import AsyncConnectionPool

from schemas.names import TopicName
from streams.pump.parked_books import ParkedBooks, bytes_of
from streams.pump.ports import Checkpoint, Committed, Place, Routed
from streams.pump.positions import LostOwnershipError
from streams.pump.records import Output, Transaction

_PLACE = "processor = %s AND topic = %s AND partition = %s"
_KAFKA_HAS = "(retry = 0 AND next_offset <= %s OR retry BETWEEN 1 AND %s)"


class SqlBooks(ParkedBooks):
    """The books of *place* in the database behind *pool*."""

    def __init__(self, pool: AsyncConnectionPool, place: Place) -> None:
        super().__init__(place)
        self._pool = pool

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """Open a transaction that commits at the end of the block and rolls back on an error."""
        async with self._pool.connection() as connection:
            yield connection

    def savepoint(self, transaction: Transaction) -> AbstractAsyncContextManager[object]:
        """Take back what the block did when it ends by an error, and nothing else."""
        return transaction.transaction()

    async def checkpoint(self, transaction: Transaction) -> Checkpoint | None:
        """Return the checkpoint, locked until the transaction ends; None before the first start."""
        cursor = await transaction.execute(
            "SELECT first_offset, next_offset, retries, owner, starts, trying_offset, tried FROM streams.checkpoint "
            f"WHERE {_PLACE} FOR UPDATE",
            self.place.key,
        )
        row = await cursor.fetchone()
        if row is None:
            return None
        first, following, retries, owner, starts, trying, tried = (
            None if value is None else int(str(value)) for value in row
        )
        return Checkpoint(
            first_offset=first or 0,
            next_offset=following or 0,
            retries=retries or 0,
            owner=owner or 0,
            starts=starts or 0,
            trying_offset=trying,
            tried=tried or 0,
        )

    async def begin(self, transaction: Transaction, offset: int) -> None:
        """Record that the place starts at *offset*; LostOwnershipError when another one was quicker."""
        cursor = await transaction.execute(
            "INSERT INTO streams.checkpoint (processor, topic, partition, first_offset, next_offset) "
            "VALUES (%s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
            (*self.place.key, offset, offset),
        )
        if cursor.rowcount != 1:
            raise LostOwnershipError("another worker has begun on the partition")

    async def own(self, transaction: Transaction, *, is_first: bool) -> int:
        """Become the owner of the checkpoint and return the number; count a start when *is_first*."""
        cursor = await transaction.execute(
            f"UPDATE streams.checkpoint SET owner = owner + 1, starts = starts + %s WHERE {_PLACE} RETURNING owner",
            (int(is_first), *self.place.key),
        )
        row = await cursor.fetchone()
        assert row is not None, "the checkpoint was read, or begun, in the same transaction"
        return int(str(row[0]))

    async def forgive(self, transaction: Transaction) -> None:
        """Take back all counts of starts and attempts: what failed did not end the process."""
        await transaction.execute(
            f"UPDATE streams.checkpoint SET starts = 0, trying_offset = NULL, tried = 0 WHERE {_PLACE} "
            "AND (starts > 0 OR tried > 0)",
            self.place.key,
        )
        await transaction.execute(f"UPDATE streams.parked SET tried = 0 WHERE {_PLACE} AND tried > 0", self.place.key)

    async def trying(self, transaction: Transaction, offset: int) -> None:
        """Count one more attempt at the record at *offset*, by itself."""
        await transaction.execute(
            "UPDATE streams.checkpoint SET trying_offset = %s, "
            f"tried = CASE WHEN trying_offset = %s THEN tried + 1 ELSE 1 END WHERE {_PLACE}",
            (offset, offset, *self.place.key),
        )

    async def advance(self, transaction: Transaction, seen: int, reached: int) -> None:
        """Move the checkpoint from *seen* to *reached*; LostOwnershipError when it is not at *seen*."""
        cursor = await transaction.execute(
            "UPDATE streams.checkpoint SET next_offset = %s, starts = 0, trying_offset = NULL, tried = 0, "
            f"updated_at = now() WHERE {_PLACE} AND next_offset = %s",
            (reached, *self.place.key, seen),
        )
        if cursor.rowcount != 1:
            raise LostOwnershipError("another worker owns the partition now")

    async def advance_retries(self, transaction: Transaction, reached: int) -> None:
        """Move the number of retries to *reached* from the one before; LostOwnershipError when it is not there."""
        cursor = await transaction.execute(
            f"UPDATE streams.checkpoint SET retries = %s, updated_at = now() WHERE {_PLACE} AND retries = %s",
            (reached, *self.place.key, reached - 1),
        )
        if cursor.rowcount != 1:
            raise LostOwnershipError("another worker owns the partition now")

    async def keep_outputs(self, transaction: Transaction, outputs: Routed, reached: int, retry: int = 0) -> None:
        """Keep *outputs* of the batch up to *reached*, or of a retry, until Kafka has them."""
        if not outputs:
            return
        # No COPY: who stands still in the middle of one keeps its locks, whatever time-outs are set.
        await transaction.execute(
            "INSERT INTO streams.outbox (processor, topic, partition, next_offset, retry, position, target, "
            "target_partition, key, value, timestamp_ms) SELECT %s, %s, %s, %s, %s, o.* FROM unnest(%s::int[], "
            "%s::text[], %s::int[], %s::bytea[], %b::bytea[], %s::bigint[]) "
            "AS o (position, target, number, key, value, at)",
            (
                *self.place.key,
                reached,
                retry,
                list(range(len(outputs))),
                [str(output.topic) for output, _ in outputs],
                [partition for _, partition in outputs],
                [output.key for output, _ in outputs],
                [output.value for output, _ in outputs],
                [output.timestamp_ms for output, _ in outputs],
            ),
        )

    async def pending_outputs(self, transaction: Transaction, committed: Committed) -> Routed:
        """Return the outputs that are kept and that Kafka, at *committed*, has not got yet; in order."""
        cursor = await transaction.execute(
            "SELECT target, target_partition, key, value, timestamp_ms FROM streams.outbox "
            f"WHERE {_PLACE} AND NOT {_KAFKA_HAS} ORDER BY next_offset, retry, position",
            (*self.place.key, committed.offset, committed.retries),
        )
        return [
            (
                Output(
                    topic=TopicName(str(target)),
                    key=bytes_of(key),
                    value=bytes_of(value) or b"",
                    timestamp_ms=None if timestamp_ms is None else int(str(timestamp_ms)),
                ),
                int(str(partition)),
            )
            for target, partition, key, value, timestamp_ms in await cursor.fetchall()
        ]

    async def forget_outputs(self, transaction: Transaction, committed: Committed) -> None:
        """Forget the outputs that Kafka, at *committed*, has got."""
        await transaction.execute(
            f"DELETE FROM streams.outbox WHERE {_PLACE} AND {_KAFKA_HAS}",
            (*self.place.key, committed.offset, committed.retries),
        )

    async def say(self, transaction: Transaction, state: str, code: str = "", advice: str = "") -> None:
        """Say what happens on the place, for `hub status`."""
        await transaction.execute(
            "INSERT INTO streams.partition_state (processor, topic, partition, state, code, advice) "
            "VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT (processor, topic, partition) "
            "DO UPDATE SET state = excluded.state, code = excluded.code, advice = excluded.advice, updated_at = now()",
            (*self.place.key, state, code, advice),
        )

    async def seen(self, transaction: Transaction, position: int) -> None:
        """Record that all runs, and that there was nothing to do before *position*."""
        await transaction.execute(
            "UPDATE streams.partition_state SET seen_offset = %s, state = 'running', code = '', advice = '', "
            f"updated_at = now() WHERE {_PLACE}",
            (position, *self.place.key),
        )
        await transaction.execute(
            f"UPDATE streams.checkpoint SET starts = 0 WHERE {_PLACE} AND starts > 0", self.place.key
        )
