"""Two generations compared row by row: both read in the order of their keys, side by side.

What comes out is how many rows of which table differ, never a row.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from psycopg import sql

from projections.generations import Connection, Generation
from projections.rows import Table
from projections.store import column_names


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What differs in one table."""

    table: str
    rows: int
    """Rows of the live generation."""
    missing: int = 0
    """Rows that only the live one has."""
    added: int = 0
    """Rows that only the other one has."""
    changed: int = 0
    """Rows of one key with other values."""

    @property
    def is_equal(self) -> bool:
        """Whether nothing differs."""
        return not (self.missing or self.added or self.changed)


def compare(live_side: Connection, live: Generation, new_side: Connection, new: Generation, table: Table) -> Difference:
    """Return what differs in *table*, as each connection sees it."""
    keys = len(table.keys)
    counts = {"rows": 0, "missing": 0, "added": 0, "changed": 0}
    with _lines(live_side, live, table) as ours, _lines(new_side, new, table) as theirs:
        left, right = next(ours, None), next(theirs, None)
        while left is not None or right is not None:
            if left == right:
                counts["rows"] += 1
                left, right = next(ours, None), next(theirs, None)
                continue
            before, after = _key(left, keys), _key(right, keys)
            if right is None or (left is not None and before < after):
                counts["missing"] += 1
                counts["rows"] += 1
                left = next(ours, None)
            elif left is None or after < before:
                counts["added"] += 1
                right = next(theirs, None)
            else:
                counts["changed"] += 1
                counts["rows"] += 1
                left, right = next(ours, None), next(theirs, None)
    return Difference(table=table.name, **counts)


def _key(line: bytes | None, keys: int) -> tuple[bytes, ...]:
    return () if line is None else tuple(line.split(b"\t", keys)[:keys])


@contextmanager
def _lines(connection: Connection, found: Generation, table: Table) -> Iterator[Iterator[bytes]]:
    """Yield the rows of *table* as PostgreSQL writes them out, in the order of the key, one at a time."""
    order = sql.SQL(", ").join(
        sql.SQL('{} COLLATE "C"' if column.type == "text" else "{}").format(sql.Identifier(column.name))
        for column in table.keys
    )
    statement = sql.SQL("COPY (SELECT {columns} FROM {table} ORDER BY {order}) TO STDOUT").format(
        columns=column_names((*table.keys, *table.values)),
        table=sql.Identifier(found.schema, table.name),
        order=order,
    )
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        yield (bytes(block) for block in copy)
