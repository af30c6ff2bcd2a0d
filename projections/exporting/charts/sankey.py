"""Flows from citizenship region to place of exploitation, as ribbons as wide as the number of persons."""

from collections import Counter
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
    data,
    finished,
    number,
    source_note,
    subtitle_of,
)
from projections.exporting.flows import Year
from projections.exporting.labels import place_label
from projections.exporting.metadata import LogState
from projections.indicators.entries import Indicator

_HEIGHT = 460
_GAP = 0.03
"""Between two ends, of the height."""
_BEND = 28
"""Points along the edge of a ribbon."""
_NODE = 0.018
"""Width of an end, of the width of the chart."""
_SMALL = 0.022
"""Of the height: a thinner ribbon has no number on it."""
Ends = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Side:
    """The ends of one side, from the top: where each begins and how high it is."""

    places: dict[str, tuple[float, float]]


def draw_flows(entry: Indicator, measured: Indicator, years: Sequence[Year], state: LogState) -> Drawn:
    """Return the chart of the flows of *years* together; raise NothingToDrawError when none can be told."""
    flows: Counter[Ends] = Counter()
    for year in years:
        for flow in year.flows:
            flows[flow.region, flow.place] += flow.persons
    if not flows:
        raise NothingToDrawError("no flow can be told: a year has to be over, and a flow to have at least k persons")
    time = years[0].label if len(years) == 1 else f"{years[0].label} to {years[-1].label}"
    title = f"{entry.wording.rstrip('.')}: from citizenship region to place of exploitation, {time}"
    rest = sum(year.rest for year in years)
    order = sorted(flows, key=lambda ends: (-flows[ends], ends))
    said = "; ".join(f"{place_label(a)} to {place_label(b)}: {number(flows[a, b])}" for a, b in order)
    text = f"Flow diagram. {title}, persons. {said}. No flow can be told of {number(rest)} persons."
    left_out = (
        f"Not drawn: {number(rest)} of {number(sum(year.total for year in years))} persons, whose flow has fewer than "
        f"{state.k} in a year. A region at the right: no country was released."
    )
    notes = (left_out, source_note(entry, state))
    spec = finished(_chart(flows), title, subtitle_of(measured, state, "Persons, years put together"), notes, text)
    table = tuple((year.label, flow.region, flow.place, float(flow.persons)) for year in years for flow in year.flows)
    header = ("year", "citizenship_region", "exploitation_place", "persons")
    return Drawn(spec=spec, title=title, description=text, header=header, rows=table)


def _side(flows: Counter[Ends], which: int) -> _Side:
    totals: Counter[str] = Counter()
    for ends, persons in flows.items():
        totals[ends[which]] += persons
    scale = (1 - _GAP * (len(totals) - 1)) / totals.total()
    places, top = {}, 0.0
    for name in sorted(totals, key=lambda name: (-totals[name], name)):
        places[name] = (top, totals[name] * scale)
        top += totals[name] * scale + _GAP
    return _Side(places=places)


def _chart(flows: Counter[Ends]) -> Any:
    import altair as alt

    left, right = _side(flows, 0), _side(flows, 1)
    colours = {name: OKABE_ITO[place] if place < len(OKABE_ITO) else REST for place, name in enumerate(left.places)}
    across, down = alt.Scale(domain=[0, 1], nice=False), alt.Scale(domain=[1, 0], nice=False)
    x, y = alt.X("x:Q", scale=across, axis=None), alt.Y("y:Q", scale=down, axis=None)
    ribbons, numbers = _ribbons(flows, left, right, colours)
    area = (
        alt.Chart(data(ribbons))
        .mark_area(opacity=0.55)
        .encode(x=x, y=y, y2="below:Q", detail="says:N", description="says:N", color=alt.Color("colour:N", scale=None))
    )
    inside = (
        alt.Chart(data(numbers))
        .mark_text(fontSize=12, color=INK, align="left", aria=False)
        .encode(x=x, y=y, text="text:N")
    )
    layers = [area, inside]
    for side, which in ((left, 0), (right, 1)):
        ends = [
            {
                "x": which * (1 - _NODE),
                "x2": which * (1 - _NODE) + _NODE,
                "y": top,
                "below": top + high,
                "middle": top + high / 2,
                "colour": FAINT if which else colours[name],
                "text": f"{place_label(name)} {number(sum(n for ends, n in flows.items() if ends[which] == name))}",
            }
            for name, (top, high) in side.places.items()
        ]
        base = alt.Chart(data(ends))
        layers.append(
            base.mark_rect(aria=False).encode(
                x=x, x2="x2:Q", y=y, y2="below:Q", color=alt.Color("colour:N", scale=None)
            )
        )
        layers.append(
            base.mark_text(
                align="left" if which else "right", dx=8 if which else -8, fontSize=13, color=INK, aria=False
            ).encode(
                x=alt.X("x2:Q" if which else "x:Q", scale=across, axis=None),
                y=alt.Y("middle:Q", scale=down, axis=None),
                text="text:N",
            )
        )
    return alt.layer(*layers).properties(width=WIDTH - 360, height=_HEIGHT)


def _ribbons(
    flows: Counter[Ends], left: _Side, right: _Side, colours: dict[str, str]
) -> tuple[list[dict[str, str | float]], list[dict[str, str | float]]]:
    """Return the edges of all ribbons, and the numbers that stand on those wide enough."""
    down: dict[tuple[int, str], float] = {}
    ribbons: list[dict[str, str | float]] = []
    numbers: list[dict[str, str | float]] = []
    ranks = tuple({name: place for place, name in enumerate(side.places)} for side in (left, right))
    totals = flows.total()
    for ends in sorted(flows, key=lambda ends: (ranks[0][ends[0]], ranks[1][ends[1]])):
        persons, tops, highs = flows[ends], [], []
        for which, side in enumerate((left, right)):
            scale = (1 - _GAP * (len(side.places) - 1)) / totals
            start = down.get((which, ends[which]), side.places[ends[which]][0])
            tops.append(start)
            highs.append(persons * scale)
            down[which, ends[which]] = start + persons * scale
        says = f"{place_label(ends[0])} to {place_label(ends[1])}: {number(persons)}"
        for step in range(_BEND + 1):
            part = step / _BEND
            bend = part * part * (3 - 2 * part)
            top, high = (pair[0] + (pair[1] - pair[0]) * bend for pair in (tops, highs))
            place = _NODE + part * (1 - 2 * _NODE)
            ribbons.append({"x": place, "y": top, "below": top + high, "says": says, "colour": colours[ends[0]]})
        if highs[0] > _SMALL:
            numbers.append({"x": 2 * _NODE, "y": tops[0] + highs[0] / 2, "text": number(persons)})
    return ribbons, numbers
