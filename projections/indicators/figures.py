"""What goes into the folding of indicators and what comes out: rows, periods, figures."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from infra.clock import tick_on

Value = str | float | tuple[str, ...] | None
"""A generalised value, or several; None where it is not reported or was withheld."""

K = 11
"""A counter of persons moves by 0 or by at least as many (design section 7)."""

NOT_REPORTED = "NOT_REPORTED"
SEVERAL = "SEVERAL"
NOT_BROKEN_DOWN = "NOT_BROKEN_DOWN"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row that left on a non-personal channel."""

    tick: int
    """Day number of the batch, or of the fact."""
    kind: str
    columns: Mapping[str, Value]

    def get(self, column: str) -> Value:
        """Return the value of *column*, None when the row has none."""
        return self.columns.get(column)


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """Ticks that are published together, the smallest steps that figures make."""

    label: str
    first: int
    last: int
    ends_year: bool
    """Whether yearly figures make their step with it."""


class State(StrEnum):
    """What there is of a figure."""

    FULL = "full"
    """A value that covers every record."""
    PARTIAL = "partial"
    """A value; some records say nothing of it, or too few persons make up a part."""
    WAITING = "waiting"
    """Nobody, or fewer than k persons, which looks the same: they are part of a later step where they can be."""
    SUPPRESSED = "suppressed"
    """The source hides it."""
    MISSING = "missing"
    """No record tells it; `reason` says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A part of a figure: at least so many; the others of it are not broken down."""

    dimension: str
    code: str
    """A code, `NOT_REPORTED`, `SEVERAL` of the codes, or `NOT_BROKEN_DOWN`: what is left."""
    value: float | None
    numerator: float
    denominator: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One step of an indicator: what was added in a period, never changed later."""

    indicator: str
    period: str
    state: State
    value: float | None = None
    numerator: float | None = None
    denominator: float | None = None
    completeness: float | None = None
    """Share of the records that say whether they count; None where that would tell of fewer than k persons."""
    cells: tuple[Cell, ...] = ()
    reason: str = ""
    """Why there is no value."""
    extra: Mapping[str, float] = field(default_factory=dict)
    """Persons by band, of a mean."""


def months(first: dt.date, count: int) -> tuple[Period, ...]:
    """Return *count* months from that of *first*, as periods; a tick is a UTC day number."""
    found = []
    year, month = first.year, first.month
    for _ in range(count):
        begin = dt.date(year, month, 1)
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)  # noqa: PLR2004 - months of a year
        end = dt.date(year, month, 1)
        found.append(
            Period(
                label=f"{begin:%Y-%m}",
                first=tick_on(begin),
                last=tick_on(end) - 1,
                ends_year=month == 1,
            )
        )
    return tuple(found)
