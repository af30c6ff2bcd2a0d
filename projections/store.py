"""The SQL side of a projection: rows and checkpoint in one transaction, the checkpoint by compare-and-set."""

import uuid
from dataclasses import dataclass
from functools import cache

import psycopg
from psycopg import sql

from projections.generations import OutdatedGenerationError, schema_of
from projections.projection import Projection
from projections.rows import Column, Merge, Rows, Table
from schemas.errors import MisuseError, UnavailableError
from schemas.names import TopicName

Transaction = psycopg.AsyncConnection[tuple[object, ...]]
"""A connection inside the SQL transaction of a batch."""


CHANNEL = "projections"
"""Where the live generations tell those who wait that they got on."""
CHECKPOINT = (
    "SELECT c.next_offset FROM projections.checkpoint c JOIN projections.generation g USING (projection, generation) "
    "WHERE c.projection = %s AND c.generation = %s AND c.topic = %s AND c.partition = %s AND g.state = 'live'"
)
STORED = (
    "SELECT next_offset FROM projections.checkpoint "
    "WHERE projection = %s AND generation = %s AND topic = %s AND partition = %s"
)
BEGIN = (
    "INSERT INTO projections.checkpoint (projection, generation, topic, partition, next_offset) "
    "VALUES (%s, %s, %s, %s, %s) ON CONFLICT DO NOTHING"
)
ADVANCE = (
    "UPDATE projections.checkpoint SET next_offset = %s, updated_at = now() "
    "WHERE projection = %s AND generation = %s AND topic = %s AND partition = %s AND next_offset = %s"
)
TELL = (
    "SELECT pg_notify('projections', projection) FROM projections.generation "
    "WHERE projection = %s AND generation = %s AND state = 'live'"
)
"""The side effect of a batch. The gate is in SQL: a generation that is not live tells nobody, whoever folds it."""


class NoTablesError(UnavailableError):
    """The projection has no live generation."""

    code = "no-tables"


class MovedCheckpointError(UnavailableError):
    """Somebody else moved the checkpoint, or took it away to rebuild: read it again."""

    code = "checkpoint-moved"


