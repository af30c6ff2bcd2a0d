"""The attacks by time and by tier: each snapshot subtracted from each later one, and the tiers laid side by side."""

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from itertools import combinations

from projections.indicators.figures import Figure, Period
from streams.cohort.batches import Batch, PublishedRow
from tests.attacks.tables.truth import numbers_of

Counters = Mapping[Hashable, float]
Publisher = Callable[[Sequence[Period]], Sequence[Figure]]
"""Returns what a reader saw when the last of some periods had ended."""


def counters(figures: Sequence[Figure]) -> Counters:
    """Return every number of persons that a reader sees, added up since the first period."""
    found: dict[Hashable, float] = defaultdict(float)
    for figure in figures:
        for name, number in numbers_of(figure).items():
            found[figure.indicator, name] += number
        for cell in figure.cells:
            found[figure.indicator, cell.dimension, cell.code, "numerator"] += cell.numerator
            found[figure.indicator, cell.dimension, cell.code, "denominator"] += cell.denominator or 0
    return found


def small_steps(snapshots: Sequence[Counters], k: int) -> Iterator[tuple[int, int, Hashable]]:
    """Yield the counters that between two of *snapshots*, not only neighbours, move by anything but 0 or k and more."""
    for (before, one), (after, other) in combinations(enumerate(snapshots), 2):
        for name in one.keys() | other.keys():
            step = other.get(name, 0) - one.get(name, 0)
            if step != 0 and step < k:
                yield before, after, name


def small_classes(first: Batch, later: Batch, k: int) -> Iterator[tuple[Hashable, ...]]:
    """Yield the classes of fewer than k rows that two batches of the same rows give when they are laid together.

    Rows join by all that both say of the label. A class of either tier, of the join, and what one says beyond the
    other, all count; where a tier shows a sensitive column of a class, it shows what the other does, or nothing.
    """
    ours, theirs = _classes(first), _classes(later)
    for label in ours.keys() | theirs.keys():
        one, other = ours.get(label, []), theirs.get(label, [])
        if len(one) < k or len(other) < k or len(one) != len(other):
            yield "size", *label, len(one), len(other)
        for at in range(len(one[0].sensitive) if one else 0):
            shown = Counter(row.sensitive[at] for row in one)
            beside = Counter(row.sensitive[at] for row in other)
            differs = (shown - beside) + (beside - shown)
            if shown != beside and set(beside) != {None}:
                yield "cell", *label, at, *differs.values()


def _classes(batch: Batch) -> Mapping[tuple[Hashable, ...], list[PublishedRow]]:
    found: dict[tuple[Hashable, ...], list[PublishedRow]] = defaultdict(list)
    for row in batch.rows:
        found[row.kind, *row.label].append(row)
    return found


def twins(batches: Sequence[Batch], lag: int) -> Iterator[tuple[Batch, Batch]]:
    """Yield each batch of the first tier beside the one that the open tier gets *lag* ticks later; missing is empty."""
    later = {batch.tick: batch for batch in batches if batch.tier == "open"}
    for batch in batches:
        if batch.tier == "partner" and batch.tick + lag in later:
            yield batch, later[batch.tick + lag]
