"""A time series of an indicator: a line for each of women, men, girls and boys, or one where it has no such parts."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from projections.exporting.charts.style import (
    FAINT,
    INK,
    OKABE_ITO,
    UNITS,
    WIDTH,
    Drawn,
    finished,
    number,
    source_note,
    subtitle_of,
)
from projections.exporting.labels import TOTAL
from projections.exporting.metadata import LogState
from projections.exporting.observations import Observation
from projections.indicators.figures import State
from schemas.errors import MisuseError

GROUPS = {"WOMAN": "women", "MAN": "men", "GIRL": "girls", "BOY": "boys"}
_SHAPES = ("circle", "square", "triangle-up", "diamond")
_DASHES = ([1, 0], [8, 3], [2, 2], [10, 3, 2, 3])
HEIGHT = 380
_LABEL_APART = 0.06
"""Of the height: labels closer than that would cover each other."""
_TICKS = 12


class NothingToDrawError(MisuseError):
    """No period has a number of what is asked for."""

    code = "nothing-to-draw"


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A number of one line in one period."""

    at: int
    """Number of the period."""
    value: float
    whole: bool
    """Whether it covers every record."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line."""

    name: str
    look: int
    """Which colour, shape and dash."""
    points: tuple[Point, ...]


def draw_series(rows: Sequence[Observation], state: LogState) -> Drawn:
    """Return the chart of *rows*, all of one indicator; raise NothingToDrawError when none has a number."""
    if not rows or not (lines := _lines(rows)):
        raise NothingToDrawError("no period has a figure of this indicator: `hub export figures` says why")
    entry, times = rows[0].entry, tuple(dict.fromkeys(row.time for row in rows))
    every = "year" if rows[0].yearly else "month"
    title = entry.wording.rstrip(".")
    text = _description(title, lines, times, rows[0])
    notes = (
        "A filled mark covers every record; a hollow one is at least so many, because some records do not say it or "
        "too few persons would be told. No mark: nobody, or too few to be told. It is not zero.",
        source_note(entry, state),
    )
    what = f"What each {every} adds, {UNITS[entry.unit]}{', by group' if len(lines) > 1 or lines[0].name else ''}"
    spec = finished(_chart(lines, times, UNITS[entry.unit]), title, subtitle_of(state, what), notes, text)
    table = tuple(
        (times[point.at], line.name or "all", point.value, "full" if point.whole else "partial")
        for line in lines
        for point in line.points
    )
    return Drawn(spec=spec, title=title, description=text, header=("period", "group", "value", "state"), rows=table)


def _lines(rows: Sequence[Observation]) -> tuple[Line, ...]:
    at = {time: number for number, time in enumerate(dict.fromkeys(row.time for row in rows))}

    def line(name: str, look: int, own: Iterable[Observation]) -> Line:
        points = tuple(
            Point(at=at[row.time], value=row.value, whole=row.state is State.FULL)
            for row in own
            if row.value is not None
        )
        return Line(name=name, look=look, points=points)

    groups = [
        line(name, look, (row for row in rows if (row.dimension, row.code) == ("group", code)))
        for look, (code, name) in enumerate(GROUPS.items())
    ]
    told = tuple(each for each in groups if each.points)
    whole = line("", 1, (row for row in rows if row.dimension == TOTAL))
    return told or ((whole,) if whole.points else ())


