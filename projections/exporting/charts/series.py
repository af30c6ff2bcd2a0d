"""A time series of an indicator: a line for each of women, men, girls and boys, or one where it has no such parts."""

from collections.abc import Sequence
from typing import Any

from projections.exporting.charts.lines import (
    WHOLE,
    Line,
    NothingToDrawError,
    description_of,
    lines_of,
    runs_of,
)
from projections.exporting.charts.style import (
    FAINT,
    INK,
    OKABE_ITO,
    REST,
    WIDTH,
    Drawn,
    data,
    finished,
    number,
    source_note,
    subtitle_of,
    unit_of,
)
from projections.exporting.metadata import LogState
from projections.exporting.observations import Observation

_SHAPES = ("circle", "square", "triangle-up", "diamond", "cross", "circle")
_DASHES = ([1, 0], [8, 3], [2, 2], [10, 3, 2, 3], [4, 4], [1, 0])
_COLOURS = (*OKABE_ITO[:4], REST, OKABE_ITO[1])
_MARKS = (
    "A filled mark covers every record; a hollow one is at least so many: some records do not say it, or too few "
    "persons would be told. No mark: nobody, or too few to be told. It is not zero."
)
_HEIGHT = 380
_LABEL_APART = 0.06
"""Of the height: labels closer than that would cover each other."""
_TICKS = 12
_SPAN = 1.06
"""The axis ends a little above the highest number."""


def draw_series(rows: Sequence[Observation], state: LogState) -> Drawn:
    """Return the chart of *rows*, all of one indicator; raise NothingToDrawError when none has a number."""
    if not rows or not (lines := lines_of(rows)):
        raise NothingToDrawError("no period has a figure of this indicator: `hub export figures` says why")
    entry, times = rows[0].entry, tuple(dict.fromkeys(row.time for row in rows))
    grouped = any(line.look != WHOLE for line in lines)
    title, unit = entry.wording.rstrip("."), unit_of(rows[0].measured)
    text = description_of(title, lines, times, unit)
    notes = (_MARKS, source_note(entry, state))
    every = "year" if rows[0].yearly else "month"
    what = f"What each {every} adds, {unit}{', by group' if grouped else ''}"
    spec = finished(_chart(lines, times, unit), title, subtitle_of(rows[0].measured, state, what), notes, text)
    table = tuple(
        (times[point.at], line.name, point.value, "full" if point.whole else "partial")
        for line in lines
        for point in line.points
    )
    return Drawn(spec=spec, title=title, description=text, header=("period", "group", "value", "state"), rows=table)


def _chart(lines: Sequence[Line], times: Sequence[str], unit: str) -> Any:
    import altair as alt

    highest = max(point.value for line in lines for point in line.points) or 1.0
    names, last = [line.name for line in lines], len(times) - 1

    def looks(kind: Any, of: Sequence[Any]) -> Any:
        scale = alt.Scale(domain=names, range=[of[line.look] for line in lines])
        return kind("group:N", scale=scale, legend=None)

    colour = looks(alt.Color, _COLOURS)
    ticks = list(range(0, len(times), -(-len(times) // _TICKS)))
    x = alt.X(
        "at:Q",
        title=None,
        scale=alt.Scale(domain=[-0.3, last + 0.3], nice=False),
        axis=alt.Axis(values=ticks, labelExpr=f"{list(times)!r}[datum.value]", grid=False),
    )
    y = alt.Y(
        "value:Q", title=unit, scale=alt.Scale(domain=[0, highest * _SPAN], nice=False), axis=alt.Axis(tickCount=6)
    )
    base = alt.Chart(data(_marks(lines, times)))
    path = base.mark_line(strokeWidth=2.4, aria=False).encode(
        x=x, y=y, color=colour, detail="part:N", strokeDash=looks(alt.StrokeDash, _DASHES)
    )
    marks = base.mark_point(size=62, strokeWidth=1.8, opacity=1).encode(
        x=x,
        y=y,
        color=colour,
        shape=looks(alt.Shape, _SHAPES),
        description="says:N",
        fill=alt.condition("datum.whole", colour, alt.value("white")),
    )
    right = alt.Chart(data(labels_apart(lines, highest)))
    leader = right.mark_rule(strokeWidth=1, color=FAINT, opacity=0.6, aria=False).encode(
        x=alt.X("at:Q"), x2=alt.datum(last + 0.3), y=alt.Y("value:Q"), y2="label_y:Q"
    )
    label = right.mark_text(align="left", dx=5, fontSize=13, fontWeight="bold", color=INK, aria=False).encode(
        x=alt.datum(last + 0.3), y=alt.Y("label_y:Q"), text="name:N"
    )
    return alt.layer(leader, path, marks, label).properties(width=WIDTH - 150, height=_HEIGHT)


def _marks(lines: Sequence[Line], times: Sequence[str]) -> list[dict[str, str | float | bool]]:
    return [
        {
            "at": point.at,
            "value": point.value,
            "group": line.name,
            "part": f"{line.name} {part}",
            "whole": point.whole,
            "says": f"{line.name}, {times[point.at]}: {'' if point.whole else 'at least '}{number(point.value)}",
        }
        for line in lines
        for part, run in enumerate(runs_of(line.points))
        for point in run
    ]


def labels_apart(lines: Sequence[Line], highest: float) -> list[dict[str, str | float]]:
    """Return the label at the end of each line, moved so far up or down that none covers another."""
    step, floor, ceiling, found = highest * _LABEL_APART, 0.0, highest * _SPAN, list[dict[str, str | float]]()
    order = sorted(lines, key=lambda each: each.points[-1].value)
    places = []
    for line in order:
        places.append(max(line.points[-1].value, floor))
        floor = places[-1] + step
    for line, wanted in zip(reversed(order), reversed(places), strict=True):
        end, place = line.points[-1], min(wanted, ceiling)
        ceiling = place - step
        found.append({"at": end.at, "value": end.value, "label_y": place, "name": f"{line.name} {number(end.value)}"})
    return found
