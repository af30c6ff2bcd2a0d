"""The release of one population: (state, records of the log) to (batches, ledger entries, next state).

Pure and idempotent: the same records in the same order give the same bytes, in whatever portions they come, and a
record that comes again does nothing. Only a tick releases.
"""

from collections.abc import Container, Iterable
from dataclasses import dataclass, replace

from schemas.errors import MisuseError
from streams.cohort.ordering import mark_of
from streams.cohort.records import Record
from streams.cohort.rows import Layout
from streams.cohort.state import State, Step
from streams.cohort.working import Work, rows_asked


class LaddersChangedError(MisuseError):
    """The rows that wait were placed on other ladders than those of the program; nothing was read."""

    code = "ladders-changed"


@dataclass(frozen=True, slots=True)
class Keys:
    """Secrets of one population, 32 bytes each."""

    order: bytes
    """Shuffles batches."""
    ledger: bytes
    """Marks what has left."""


def advance(state: State, records: Iterable[Record], *, layout: Layout, keys: Keys, spent: Container[bytes]) -> Step:
    """Return what *records* come to.

    *spent* holds the marks (`marks_asked`) of rows that left before, those of every record in *records* at least.
    Raises LaddersChangedError, and InvalidFactError for an event that does not fit the layout (park it).
    """
    if state.layout != layout.fingerprint:
        if state.pending or state.embargoed:
            raise LaddersChangedError(
                f"the population {layout.population} waits under other columns or ladders: run it with the release "
                "before this one until nothing waits, then with this one"
            )
        state = replace(state, layout=layout.fingerprint)
    work = Work(state, layout, keys.order, lambda row: mark_of(keys.ledger, layout.population, row), spent)
    for record in records:
        work.take(record)
    return work.done()


def marks_asked(records: Iterable[Record], layout: Layout, key: bytes) -> frozenset[bytes]:
    """Return the marks of which `advance` has to know whether they are spent."""
    rows = {row for record in records for row in rows_asked(record, layout)}
    return frozenset(mark_of(key, layout.population, row) for row in rows)
