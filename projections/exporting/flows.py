"""Flows: persons by citizenship region and place of exploitation, told once a year.

A table of its own beside the figures, folded from the rows that the tier has. Each number of it, and each that follows
from others of it, is nobody or at least k persons; what is too few stays in the rest. A month is too short for so many
parts, so its steps are years, and a year that is not over has none.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from projections.exporting.choosing import Span, spans
from projections.indicators.cells import Told
from projections.indicators.entries import Count, Indicator
from projections.indicators.figures import Period, Row
from projections.indicators.selecting import code_in, meets
from schemas.errors import MisuseError

CITIZENSHIP, PLACE = "citizenship", "exploitation_country"


class NoFlowsError(MisuseError):
    """Flows are of indicators that count persons by citizenship and place of exploitation."""

    code = "no-flows"


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """Persons of one region who were exploited in one place."""

    region: str
    place: str
    """A country, or a region where no country was released."""
    persons: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Year:
    """The flows of a year."""

    label: str
    closed_by: str
    """Label of the period that ends it."""
    span: Span
    total: int
    """Persons, each once; 0: nobody, or too few to be told."""
    flows: tuple[Flow, ...]

    @property
    def rest(self) -> int:
        """Persons of whom no flow can be told."""
        return self.total - sum(each.persons for each in self.flows)


def flows_of(entry: Indicator, rows: Sequence[Row], periods: Sequence[Period], k: int) -> tuple[Year, ...]:
    """Return the flows that *entry* counts, by year; *rows* and *periods* are all from the first.

    Raises NoFlowsError when it does not count persons of whom both ends are released.
    """
    measure = entry.measure
    if not isinstance(measure, Count) or measure.kind != "PersonIdentified":
        raise NoFlowsError("flows are drawn of indicators that count identified persons, such as C.3.1-1")
    own = [row for row in rows if row.kind == measure.kind and meets(row, measure.where) is True]
    told, found, first = Told(k), [], 0
    before: int | None = None
    for label, span in spans(periods, yearly=True).items():
        last = next(each.last for each in periods if each.label == label)
        sizes = Counter(_ends(row) for row in own if (before is None or row.tick > before) and row.tick <= last)
        found.append(_year(told, sizes, first, label, span))
        first, before = first + len(sizes), last
    return tuple(found)


def _ends(row: Row) -> tuple[str, str]:
    return code_in(row, "citizenship_region", CITIZENSHIP), code_in(row, "", PLACE)


def _year(told: Told, sizes: Counter[tuple[str, str]], first: int, period: str, span: Span) -> Year:
    """Tell the whole first, then the largest flows before the smaller ones: they are the least hindered."""
    order = sorted(sizes, key=lambda ends: (-sizes[ends], ends))
    for number, ends in enumerate(order, first):
        told.add(number, sizes[ends])
    everybody = frozenset(range(first, first + len(order)))
    if not everybody or not told.tell([everybody]):
        return Year(label=span.year, closed_by=period, span=span, total=0, flows=())
    flows = tuple(
        Flow(region=ends[0], place=ends[1], persons=sizes[ends])
        for number, ends in enumerate(order, first)
        if told.tell([frozenset([number])])
    )
    return Year(label=span.year, closed_by=period, span=span, total=told.count(everybody), flows=flows)
