"""How far the chain of each source has come, in PostgreSQL: it advances in the transaction of the batch."""

import datetime as dt
from typing import Protocol, cast

from infra.evidence.chain import Head
from schemas.errors import UnavailableError
from schemas.names import TopicName
from streams.pump.positions import LostOwnershipError
from streams.pump.records import Transaction

_HEAD = (
    "SELECT position, entry, statements, statement, coalesce(unstamped_since < now() - %s::interval, false) "
    "FROM streams.chain WHERE topic = %s AND partition = %s FOR UPDATE"
)
_ADVANCE = (
    "INSERT INTO streams.chain AS c (topic, partition, position, entry, statements, statement, unstamped_since) "
    "VALUES (%s, %s, %s, %s, %s, %s, now()) ON CONFLICT (topic, partition) DO UPDATE SET "
    "position = excluded.position, entry = excluded.entry, statements = excluded.statements, "
    "statement = excluded.statement, unstamped_since = coalesce(c.unstamped_since, now()), updated_at = now() "
    "WHERE c.position = %s"
)


class StampOverdueError(UnavailableError):
    """The time-stamp of what was answered is too long in coming: intake waits for the authority."""

    code = "timestamp-overdue"


class Chains(Protocol):
    """The heads of all chains; they are read and written in the SQL transaction of a batch."""

    async def head(self, transaction: Transaction, topic: TopicName, partition: int) -> Head | None:
        """Return the head of a source, locked until the transaction ends; None before the first entry.

        Raises StampOverdueError when what is chained has gone without a time-stamp for too long.
        """

    async def advance(
        self, transaction: Transaction, topic: TopicName, partition: int, seen: Head, reached: Head
    ) -> None:
        """Move the head of a source from *seen* to *reached*; LostOwnershipError when it is not there."""


class SqlChains:
    """The heads in the table `streams.chain`; with *unstamped_max* nothing may go longer without a time-stamp."""

    def __init__(self, unstamped_max: dt.timedelta | None = None) -> None:
        self._unstamped_max = unstamped_max

    async def head(self, transaction: Transaction, topic: TopicName, partition: int) -> Head | None:
        """Return the head of a source, locked until the transaction ends; None before the first entry."""
        cursor = await transaction.execute(_HEAD, (self._unstamped_max, topic, partition))
        row = await cursor.fetchone()
        if row is None:
            return None
        position, entry, statements, statement, is_overdue = row
        if is_overdue:
            raise StampOverdueError("the time-stamp authority has not answered for too long; nothing is taken in")
        return Head(
            position=cast("int", position),
            entry=bytes(cast("bytes", entry)),
            statements=cast("int", statements),
            statement=bytes(cast("bytes", statement)),
        )

    async def advance(
        self, transaction: Transaction, topic: TopicName, partition: int, seen: Head, reached: Head
    ) -> None:
        """Move the head of a source from *seen* to *reached*; LostOwnershipError when it is not there."""
        told = (topic, partition, reached.position, reached.entry, reached.statements, reached.statement)
        cursor = await transaction.execute(_ADVANCE, (*told, seen.position))
        if cursor.rowcount != 1:
            raise LostOwnershipError("another worker has gone on with the chain")
