"""Levels of control: how much was found or done in the land, at the border and before it, a bar for each year."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from projections.exporting.charts.lines import NothingToDrawError
from projections.exporting.charts.style import (
    FAINT,
    INK,
    OKABE_ITO,
    REST,
    WIDTH,
    Drawn,
    counts_persons,
    data,
    finished,
    number,
    source_note,
    subtitle_of,
    unit_of,
)
from projections.exporting.metadata import LogState
from projections.exporting.observations import Observation
from projections.indicators.entries import Count, Indicator, MeanOfBands, Sum
from projections.indicators.facts import HUNDRED
from projections.indicators.figures import NOT_BROKEN_DOWN, NOT_REPORTED, SEVERAL
from schemas.errors import MisuseError

DIMENSION = "level_of_control"
_LAST = (SEVERAL, NOT_REPORTED, NOT_BROKEN_DOWN)
_BAR = 26


class NoLevelsError(MisuseError):
    """The indicator is not broken down by levels of control."""

    code = "no-levels"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """The steps of a level in a year, put together."""

    code: str
    level: str
    year: str
    value: float
    numerator: float
    denominator: float | None

    @property
    def text(self) -> str:
        """What stands beside the bar."""
        parts = "" if self.denominator is None else f" ({number(self.numerator)} of {number(self.denominator)})"
        return f"{self.year}: {number(self.value)}{parts}"


def draw_levels(rows: Sequence[Observation], state: LogState) -> Drawn:
    """Return the chart of *rows*, all of one indicator; raise NoLevelsError, or NothingToDrawError without a number."""
    if rows and DIMENSION not in rows[0].measured.by:
        raise NoLevelsError("the indicator has no levels of control: C.3.1-1 and C.2.3.b-1 have")
    bars = _bars(rows)
    if not bars:
        raise NothingToDrawError("no level has a figure of this indicator: `hub export figures` says why")
    entry, unit = rows[0].entry, unit_of(rows[0].measured)
    title = f"{entry.wording.rstrip('.')}: by level of control"
    said = "; ".join(f"{bar.level}, {bar.text}" for bar in bars)
    text = f"Bar chart. {title}, {unit}. {said}."
    least = (
        " A level is at least so many: who cannot be told of one is under not broken down. No bar: nobody, or too few "
        "to be told. It is not zero."
    )
    persons = counts_persons(rows[0].measured)
    notes = (f"Each bar puts the steps of a year together.{least if persons else ''}", source_note(entry, state))
    spec = finished(_chart(bars, unit), title, subtitle_of(rows[0].measured, state, unit.capitalize()), notes, text)
    table = tuple((bar.year, bar.code, bar.value, bar.numerator, bar.denominator) for bar in bars)
    header = ("year", "level_of_control", "value", "numerator", "denominator")
    return Drawn(spec=spec, title=title, description=text, header=header, rows=table)


def _bars(rows: Sequence[Observation]) -> tuple[Bar, ...]:
    own = [row for row in rows if row.dimension == DIMENSION and row.value is not None]
    codes = sorted(
        {row.code for row in own}, key=lambda code: (code in _LAST, _LAST.index(code) if code in _LAST else 0, code)
    )
    found = []
    for code in codes:
        for year in sorted({row.span.year for row in own if row.code == code}):
            steps = [row for row in own if (row.code, row.span.year) == (code, year)]
            above = sum(row.numerator or 0 for row in steps)
            below = None if steps[0].denominator is None else sum(row.denominator or 0 for row in steps)
            found.append(
                Bar(
                    code=code,
                    level=steps[0].label,
                    year=year,
                    value=_value(steps[0].measured, above, below),
                    numerator=above,
                    denominator=below,
                )
            )
    return tuple(found)


def _value(entry: Indicator, above: float, below: float | None) -> float:
    if below is None or isinstance(entry.measure, Count | Sum):
        return above
    return (above if isinstance(entry.measure, MeanOfBands) else HUNDRED * above) / below if below else 0.0


def _chart(bars: Sequence[Bar], unit: str) -> Any:
    import altair as alt

    values = [
        {
            "level": bar.level,
            "year": bar.year,
            "value": bar.value,
            "text": bar.text,
            "says": f"{bar.level}, {bar.text}",
            "colour": REST if bar.code in _LAST else OKABE_ITO[1],
        }
        for bar in bars
    ]
    levels = list(dict.fromkeys(bar.level for bar in bars))
    years = sorted({bar.year for bar in bars})
    base = alt.Chart(data(values)).encode(
        y=alt.Y(
            "level:N",
            sort=levels,
            title=None,
            scale=alt.Scale(paddingInner=0.3),
            axis=alt.Axis(labelFontSize=13, labelLimit=240, ticks=False, domain=False, labelPadding=8),
        ),
        yOffset=alt.YOffset("year:N", sort=years, scale=alt.Scale(paddingInner=0.12)),
    )
    highest = max(bar.value for bar in bars) or 1.0
    x = alt.X(
        "value:Q",
        title=unit,
        scale=alt.Scale(domain=[0, highest * 1.02], nice=False),
        axis=alt.Axis(tickCount=6, grid=False),
    )
    bar = base.mark_bar().encode(x=x, color=alt.Color("colour:N", scale=None), description="says:N")
    label = base.mark_text(align="left", dx=6, fontSize=12, color=INK, aria=False).encode(x=x, text="text:N")
    line = alt.Chart(data([{}])).mark_rule(color=FAINT, aria=False).encode(x=alt.datum(0))
    height = len(levels) * (len(years) * _BAR + 14)
    return alt.layer(bar, label, line).properties(width=WIDTH - 360, height=height)
