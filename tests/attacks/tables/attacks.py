"""All attacks on published tables, for any build of the folding and any release."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from projections.indicators.catalogue import catalogue
from projections.indicators.figures import Figure, K, Period, Row
from projections.indicators.persons import fold_persons
from tests.attacks.tables import programme, snapshots, subtraction
from tests.attacks.tables.populations import PERIODS, within
from tests.attacks.tables.truth import Truth, numbers_of


@dataclass(frozen=True)
class Published:
    """Figures that were folded from rows, and the rows, which no reader has."""

    rows: Sequence[Row]
    periods: Sequence[Period] = PERIODS
    k: int = K

    @cached_property
    def figures(self) -> tuple[Figure, ...]:
        """Return the figures of all periods, by the folding as it is loaded now."""
        return fold_persons(catalogue(), within(self.rows, self.periods), self.periods, self.k)

    @cached_property
    def truth(self) -> Truth:
        """Return the rows behind the figures."""
        return Truth(catalogue(), within(self.rows, self.periods), self.periods, self.figures)

    @cached_property
    def tables(self) -> tuple[subtraction.Table, ...]:
        """Return the totals of the figures with their parts."""
        return tuple(subtraction.of_figures(self.figures, catalogue()))

    def seen_after(self, number: int) -> Sequence[Figure]:
        """Return what a reader saw when *number* periods had ended, folded anew at that time."""
        return Published(self.rows, self.periods[:number], self.k).figures


def small_numbers(published: Published) -> Iterator[object]:
    """Yield every published number of persons from 1 to k - 1."""
    for figure in published.figures:
        told = [*numbers_of(figure).values()]
        told += [int(number) for cell in figure.cells for number in (cell.numerator, cell.denominator or 0)]
        yield from ((figure.indicator, figure.period, number) for number in told if 0 < number < K)


def by_subtraction(published: Published) -> Iterator[object]:
    """Yield every part from 1 to k - 1 that a total and its visible parts give."""
    yield from subtraction.disclosed(published.tables, published.truth, K)


def over_time(published: Published) -> Iterator[object]:
    """Yield every counter that moves by 1 to k - 1 between any two snapshots, or backwards."""
    count = len(published.periods)
    seen = [snapshots.counters(published.seen_after(number)) for number in range(1, count + 1)]
    yield from snapshots.small_steps([{}, *seen], K)


def by_programme(published: Published) -> Iterator[object]:
    """Yield every unpublished count that all numbers together allow to be from 1 to k - 1 only."""
    asks = programme.Programme(programme.knowledge(published.truth), published.truth.sizes)
    for asked in programme.questions(published.truth, K):
        low, high = asks.bounds(asked, K)
        assert low <= published.truth.count(asked) <= high, "the truth itself is possible"
        if low > 0 and high < K:
            yield low, high


Attack = Callable[[Published], Iterator[object]]
ATTACKS: dict[str, Attack] = {
    attack.__name__: attack for attack in (small_numbers, by_subtraction, over_time, by_programme)
}


def succeeds(published: Published) -> str:
    """Return the name of the first attack that succeeds, or of the contradiction it meets; nothing when none does."""
    try:
        return next((name for name, attack in ATTACKS.items() if any(True for _ in attack(published))), "")
    except AssertionError as error:
        return f"contradiction: {error}"