class LostLogError(MisuseError):
    """The topic is not the one that the checkpoint speaks of: going on could lose or repeat events."""

    code = "checkpoint-contradiction"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One generation of a projection on one partition."""

    projection: str
    generation: int
    topic: TopicName
    partition: int

    @property
    def key(self) -> tuple[str, int, str, int]:
        """Return the primary key of the place in every table."""
        return (self.projection, self.generation, self.topic, self.partition)

    @property
    def schema(self) -> str:
        """The PostgreSQL schema of its tables."""
        return schema_of(self.projection, self.generation)


async def live_number(transaction: Transaction, projection: str) -> int:
    """Return the number of the live generation; raise NoTablesError when there is none."""
    cursor = await transaction.execute(
        "SELECT generation FROM projections.generation WHERE projection = %s AND state = 'live'", (projection,)
    )
    row = await cursor.fetchone()
    if row is None:
        raise NoTablesError(f"{projection} has no tables yet: run `hub up`")
    return int(str(row[0]))


async def expect_fits(transaction: Transaction, projection: Projection, number: int) -> None:
    """Raise OutdatedGenerationError when generation *number* was made for other code than *projection*."""
    cursor = await transaction.execute(
        "SELECT FROM projections.generation WHERE projection = %s AND generation = %s AND fingerprint = %s",
        (projection.name, number, projection.fingerprint),
    )
    if cursor.rowcount != 1:
        raise OutdatedGenerationError(
            f"its tables were made for other code: build them anew with `hub projection rebuild {projection.name}`"
        )


async def checkpoint(transaction: Transaction, place: Place, *, lock: bool = False) -> int | None:
    """Return the next offset of *place*, None before the first start, and when its generation is not the live one.

    With *lock* it stays so until the transaction ends.
    """
    cursor = await transaction.execute(CHECKPOINT + (" FOR UPDATE OF c FOR SHARE OF g" if lock else ""), place.key)
    row = await cursor.fetchone()
    return None if row is None else int(str(row[0]))


async def begin(transaction: Transaction, place: Place, offset: int) -> None:
    """Record that *place* starts at *offset*, unless somebody was quicker: then MovedCheckpointError."""
    cursor = await transaction.execute(BEGIN, (*place.key, offset))
    if cursor.rowcount != 1:
        raise MovedCheckpointError("another runner has started the partition")


async def advance(transaction: Transaction, place: Place, seen: int, reached: int) -> None:
    """Move the checkpoint from *seen* to *reached*; raise MovedCheckpointError when it is not at *seen*.

    Whoever waits for the projection is told, when the transaction commits.
    """
    cursor = await transaction.execute(ADVANCE, (reached, *place.key, seen))
    if cursor.rowcount != 1:
        raise MovedCheckpointError("another runner has moved the checkpoint")
    await transaction.execute(TELL, place.key[:2])


async def write(transaction: Transaction, schema: str, rows: Rows) -> None:
    """Add *rows* to their tables in *schema*, one statement per table.

    Tables and keys go in a fixed order, so that partitions which meet in a row do not block each other crosswise.
    """
    for table in sorted(rows, key=lambda table: table.name):
        several = rows[table]
        columns = zip(*((*key, *values) for key, values in several.items()), strict=True)
        await transaction.execute(_upsert(schema, table), [list(column) for column in columns])


async def say(
    transaction: Transaction, place: Place, runner_id: uuid.UUID, state: str, code: str = "", advice: str = ""
) -> None:
    """Say what happens on *place*, for `hub status`."""
    await transaction.execute(
        "INSERT INTO projections.partition_state "
        "(projection, generation, topic, partition, runner_id, state, code, advice) "
        "VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (projection, generation, topic, partition) DO UPDATE SET "
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
            "or fold what is left with `hub projection rebuild --anew`"
        )
    if stored > end:
        raise LostLogError(
            "the log ends before the checkpoint: was the topic made anew? Restore it, "
            "or fold what it holds with `hub projection rebuild --anew`"
        )
    return stored


@cache
def _upsert(schema: str, table: Table) -> sql.Composed:
    """Return the statement that adds rows, given as one array per column."""
    columns = (*table.keys, *table.values)
    arrays = sql.SQL(", ").join(sql.SQL("%s::" + column.type + "[]") for column in columns)
    return merging(schema, table, sql.SQL("unnest({})").format(arrays))


def merging(schema: str, table: Table, source: sql.Composable) -> sql.Composed:
    """Return the statement that adds the rows of *source*, columns in order, to *table*."""
    columns = (*table.keys, *table.values)
    return sql.SQL(
        "INSERT INTO {schema}.{table} AS old ({names}) SELECT * FROM {source} ORDER BY {order} "
        "ON CONFLICT ({keys}) DO UPDATE SET {merges}"
    ).format(
        schema=sql.Identifier(schema),
        table=sql.Identifier(table.name),
        names=column_names(columns),
        source=source,
        order=sql.SQL(", ").join(sql.SQL(str(number)) for number in range(1, len(table.keys) + 1)),
        keys=column_names(table.keys),
        merges=sql.SQL(", ").join(_merge(column) for column in table.values),
    )


def column_names(columns: tuple[Column, ...]) -> sql.Composed:
    """Return the names of *columns* for a statement."""
    return sql.SQL(", ").join(sql.Identifier(column.name) for column in columns)


def _merge(column: Column) -> sql.Composed:
    forms = {
        Merge.SUM: "{name} = old.{name} + excluded.{name}",
        Merge.LEAST: "{name} = least(old.{name}, excluded.{name})",
        Merge.GREATEST: "{name} = greatest(old.{name}, excluded.{name})",
        Merge.REPLACE: "{name} = excluded.{name}",
    }
    return sql.SQL(forms[column.merge]).format(name=sql.Identifier(column.name))
