"""What a projection is made of: rows that add up.

Rule 1: the rows of two batches together are the rows of each, combined. So it never matters where a batch ends.
Rule 2: SQL combines a batch with the table by the same four merges that Python combines events with.
Rule 3: `REPLACE` depends on order: it stands only where all events of a key are in one partition.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Literal, NamedTuple, cast

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


@dataclass(frozen=True, kw_only=True)
class Table:
    """One table of a projection."""

    name: str
    keys: tuple[Column, ...]
    values: tuple[Column, ...]

    def __hash__(self) -> int:
        return hash(self.name)  # a fold asks for it with every row

    @cached_property
    def _names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.values)

    @cached_property
    def _merges(self) -> tuple[Callable[[object, object], object], ...]:
        return tuple(MERGES[column.merge] for column in self.values)

    def row(self, *key: object, **values: object) -> "Row":
        """Return a row with *key* in the order of the columns; every value column must be given."""
        return Row(self, key, tuple([values[name] for name in self._names]))

    def combined(self, first: Values, then: Values) -> Values:
        """Return what a row with *first* becomes when *then* is added."""
        return tuple([merge(a, b) for merge, a, b in zip(self._merges, first, then, strict=True)])


class Row(NamedTuple):
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
        add(out, row)
    return out


def add(out: dict[Table, dict[Key, Values]], row: Row) -> bool:
    """Add *row* to *out*; return whether its key is new there."""
    table, key, values = row
    several = out.get(table)
    if several is None:
        several = out[table] = {}
    before = several.get(key)
    several[key] = values if before is None else table.combined(before, values)
    return before is None


def combine(first: Rows, then: Rows) -> Rows:
    """Return *first* with *then* added, as SQL does with a table and a batch."""
    batches = (
        Row(table=table, key=key, values=values)
        for rows in (first, then)
        for table, several in rows.items()
        for key, values in several.items()
    )
    return fold(batches)


def _sum(before: object, after: object) -> object:
    if before is None or after is None:
        return after if before is None else before
    return cast("int", before) + cast("int", after)


def _least(before: object, after: object) -> object:
    if before is None or after is None:
        return after if before is None else before
    return min(cast("str", before), cast("str", after))  # codes or times, one kind per column


def _greatest(before: object, after: object) -> object:
    if before is None or after is None:
        return after if before is None else before
    return max(cast("str", before), cast("str", after))


def _replace(_before: object, after: object) -> object:
    return after


MERGES: Mapping[Merge, Callable[[object, object], object]] = {
    Merge.SUM: _sum,
    Merge.LEAST: _least,
    Merge.GREATEST: _greatest,
    Merge.REPLACE: _replace,
}
