"""What no reader has: the released rows behind each published number, by the definitions of the catalogue.

Which rows a step covers is worked out from the steps before it, never asked of the folding: those since its last step,
or, when figures of the past would have told too much, those of the newest period alone.
"""

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from functools import cached_property

from projections.indicators.catalogue import Catalogue
from projections.indicators.entries import Indicator, OverPersons
from projections.indicators.figures import Figure, Period, Row
from projections.indicators.selecting import code_in, sets_of

Groups = frozenset[int]
"""Equal rows of one period are a group."""


class UncoveredError(AssertionError):
    """A published number is not how many persons any step of its indicator could cover."""


class Truth:
    """Released rows beside the figures that were folded from them."""

    def __init__(
        self, catalogue: Catalogue, rows: Sequence[Row], periods: Sequence[Period], figures: Sequence[Figure]
    ) -> None:
        self.catalogue = catalogue
        self.figures = figures
        self.number_of = {period.label: number for number, period in enumerate(periods)}
        ends = [period.last for period in periods]
        sizes = Counter((bisect_left(ends, row.tick), row.kind, *sorted(row.columns.items())) for row in rows)
        self.sizes = tuple(sizes.values())
        self.period_of: tuple[int, ...] = tuple(key[0] for key in sizes)
        self.rows = tuple(Row(tick=0, kind=key[1], columns=dict(key[2:])) for key in sizes)
        self._by_kind: dict[str, list[int]] = defaultdict(list)
        for group, row in enumerate(self.rows):
            self._by_kind[row.kind].append(group)

    def count(self, groups: Groups) -> int:
        """Return how many persons *groups* are."""
        return sum(self.sizes[group] for group in groups)

    def sets(self, entry: Indicator, after: int, upto: int) -> Mapping[str, Groups]:
        """Return the groups that each set of *entry* counts, of the periods above *after* up to *upto*."""
        assert isinstance(entry.measure, OverPersons)
        return {
            name: frozenset(
                group
                for group in self._by_kind[kind]
                if after < self.period_of[group] <= upto and test(self.rows[group])
            )
            for name, (kind, test) in sets_of(entry.measure).items()
        }

    @cached_property
    def covered(self) -> Mapping[tuple[str, str], Mapping[str, Groups]]:
        """Return the groups behind each set of each figure that has a value; raise UncoveredError when none fit."""
        last: dict[str, int] = {}
        due: dict[str, int] = {}
        found = {}
        for figure in self.figures:
            now = self.number_of[figure.period]
            if figure.value is not None:
                entry = self.catalogue.get(figure.indicator)
                choices = [self.sets(entry, last.get(entry.id, -1), now), self.sets(entry, due.get(entry.id, -1), now)]
                told = numbers_of(figure)
                fits = [each for each in choices if all(self.count(each[name]) == told[name] for name in told)]
                if not fits:
                    raise UncoveredError(f"{figure.indicator} of {figure.period}")
                found[figure.indicator, figure.period] = {name: fits[0][name] for name in told}
                last[figure.indicator] = now
            due[figure.indicator] = now
        return found

    def waiting(self) -> Mapping[tuple[str, str], Mapping[str, Groups]]:
        """Return the groups that each figure without a value would have told, had it been told."""
        last: dict[str, int] = {}
        found = {}
        for figure in self.figures:
            now = self.number_of[figure.period]
            if figure.value is not None:
                last[figure.indicator] = now
            else:
                entry = self.catalogue.get(figure.indicator)
                found[figure.indicator, figure.period] = self.sets(entry, last.get(entry.id, -1), now)
        return found

    def parts(self, figure: Figure, name: str) -> Mapping[tuple[str, str], Groups]:
        """Return the groups of each part of the set *name* of a figure with a value, by dimension and code."""
        found: dict[tuple[str, str], set[int]] = defaultdict(set)
        for dimension, column in self.catalogue.get(figure.indicator).by.items():
            for group in self.covered[figure.indicator, figure.period].get(name, ()):
                found[dimension, code_in(self.rows[group], dimension, column)].add(group)
        return {part: frozenset(groups) for part, groups in found.items()}

    def part(self, name: tuple[str, ...], code: str) -> int:
        """Return how many persons a part of a table is: *name* is indicator, period and dimension."""
        indicator, period, dimension = name
        sets = self.covered[indicator, period]
        if dimension == "rest":
            return self.count(sets["denominator"]) - self.count(sets["numerator"])
        figure = next(each for each in self.figures if (each.indicator, each.period) == (indicator, period))
        return self.count(self.parts(figure, "numerator").get((dimension, code), frozenset()))


def numbers_of(figure: Figure) -> Mapping[str, int]:
    """Return the number of persons that a figure tells of each of its sets."""
    if figure.extra:
        return {band: int(number) for band, number in figure.extra.items()}
    both = {"numerator": figure.numerator, "denominator": figure.denominator}
    return {name: int(number) for name, number in both.items() if number is not None}
