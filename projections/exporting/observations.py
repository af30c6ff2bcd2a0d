"""Figures as flat rows: one for each figure as a whole, one for each of its parts."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from projections.exporting.choosing import Span, spans
from projections.exporting.labels import BAND, TOTAL, label_of
from projections.indicators.catalogue import Catalogue
from projections.indicators.entries import Indicator
from projections.indicators.figures import NOT_BROKEN_DOWN, Cell, Figure, Period, State

NOTHING_TO_DIVIDE = "nobody and nothing to take a share or a mean of"


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """A number or the statement that there is none, with all that tells what it is of."""

    entry: Indicator
    measured: Indicator
    """The entry whose measure gives the figure: the same, or the one that it is the same as."""
    time: str
    """`2024-01`, or `2024` for a yearly figure."""
    span: Span
    dimension: str
    """What it is broken down by; `TOTAL` for the figure itself."""
    code: str
    label: str
    value: float | None
    numerator: float | None
    denominator: float | None
    completeness: float | None
    """Of the figure as a whole, also in the rows of its parts."""
    state: State
    reason: str
    """Why there is no value."""

    @property
    def unit(self) -> str:
        """Unit of the value: that of the indicator, but of a band of a mean how many there are."""
        return "COUNT" if self.dimension == BAND else self.entry.unit

    @property
    def yearly(self) -> bool:
        """Whether it makes its step with the end of a year."""
        return self.measured.period == "year"


def observations(catalogue: Catalogue, figures: Sequence[Figure], periods: Sequence[Period]) -> tuple[Observation, ...]:
    """Return the rows of *figures*, in their order; *periods* are all from the first, not only those of *figures*."""
    known = {yearly: spans(periods, yearly) for yearly in (True, False)}
    return tuple(row for figure in figures for row in _rows(catalogue, figure, known))


def _rows(catalogue: Catalogue, figure: Figure, known: Mapping[bool, Mapping[str, Span]]) -> Iterator[Observation]:
    entry = catalogue.get(figure.indicator)
    measured = catalogue.measured(entry)
    yearly = measured.period == "year"
    span = known[yearly][figure.period]
    whole = Cell(
        dimension=TOTAL,
        code=TOTAL,
        value=figure.value,
        numerator=figure.numerator or 0,
        denominator=figure.denominator,
    )
    partial = {cell.dimension for cell in figure.cells if cell.code == NOT_BROKEN_DOWN}
    bands = tuple(
        Cell(dimension=BAND, code=code, value=number, numerator=number, denominator=None)
        for code, number in figure.extra.items()
    )
    for cell in (whole, *figure.cells, *bands):
        state, reason = _state(figure, cell, cell.dimension in partial)
        yield Observation(
            entry=entry,
            measured=measured,
            time=span.year if yearly else figure.period,
            span=span,
            dimension=cell.dimension,
            code=cell.code,
            label=label_of(measured, cell.dimension, cell.code),
            value=cell.value,
            numerator=figure.numerator if cell is whole else cell.numerator,
            denominator=cell.denominator,
            completeness=figure.completeness,
            state=state,
            reason=reason,
        )


def _state(figure: Figure, cell: Cell, partial: bool) -> tuple[State, str]:
    """Return what there is of a part: at least so many, where some of its dimension are not broken down."""
    if cell.value is None and figure.state in (State.FULL, State.PARTIAL):
        return State.MISSING, NOTHING_TO_DIVIDE
    if partial and figure.state is State.FULL:
        return State.PARTIAL, ""
    return figure.state, figure.reason


def days_of(row: Observation) -> tuple[dt.date, dt.date]:
    """Return the first and the last day that *row* covers."""
    return row.span.first, row.span.last
