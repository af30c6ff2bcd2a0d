"""Released rows as a table: fields of HTCDS where the standard can say it, and every released column as it is."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from infra.clock import day_of
from projections.exporting.cells import Cell
from projections.exporting.columns import Column, Table
from projections.exporting.forms import Form, as_csv, as_json_file, as_parquet
from projections.exporting.htcds import standard
from projections.exporting.metadata import LogState, head, state_of
from projections.exporting.source import Source
from projections.indicators.carried import kind_of
from projections.indicators.figures import Row, Value
from schemas.channel_rules import kinds
from schemas.errors import MisuseError

OWN = "hub_"
"""Columns that are no fields of the standard begin so."""
BETWEEN: Final = ";"
"""Between several values of one cell, as the import of HTCDS reads them."""
_FACT = (
    "The kind of fact. `ServiceProvided`: that there was any service; `ServiceProvided:LEGAL`: which one. A person may "
    "have a row of each: never add them up."
)
_FIXED = (
    Column(name="hub_event_type", kind="text", meaning="The kind of event that tells it."),
    Column(name="hub_fact", kind="text", meaning=_FACT),
    Column(name="hub_released", kind="text", meaning="Day of the batch in which the row left; no day of an event."),
)
FORMS: Final[Mapping[str, Form]] = {"csv": as_csv, "json": as_json_file, "parquet": as_parquet}
SPLIT: Final = ":"
"""Between the event type and the value that makes a kind of fact of its own."""
NOT_SAID = (
    "An empty cell: not reported, or withheld so that nobody is revealed; the two look the same. It is never to be "
    "read as no or as zero. A region in place of a country, or a wider band of age, is all that was released."
)


class UnknownKindError(MisuseError):
    """No released row is of this event type."""

    code = "unknown-event-type"


def chosen_kinds(wanted: Sequence[str]) -> tuple[str, ...]:
    """Return the event types *wanted*, all when none is; raise UnknownKindError."""
    known = tuple(kinds("anon"))
    if not set(wanted) <= set(known):
        raise UnknownKindError(f"rows are of {', '.join(known)}")
    return tuple(name for name in known if not wanted or name in wanted)


def rows_table(rows: Sequence[Row], chosen: Sequence[str], tier: str) -> Table:
    """Return the rows of the event types *chosen*, sorted, so that their order tells nothing.

    Every column that the tier carries is there, also when no row has a value in it.
    """
    fields = {
        name: each
        for name, each in standard().fields.items()
        if any(_carried(kind, each.columns.get(kind) or each.columns.get("*"), tier) for kind in chosen)
    }
    names = tuple(dict.fromkeys(name for kind in chosen for name in _columns(kind, tier)))
    lines = [
        (
            _event_type(row),
            row.kind,
            f"{day_of(row.tick):%Y-%m-%d}",
            *(BETWEEN.join(each.of(row)) or None for each in fields.values()),
            *(_cell(row.get(name)) for name in names),
        )
        for row in rows
        if _event_type(row) in chosen
    ]
    return Table(
        columns=(
            *_FIXED,
            *(Column(name=name, kind="text", meaning=each.meaning) for name, each in fields.items()),
            *(Column(name=OWN + name, kind="text", meaning=_meaning(name, chosen)) for name in names),
        ),
        rows=tuple(sorted(lines, key=lambda line: tuple("" if each is None else str(each) for each in line))),
    )


def of_rows(state: LogState, table: Table, chosen: Sequence[str]) -> dict[str, object]:
    """Return the metadata of an export of rows."""
    mapping = standard()
    return {
        **head("Released rows about persons", state, table.meanings, len(table.rows)),
        "event_types": list(chosen),
        "missing": NOT_SAID,
        "rows_are": "One row for each person and kind of event, ever; rows of one person cannot be linked.",
        "names": {"title": mapping.title, "source": mapping.source, "about": mapping.about},
    }


def row_files(source: Source, tier: str, chosen: Sequence[str], form: str, out: Path) -> Mapping[Path, bytes]:
    """Return by path what an export of the released rows of *tier* writes, in the order in which it is to appear."""
    table = rows_table(source.rows(tier), chosen, tier)
    return FORMS[form](table, of_rows(state_of(source, tier), table, chosen), out)


def _event_type(row: Row) -> str:
    return row.kind.partition(SPLIT)[0]


def _columns(kind: str, tier: str) -> tuple[str, ...]:
    found = kind_of(kind, "anon")
    return tuple(column.name for column in found.columns if tier in column.tiers) if found else ()


def _carried(kind: str, column: str | None, tier: str) -> bool:
    return column is not None and column in _columns(kind, tier)


def _meaning(name: str, chosen: Sequence[str]) -> str:
    having = [kind for kind in chosen if name in _columns(kind, "partner")]
    return f"The released column `{name}` of {', '.join(having)}."


def _cell(value: Value) -> Cell:
    if isinstance(value, tuple):
        return BETWEEN.join(value) or None
    return value if value is None or isinstance(value, str) else str(value)
