"""The attack by linear programme: what all published numbers together allow a count that is not published to be.

The attacker knows the definitions, which kinds of rows there are, and which of them each step covers; not how many
persons a kind of row is. Known are: each figure exactly, each part as at least so many, completeness as a ratio. The
unknowns are numbers of persons of rows that the knowledge and the question do not tell apart; what comes out is rounded
inwards to whole persons.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations
from math import ceil, floor

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array

from projections.indicators.entries import OverPersons
from projections.indicators.figures import NOT_BROKEN_DOWN
from projections.indicators.selecting import is_unknown
from tests.attacks.tables.truth import Groups, Truth

EXACT = 1e-6
UNBOUNDED = 3
"""What HiGHS says of a programme without a greatest value."""
_FRACTION = 1_000_000


@dataclass(frozen=True, slots=True)
class Known:
    """A sum over persons that the attacker knows: *weights* by group, from *low* to *high*."""

    weights: Mapping[Groups, int]
    low: float
    high: float = np.inf


def knowledge(truth: Truth) -> list[Known]:
    """Return all that the figures tell."""
    found = []
    for figure in truth.figures:
        sets = truth.covered.get((figure.indicator, figure.period), {})
        found += [Known({groups: 1}, truth.count(groups), truth.count(groups)) for groups in sets.values()]
        for name in sets if not figure.extra else ():
            parts = truth.parts(figure, name)
            for cell in figure.cells:
                if cell.code != NOT_BROKEN_DOWN:
                    number = cell.numerator if name == "numerator" else cell.denominator
                    found.append(Known({parts.get((cell.dimension, cell.code), frozenset()): 1}, number or 0))
        if figure.completeness is not None and sets:
            found.append(_completeness(truth, figure.indicator, figure.period, figure.completeness))
    return [each for each in found if any(each.weights)]


def _completeness(truth: Truth, indicator: str, period: str, share: float) -> Known:
    entry = truth.catalogue.get(indicator)
    assert isinstance(entry.measure, OverPersons)
    covered = {truth.period_of[group] for groups in truth.covered[indicator, period].values() for group in groups}
    upto = truth.number_of[period]
    after = min(covered, default=upto)
    groups = [
        group
        for group, row in enumerate(truth.rows)
        if row.kind == entry.measure.kind and after <= truth.period_of[group] <= upto
    ]
    unknown = frozenset(group for group in groups if is_unknown(entry.measure, truth.rows[group]))
    ratio = Fraction(1 - share).limit_denominator(_FRACTION)
    known = frozenset(groups) - unknown
    return Known({unknown: ratio.denominator - ratio.numerator, known: -ratio.numerator}, 0, 0)


def questions(truth: Truth, k: int) -> Iterator[Groups]:
    """Yield the groups of each count that the figures do not publish and that is from 1 to k - 1 in truth.

    Parts of figures, complements of shares, what waits, and of any two figures of a period what they share and not.
    """
    seen: set[Groups] = set()
    told = {groups for sets in truth.covered.values() for groups in sets.values()}
    for groups in _asked(truth):
        if groups not in seen and groups not in told and 0 < truth.count(groups) < k:
            yield groups
        seen.add(groups)


def _asked(truth: Truth) -> Iterator[Groups]:
    heads: dict[str, list[Groups]] = defaultdict(list)
    for figure in truth.figures:
        sets = truth.covered.get((figure.indicator, figure.period), {})
        heads[figure.period] += sets.values()
        for name in sets if not figure.extra else ():
            yield from truth.parts(figure, name).values()
    for (_, period), sets in truth.waiting().items():
        heads[period] += sets.values()
    for own in heads.values():
        yield from own
        for one, other in combinations(set(own), 2):
            yield from (one & other, one - other, other - one)


class Programme:
    """Asks what numbers a set of groups can be."""

    def __init__(self, known: Sequence[Known], sizes: Sequence[int]) -> None:
        self._known = known
        self._of: dict[int, list[tuple[int, int]]] = defaultdict(list)
        """By group, the sums it is part of, with its weight."""
        for number, each in enumerate(known):
            for groups, weight in each.weights.items():
                for group in groups if weight else ():
                    self._of[group].append((number, weight))
        self._groups = range(len(sizes))
        self._kinds: dict[tuple[tuple[int, int], ...], list[int]] = defaultdict(list)
        for group in self._groups:
            self._kinds[tuple(self._of[group])].append(group)

    def bounds(self, asked: Groups, k: int) -> tuple[int, float]:
        """Return the least and the greatest number of persons that *asked* can be; infinity for k and more."""
        if any(not self._of[group] for group in asked):
            return 0, np.inf
        columns, inside = self._columns(asked)
        greatest = self._best(columns, inside, -1)
        return (0, np.inf) if greatest >= k else (self._best(columns, inside, 1), greatest)

    def _columns(self, asked: Groups) -> tuple[list[tuple[tuple[int, int], ...]], list[int]]:
        """Return the unknowns that hang together with *asked*, as the sums they are part of, and those asked for."""
        reached: set[int] = set()
        waiting = {number for group in asked for number, _ in self._of[group]}
        while waiting:
            reached |= waiting
            waiting = {
                number for key in self._kinds if any(each in reached for each, _ in key) for number, _ in key
            } - reached
        columns, inside = [], []
        for key, groups in self._kinds.items():
            if key and key[0][0] in reached:
                for is_asked in sorted({group in asked for group in groups}):
                    inside += [len(columns)] if is_asked else []
                    columns.append(key)
        return columns, inside

    def _best(self, columns: list[tuple[tuple[int, int], ...]], inside: list[int], sign: int) -> int:
        rows = sorted({number for key in columns for number, _ in key})
        at = {number: place for place, number in enumerate(rows)}
        entries = [(at[number], column, weight) for column, key in enumerate(columns) for number, weight in key]
        places, across, weights = zip(*entries, strict=True)
        matrix = csr_array((weights, (places, across)), shape=(len(rows), len(columns)), dtype=float)
        aim = np.zeros(len(columns))
        aim[inside] = sign
        limits = LinearConstraint(matrix, [self._known[n].low for n in rows], [self._known[n].high for n in rows])  # type: ignore[arg-type]
        result = milp(aim, constraints=limits, bounds=Bounds(0, np.inf))
        if result.status == UNBOUNDED:
            return np.iinfo(int).max
        assert result.x is not None, "the truth itself is one solution"
        number = abs(float(result.fun))
        return floor(number + EXACT) if sign < 0 else ceil(number - EXACT)
