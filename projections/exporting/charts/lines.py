"""The lines of a series: points by period, runs without a gap, and what they say in words."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from projections.exporting.charts.style import number
from projections.exporting.labels import TOTAL
from projections.exporting.observations import Observation
from projections.indicators.figures import State
from schemas.errors import MisuseError

GROUPS = {"WOMAN": "women", "MAN": "men", "GIRL": "girls", "BOY": "boys"}
UNTOLD = "not told by group"
"""What is left of a count: a line of its own, so that nobody takes what moves there for a fall of another."""
WHOLE = len(GROUPS) + 1


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


def lines_of(rows: Sequence[Observation]) -> tuple[Line, ...]:
    """Return a line for each group that is told, and of a count what is left; where none is, one of the whole."""
    at = {time: place for place, time in enumerate(dict.fromkeys(row.time for row in rows))}

    def line(name: str, look: int, own: Iterable[Observation]) -> Line:
        points: dict[int, Point] = {}
        for row in own:
            if row.value is not None:
                earlier = points[at[row.time]].value if at[row.time] in points else 0
                points[at[row.time]] = Point(at=at[row.time], value=earlier + row.value, whole=row.state is State.FULL)
        return Line(name=name, look=look, points=tuple(points.values()))

    parts = [row for row in rows if row.dimension == "group"]
    lines = [
        line(name, look, (row for row in parts if row.code == code)) for look, (code, name) in enumerate(GROUPS.items())
    ]
    if rows[0].entry.unit == "COUNT" and any(each.points for each in lines):
        lines.append(line(UNTOLD, len(GROUPS), (row for row in parts if row.code not in GROUPS)))
    told = tuple(each for each in lines if each.points)
    whole = line("all", WHOLE, (row for row in rows if row.dimension == TOTAL))
    return told or ((whole,) if whole.points else ())


def runs_of(points: Sequence[Point]) -> list[list[Point]]:
    """Return *points* in runs without a gap: a line leads over no period that has no number."""
    runs = [[points[0]]]
    for before, after in pairwise(points):
        if after.at == before.at + 1:
            runs[-1].append(after)
        else:
            runs.append([after])
    return runs


def description_of(title: str, lines: Sequence[Line], times: Sequence[str], unit: str) -> str:
    """Return what the chart shows in words: where each line begins and ends, and its highest number."""
    parts = []
    for line in lines:
        first, last = line.points[0], line.points[-1]
        high = max(line.points, key=lambda point: point.value)
        parts.append(
            f"{line.name}: {number(first.value)} in {times[first.at]}, {number(last.value)} in {times[last.at]}, at "
            f"most {number(high.value)} in {times[high.at]}; {len(line.points)} of {len(times)} periods have a number"
        )
    return f"Line chart. {title}, {unit}, {times[0]} to {times[-1]}. {'. '.join(parts)}."