def _chart(lines: Sequence[Line], times: Sequence[str], unit: str) -> Any:
    import altair as alt

    highest = max(point.value for line in lines for point in line.points)
    ends = _apart(lines, highest)
    points = [
        {
            "at": point.at,
            "value": point.value,
            "group": line.name,
            "part": f"{line.name} {part}",
            "whole": point.whole,
            "says": f"{line.name or 'all'}, {times[point.at]}: {number(point.value)}{'' if point.whole else ' at least'}",
        }
        for line in lines
        for part, run in enumerate(_runs(line.points))
        for point in run
    ]
    names = [line.name for line in lines]
    colours = [OKABE_ITO[line.look] for line in lines]
    colour = alt.Color("group:N", scale=alt.Scale(domain=names, range=colours), legend=None)
    last = len(times) - 1
    x = alt.X(
        "at:Q",
        title=None,
        scale=alt.Scale(domain=[-0.3, last + 0.3], nice=False),
        axis=alt.Axis(
            values=list(range(0, len(times), -(-len(times) // _TICKS))),
            labelExpr=f"{list(times)!r}[datum.value]",
            grid=False,
        ),
    )
    y = alt.Y("value:Q", title=unit, scale=alt.Scale(domain=[0, highest * 1.06], nice=False), axis=alt.Axis(tickCount=6))
    base = alt.Chart(alt.Data(values=points))
    path = base.mark_line(strokeWidth=2.4).encode(
        x=x,
        y=y,
        color=colour,
        detail="part:N",
        strokeDash=alt.StrokeDash(
            "group:N", scale=alt.Scale(domain=names, range=[_DASHES[line.look] for line in lines]), legend=None
        ),
    )
    shape = alt.Shape(
        "group:N", scale=alt.Scale(domain=names, range=[_SHAPES[line.look] for line in lines]), legend=None
    )
    marks = base.mark_point(size=62, strokeWidth=1.8, opacity=1).encode(
        x=x,
        y=y,
        color=colour,
        shape=shape,
        description="says:N",
        fill=alt.condition("datum.whole", colour, alt.value("white")),
    )
    right = alt.Chart(alt.Data(values=ends))
    leader = right.mark_rule(strokeWidth=1, color=FAINT, opacity=0.6).encode(
        x=alt.X("at:Q"), x2=alt.datum(last + 0.3), y=alt.Y("value:Q"), y2="label_y:Q"
    )
    label = right.mark_text(align="left", dx=5, fontSize=13, fontWeight="bold", color=INK).encode(
        x=alt.datum(last + 0.3), y=alt.Y("label_y:Q"), text="name:N"
    )
    return alt.layer(leader, path, marks, label).properties(width=WIDTH - 150, height=HEIGHT)


def _runs(points: Sequence[Point]) -> list[list[Point]]:
    """Return *points* in runs without a gap: a line leads over no period that has no number."""
    runs = [[points[0]]]
    for before, after in pairwise(points):
        if after.at == before.at + 1:
            runs[-1].append(after)
        else:
            runs.append([after])
    return runs


def _apart(lines: Sequence[Line], highest: float) -> list[dict[str, str | float]]:
    """Return the label at the end of each line, moved so far up or down that none covers another."""
    step, ceiling, found = highest * _LABEL_APART, highest * 1.06, []
    floor = 0.0
    for line in sorted(lines, key=lambda each: each.points[-1].value):
        end = line.points[-1]
        place = max(end.value, floor)
        floor = place + step
        found.append(
            {"at": end.at, "value": end.value, "label_y": place, "name": f"{line.name or 'all'} {number(end.value)}"}
        )
    over = max(0.0, floor - step - ceiling)
    return [{**each, "label_y": max(0.0, float(each["label_y"]) - over)} for each in found]


def _description(title: str, lines: Sequence[Line], times: Sequence[str], row: Observation) -> str:
    parts = []
    for line in lines:
        first, last = line.points[0], line.points[-1]
        high = max(line.points, key=lambda point: point.value)
        parts.append(
            f"{line.name or 'all'}: {number(first.value)} in {times[first.at]}, {number(last.value)} in "
            f"{times[last.at]}, at most {number(high.value)} in {times[high.at]}, "
            f"{len(line.points)} of {len(times)} periods have a number"
        )
    return f"Line chart. {title}, {UNITS[row.entry.unit]}, {times[0]} to {times[-1]}. {'; '.join(parts)}."
