"""The SQL side of a projection: rows and checkpoint in one transaction, the checkpoint by compare-and-set."""

import uuid
from dataclasses import dataclass
from functools import cache

import psycopg
from psycopg import sql

from projections.rows import Column, Merge, Rows, Table
from schemas.errors import MisuseError, UnavailableError
from schemas.names import TopicName

Transaction = psycopg.AsyncConnection[tuple[object, ...]]
"""A connection inside the SQL transaction of a batch."""


class MovedCheckpointError(UnavailableError):
    """Somebody else moved the checkpoint, or took it away to rebuild: read it again."""

    code = "checkpoint-moved"


class LostLogError(MisuseError):
    """The topic is not the one that the checkpoint speaks of: going on could lose or repeat events."""

    code = "checkpoint-contradiction"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One projection on one partition."""

    projection: str
    topic: TopicName
    partition: int

    @property
    def key(self) -> tuple[str, str, int]:
        """Return the primary key of the place in every table."""
        return (self.projection, self.topic, self.partition)


async def checkpoint(transaction: Transaction, place: Place, *, lock: bool = False) -> int | None:
    """Return the next offset of *place*, with *lock* held until the transaction ends; None before the first start."""
    query = "SELECT next_offset FROM projections.checkpoint WHERE projection = %s AND topic = %s AND partition = %s"
    cursor = await transaction.execute(f"{query} FOR UPDATE" if lock else query, place.key)
    row = await cursor.fetchone()
    return None if row is None else int(str(row[0]))


async def begin(transaction: Transaction, place: Place, offset: int) -> None:
    """Record that *place* starts at *offset*, unless somebody was quicker: then MovedCheckpointError."""
    cursor = await transaction.execute(
        "INSERT INTO projections.checkpoint (projection, topic, partition, next_offset) "
        "VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING",
        (*place.key, offset),
    )
    if cursor.rowcount != 1:
        raise MovedCheckpointError("another runner has started the partition")


async def advance(transaction: Transaction, place: Place, seen: int, reached: int) -> None:
    """Move the checkpoint from *seen* to *reached*; raise MovedCheckpointError when it is not at *seen*."""
    cursor = await transaction.execute(
        "UPDATE projections.checkpoint SET next_offset = %s, updated_at = now() "
        "WHERE projection = %s AND topic = %s AND partition = %s AND next_offset = %s",
        (reached, *place.key, seen),
    )
    if cursor.rowcount != 1:
        raise MovedCheckpointError("another runner has moved the checkpoint")


async def write(transaction: Transaction, rows: Rows) -> None:
    """Add *rows* to their tables, one statement per table.

    Tables and keys go in a fixed order, so that partitions which meet in a row do not block each other crosswise.
    """
    for table in sorted(rows, key=lambda table: table.name):
        several = rows[table]
        columns = zip(*((*key, *values) for key, values in several.items()), strict=True)
        await transaction.execute(_upsert(table), [list(column) for column in columns])


async def say(
    transaction: Transaction, place: Place, runner_id: uuid.UUID, state: str, code: str = "", advice: str = ""
) -> None:
    """Say what happens on *place*, for `hub status`."""
    await transaction.execute(
        "INSERT INTO projections.partition_state (projection, topic, partition, runner_id, state, code, advice) "
        "VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT (projection, topic, partition) DO UPDATE SET "
        "runner_id = excluded.runner_id, state = excluded.state, code = excluded.code, advice = excluded.advice, "
        "updated_at = now()",
        (*place.key, runner_id, state, code, advice),
    )


def resume_at(*, stored: int | None, beginning: int, end: int) -> int:
    """Return where to go on in a log from *beginning* to *end*; raise LostLogError when *stored* is outside it."""
    if stored is None:
        return beginning
    if stored < beginning:
        raise LostLogError(
            "records between the checkpoint and the start of the log are gone: restore the topic, "
            "or fold what is left with `hub projection rebuild`"
        )
    if stored > end:
        raise LostLogError(
            "the log ends before the checkpoint: was the topic made anew? Restore it, "
            "or fold what it holds with `hub projection rebuild`"
        )
    return stored


@cache
def _upsert(table: Table) -> sql.Composed:
    """Return the statement that adds rows, given as one array per column."""
    columns = (*table.keys, *table.values)
    return sql.SQL(
        "INSERT INTO projections.{table} AS old ({names}) SELECT * FROM unnest({arrays}) ORDER BY {order} "
        "ON CONFLICT ({keys}) DO UPDATE SET {merges}"
    ).format(
        table=sql.Identifier(table.name),
        names=_names(columns),
        arrays=sql.SQL(", ").join(sql.SQL("%s::" + column.type + "[]") for column in columns),
        order=sql.SQL(", ").join(sql.SQL(str(number)) for number in range(1, len(table.keys) + 1)),
        keys=_names(table.keys),
        merges=sql.SQL(", ").join(_merge(column) for column in table.values),
    )


def _names(columns: tuple[Column, ...]) -> sql.Composed:
    return sql.SQL(", ").join(sql.Identifier(column.name) for column in columns)


def _merge(column: Column) -> sql.Composed:
    forms = {
        Merge.SUM: "{name} = old.{name} + excluded.{name}",
        Merge.LEAST: "{name} = least(old.{name}, excluded.{name})",
        Merge.GREATEST: "{name} = greatest(old.{name}, excluded.{name})",
        Merge.REPLACE: "{name} = excluded.{name}",
    }
    return sql.SQL(forms[column.merge]).format(name=sql.Identifier(column.name))
