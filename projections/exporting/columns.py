"""Tables that are exported: columns with a type and a meaning, and rows; the columns of figures."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from projections.exporting.cells import Cell
from projections.exporting.metadata import LogState
from projections.exporting.observations import Observation
from projections.indicators.entries import Indicator


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a table."""

    name: str
    kind: Literal["text", "number", "count"]
    meaning: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows under columns, as every format writes them."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]

    @property
    def header(self) -> tuple[str, ...]:
        """The names of the columns."""
        return tuple(column.name for column in self.columns)

    @property
    def meanings(self) -> Mapping[str, str]:
        """What each column means, by name."""
        return {column.name: column.meaning for column in self.columns}


@dataclass(frozen=True, slots=True)
class _Figure:
    column: Column
    get: Callable[[Observation, LogState], Cell]


def _text(name: str, meaning: str, get: Callable[[Observation, LogState], str]) -> _Figure:
    return _Figure(Column(name=name, kind="text", meaning=meaning), get)


def _number(name: str, meaning: str, get: Callable[[Observation, LogState], float | None]) -> _Figure:
    return _Figure(Column(name=name, kind="number", meaning=meaning), get)


def _count(name: str, meaning: str, get: Callable[[Observation, LogState], int | None]) -> _Figure:
    return _Figure(Column(name=name, kind="count", meaning=meaning), get)


_FIGURES = (
    _text(
        "framework", "Who asks for it: GUIDELINES_D, SDG, GLOTIP, EUROSTAT, GRETA.", lambda row, _: row.entry.framework
    ),
    _text("section", "Section of the guidelines, or of the framework.", lambda row, _: section_of(row.entry)),
    _text("indicator", "Id of the indicator.", lambda row, _: row.entry.id),
    _text("wording", "The indicator in the words of its source.", lambda row, _: row.entry.wording),
    _text("frequency", "`month` or `year`: how often a step is made.", lambda row, _: row.measured.period),
    _text("period", "Month or year of the step, as its release has it.", lambda row, _: row.time),
    _text("period_begin", "First day that the step covers.", lambda row, _: f"{row.span.first:%Y-%m-%d}"),
    _text("period_end", "Last day that the step covers.", lambda row, _: f"{row.span.last:%Y-%m-%d}"),
    _text(
        "dimension", "What it is broken down by; `TOTAL`: the figure; `band`: of a mean.", lambda row, _: row.dimension
    ),
    _text(
        "code", "Which part of it, as a code; `codes` in the metadata has the special ones.", lambda row, _: row.code
    ),
    _text("label", "What the code is called.", lambda row, _: row.label),
    _number("value", "The number, in `unit`; empty where there is none: see `state`.", lambda row, _: row.value),
    _text("unit", "Unit of the value.", lambda row, _: row.unit),
    _text(
        "state", "full, partial, waiting, suppressed or missing; empty is never zero.", lambda row, _: str(row.state)
    ),
    _text("reason", "Why there is no value.", lambda row, _: row.reason),
    _number("numerator", "What was counted.", lambda row, _: row.numerator),
    _number("denominator", "Of what a share or mean is taken.", lambda row, _: row.denominator),
    _number("completeness", "Share of records that say whether they count, 0 to 1.", lambda row, _: row.completeness),
    _text("source", "computed, returned, or neither (no channel carries it).", lambda row, _: str(row.measured.source)),
    _text("definition", "What exactly is counted.", lambda row, _: row.entry.definition),
    _text("caveat", "How the figure differs from the words.", lambda row, _: row.entry.caveat or row.measured.caveat),
    _text("tier", "For whom: partner or open.", lambda _, state: state.tier),
    _count("k", "Persons by which a counter moves at least.", lambda _, state: state.k),
    _count("net", "Persons of a class not from its largest contributor, at least.", lambda _, state: state.net),
    _text("log_position", "By topic, the offset up to which the log was read.", lambda _, state: state.position),
    _text("parameters_hash", "SHA-256 of the release parameters in force.", lambda _, state: state.parameters_hash),
)


def figures_table(rows: Sequence[Observation], state: LogState) -> Table:
    """Return *rows* as a tidy table: one number or one statement that there is none in each row."""
    return Table(
        columns=tuple(each.column for each in _FIGURES),
        rows=tuple(tuple(each.get(row, state) for each in _FIGURES) for row in rows),
    )


def section_of(entry: Indicator) -> str:
    """Return the section of *entry* as it is printed."""
    return entry.printed_as or entry.section
