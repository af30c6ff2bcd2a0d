"""Which rows leave at a tick, and in which classes: BDR2, as `research/cohort.md` §2 specifies it.

A class is ok when it holds k persons, `net` of them not from its largest contributor. From everything downwards the
rows are split along the fixed ladders wherever that leaves only ok parts; what is left over stays together under the
coarser label (a remainder), or waits when nothing of it is due. Almost exact classes leave at once, others when a row
of them is due, and then no more of it than it takes.

 1  Being ok is kept by every union: joining ok classes is always safe.
 2  A due row is never left in a part that waits: the smallest good parts are given back until it is ok.
 3  Counts of many agencies are one integer each: fields of 24 bits hold rows, due rows, rows by agency.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from schemas.names import AgencyId, SubjectId
from streams.cohort.axes import Axis
from streams.cohort.parameters import Parameters
from streams.cohort.rows import Kind, Row, Tick

BITS = 24
FIELD = (1 << BITS) - 1
DUE = 1 << BITS


@dataclass(frozen=True, slots=True)
class Cohort:
    """A class that leaves: one label for all its rows."""

    kind: Kind
    label: tuple[int, ...]
    rows: tuple[Row, ...]


class Cell(NamedTuple):
    """The rows of a pool that have the same values."""

    values: tuple[int, ...]
    weight: int
    rows: list[Row]


class Part(NamedTuple):
    """Cells under one label that are not split any further."""

    label: tuple[int, ...]
    cells: list[Cell]
    weight: int


class Split(NamedTuple):
    """A way to split a part along one axis."""

    gain: int
    axis: int
    good: dict[int, int]
    """Weight of each child that becomes a part of its own."""


def has_k(persons: int, rule: Parameters) -> bool:
    """Return whether a class of *persons* is large enough."""
    return persons >= rule.k


def has_net(persons: int, largest: int, rule: Parameters) -> bool:
    """Return whether enough of *persons* do not come from the contributor that supplies *largest* of them."""
    return persons - largest >= rule.net


def is_due(row: Row, now: Tick, rule: Parameters) -> bool:
    """Return whether *row* has to leave at *now*."""
    return row.age(now) >= rule.deadline - 1


def may_leave(row: Row, now: Tick, rule: Parameters) -> bool:
    """Return whether the embargo of *row* is over."""
    return row.age(now) >= rule.embargo


def grouped(rows: Iterable[Row], axes: Sequence[Axis], rule: Parameters, now: Tick) -> tuple[list[Cohort], list[Row]]:
    """Return the classes of one kind of fact that leave at *now*, and the due rows that cannot: they are suppressed.

    Of several rows of one person only the oldest takes part.
    """
    pool = _one_each(row for row in rows if may_leave(row, now, rule))
    if not pool:
        return [], []
    weights = _Weights(pool, now, rule)
    total = sum(weights.of(row) for row in pool)
    if not ok(total, rule):
        return [], [row for row in pool if is_due(row, now, rule)]
    hold = rule.hold * len(axes)
    leaving: dict[tuple[int, ...], list[Row]] = defaultdict(list)
    for part in _parts(_cells(pool, weights), total, axes, rule):
        members = [row for cell in part.cells for row in cell.rows]
        if sum(axis.loss[node] for axis, node in zip(axes, part.label, strict=True)) > hold:
            if not part.weight >> BITS & FIELD:
                continue
            members = _trimmed(members, weights, rule)
        label = tuple(axis.common([row.values[at] for row in members]) for at, axis in enumerate(axes))
        leaving[label] += members
    kind = pool[0].id.kind
    return [Cohort(kind, label, tuple(members)) for label, members in sorted(leaving.items())], []


def ok(weight: int, rule: Parameters) -> bool:
    """Return whether what *weight* counts may leave as one class."""
    persons = weight & FIELD
    if not has_k(persons, rule):
        return False
    largest, by_agency = 0, weight >> 2 * BITS
    while by_agency:
        largest = max(largest, by_agency & FIELD)
        by_agency >>= BITS
    return has_net(persons, largest, rule)


class _Weights:
    """What each row of a pool counts for, as one integer."""

    def __init__(self, pool: Sequence[Row], now: Tick, rule: Parameters) -> None:
        supplied = {row.agencies for row in pool}
        self._shift = {each: (at + 2) * BITS for at, each in enumerate(sorted(set[AgencyId]().union(*supplied)))}
        self._by_agencies = {each: 1 + sum(1 << self._shift[agency] for agency in each) for each in supplied}
        self._now, self._rule = now, rule

    def of(self, row: Row) -> int:
        return self._by_agencies[row.agencies] + (DUE if is_due(row, self._now, self._rule) else 0)


def _one_each(rows: Iterable[Row]) -> list[Row]:
    pool = sorted(rows, key=lambda row: row.place)
    first: dict[SubjectId, Row] = {}
    for row in pool:
        first.setdefault(row.id.subject, row)
    return pool if len(first) == len(pool) else list(first.values())


def _cells(pool: Iterable[Row], weights: _Weights) -> list[Cell]:
    by_values: dict[tuple[int, ...], list[Row]] = {}
    for row in pool:
        by_values.setdefault(row.values, []).append(row)
    return [Cell(values, sum(map(weights.of, rows)), rows) for values, rows in by_values.items()]


def _parts(cells: list[Cell], total: int, axes: Sequence[Axis], rule: Parameters) -> Iterable[Part]:
    """Yield the parts that *cells* come to; what waits is in none of them."""
    waiting = [Part((0,) * len(axes), cells, total)]
    while waiting:
        part = waiting.pop()
        best: Split | None = None
        for at, axis in enumerate(axes):
            found = _split(part, at, axis, rule)
            if found is not None and found.gain > (best.gain if best else 0):
                best = found
        if best is None:
            yield part
            continue
        waiting.extend(_divided(part, best, axes[best.axis], rule))


def _split(part: Part, at: int, axis: Axis, rule: Parameters) -> Split | None:
    """Return how *part* splits along *axis*, None when it does not."""
    node = part.label[at]
    child_of = axis.below[node]
    tally: dict[int, int] = {}
    for values, weight, _ in part.cells:
        child = child_of[values[at]]
        tally[child] = tally.get(child, 0) + weight
    tally.pop(0, None)
    good = {child: weight for child, weight in tally.items() if ok(weight, rule)}
    if not good:
        return None
    rest = part.weight - sum(good.values())
    if not (rest_ok := ok(rest, rule)) and rest >> BITS & FIELD:
        for child in sorted(good, key=lambda child: (good[child] & FIELD, child)):
            rest += good.pop(child)
            if rest_ok := ok(rest, rule):
                break
        if not good:
            return None
    here = axis.loss[node]
    gain = sum((here - axis.loss[child]) * (weight & FIELD) for child, weight in good.items())
    if not rest_ok:
        gain -= rule.penalty * (rest & FIELD)
    if gain == 0 and not rest:
        gain = 1
    return Split(gain, at, good)


def _divided(part: Part, split: Split, axis: Axis, rule: Parameters) -> list[Part]:
    at, good = split.axis, split.good
    child_of = axis.below[part.label[at]]
    cells: dict[int, list[Cell]] = {child: [] for child in good}
    left: list[Cell] = []
    for cell in part.cells:
        cells.get(child_of[cell.values[at]], left).append(cell)
    before, after = part.label[:at], part.label[at + 1 :]
    parts = [Part((*before, child, *after), cells[child], weight) for child, weight in good.items()]
    rest = part.weight - sum(good.values())
    if ok(rest, rule):
        parts.append(Part(part.label, left, rest))
    return parts


def _trimmed(members: Sequence[Row], weights: _Weights, rule: Parameters) -> list[Row]:
    """Return the due rows of an ok class, and of its others the oldest, one by one, until they are ok."""
    total, kept = 0, []
    for row in sorted(members, key=lambda row: (weights.of(row) & DUE == 0, row.arrived, row.place)):
        weight = weights.of(row)
        if weight & (FIELD << BITS) == 0 and ok(total, rule):
            break
        kept.append(row)
        total += weight
    return kept
