"""What a projection is made of: rows that add up.

Rule 1: the rows of two batches together are the rows of each, combined. So it never matters where a batch ends.
Rule 2: SQL combines a batch with the table by the same four merges that Python combines events with.
Rule 3: `REPLACE` depends on order: it stands only where all events of a key are in one partition.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, cast

SqlType = Literal["text", "bigint", "boolean", "uuid", "timestamptz", "date", "double precision"]
Key = tuple[object, ...]
Values = tuple[object, ...]


class Merge(StrEnum):
    """How two values of one column become one. None counts as nothing to all but REPLACE."""

    SUM = "sum"
    LEAST = "least"
    GREATEST = "greatest"
    REPLACE = "replace"


@dataclass(frozen=True, slots=True)
class Column:
    """One column; *merge* is of no meaning for a column of the key."""

    name: str
    type: SqlType = "text"
    merge: Merge = Merge.REPLACE


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One table of the schema `projections`."""

    name: str
    keys: tuple[Column, ...]
    values: tuple[Column, ...]

    def __hash__(self) -> int:
        return hash(self.name)  # a fold asks for it with every row

    def row(self, *key: object, **values: object) -> "Row":
        """Return a row with *key* in the order of the columns; every value column must be given."""
        return Row(table=self, key=key, values=tuple(values[column.name] for column in self.values))

    def combined(self, first: Values, then: Values) -> Values:
        """Return what a row with *first* becomes when *then* is added."""
        return tuple(
            _combined(column.merge, before, after)
            for column, before, after in zip(self.values, first, then, strict=True)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What one event adds to one row."""

    table: Table
    key: Key
    values: Values


Rows = Mapping[Table, Mapping[Key, Values]]
"""Rows by table and key."""


def fold(rows: Iterable[Row]) -> Rows:
    """Return *rows*, in order, as one row per key."""
    out: dict[Table, dict[Key, Values]] = {}
    for row in rows:
        table = out.setdefault(row.table, {})
        before = table.get(row.key)
        table[row.key] = row.values if before is None else row.table.combined(before, row.values)
    return out


def combine(first: Rows, then: Rows) -> Rows:
    """Return *first* with *then* added, as SQL does with a table and a batch."""
    batches = (
        Row(table=table, key=key, values=values)
        for rows in (first, then)
        for table, several in rows.items()
        for key, values in several.items()
    )
    return fold(batches)


def _combined(merge: Merge, before: object, after: object) -> object:
    if merge is Merge.REPLACE:
        return after
    if before is None or after is None:
        return after if before is None else before
    if merge is Merge.SUM:
        return cast("int", before) + cast("int", after)
    comparable = cast("list[str]", [before, after])  # codes or times, one kind per column
    return min(comparable) if merge is Merge.LEAST else max(comparable)
