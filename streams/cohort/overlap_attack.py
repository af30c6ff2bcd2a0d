"""Who could take an overlap table apart, and whether they can: bounds on every cell that was not told.

Attackers know the told cells, the number of the others and the size of each list; an agency also knows its own persons
and who else has them. What is unknown to them are whole numbers from 0; integer programming (HiGHS) says whether a
small cell could also be empty, or k and more, for all that they know.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Self

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp

from schemas.names import AgencyId

Combination = frozenset[str]
"""Names of lists."""

_NODES_MAX = 2000
"""A limit that is no clock: the same table has the same answer."""


@dataclass(frozen=True, slots=True)
class Cells:
    """All persons by the lists that they are on, with what each agency holds of each cell."""

    k: int
    lists: tuple[str, ...]
    counts: Mapping[Combination, int]
    """Without those that nobody is in."""
    own: Mapping[AgencyId, Mapping[Combination, int]]

    @classmethod
    def of(cls, people: Mapping[frozenset[AgencyId], int], list_of: Mapping[AgencyId, str], k: int) -> Self:
        """Return the cells of *people*, how many are known to exactly which agencies."""
        counts: Counter[Combination] = Counter()
        own: dict[AgencyId, Counter[Combination]] = {}
        for agencies, persons in people.items():
            cell = frozenset(list_of[agency] for agency in agencies)
            counts[cell] += persons
            for agency in agencies:
                own.setdefault(agency, Counter())[cell] += persons
        return cls(k, tuple(sorted(set(list_of.values()))), counts, own)

    @property
    def persons(self) -> int:
        """Return how many persons there are."""
        return sum(self.counts.values())

    def on_list(self, name: str) -> int:
        """Return how many persons are on the list *name*."""
        return sum(persons for cell, persons in self.counts.items() if name in cell)


def is_safe(cells: Cells, told: frozenset[Combination]) -> bool:
    """Return whether *told* and the number of all others may be published together."""
    others = {each: cells.counts.get(each, 0) for each in _combinations(cells.lists) if each not in told}
    knowledge: list[Mapping[Combination, int]] = [{}, *cells.own.values()]
    hidden = [{cell: own[cell] for cell in own if cell in others} for own in knowledge]
    return (
        all(_is_none_or_many(cells.counts[each] - own.get(each, 0), cells.k) for each in told for own in knowledge)
        and all(_is_none_or_many(each, cells.k) for each in _sums(cells.lists, others, cells.own.values()))
        and not any(_bounded(cells, others, own) for own in _distinct(hidden))
    )


def _distinct(knowledge: Sequence[Mapping[Combination, int]]) -> list[Mapping[Combination, int]]:
    return list({frozenset(own.items()): own for own in knowledge}.values())


def _combinations(lists: tuple[str, ...]) -> list[Combination]:
    return [frozenset(each) for size in range(1, len(lists) + 1) for each in combinations(lists, size)]


def _is_none_or_many(persons: int, k: int) -> bool:
    return persons == 0 or persons >= k


def _sums(
    lists: tuple[str, ...], others: Mapping[Combination, int], owns: Iterable[Mapping[Combination, int]]
) -> Iterable[int]:
    """Yield what subtraction gives of the others: those on each list and off it, those that an agency has not."""
    whole = sum(others.values())
    for name in lists:
        inside = sum(persons for cell, persons in others.items() if name in cell)
        yield from (inside, whole - inside)
    for own in owns:
        yield whole - sum(persons for cell, persons in own.items() if cell in others)


def _bounded(cells: Cells, others: Mapping[Combination, int], own: Mapping[Combination, int]) -> bool:
    """Return whether who knows *own* can bound what they do not know of some cell to 1 … k - 1.

    Each possible world clears every cell that is empty or large in it, so that few have to be sought.
    """
    unknown = {cell: persons - own.get(cell, 0) for cell, persons in others.items()}
    open_to_doubt = [at for at, persons in enumerate(unknown.values()) if 0 < persons < cells.k]
    if not open_to_doubt:
        return False
    rows = [[1] * len(unknown)] + [[int(name in cell) for cell in unknown] for name in cells.lists]
    matrix = np.array(rows, dtype=float)
    sums = matrix @ np.array(list(unknown.values()), dtype=float)
    while open_to_doubt:
        first = open_to_doubt[0]
        empty, large = (first, 0, 0), (first, cells.k, np.inf)
        world = _world(matrix, sums, open_to_doubt, *empty)
        if world is None:
            world = _world(matrix, sums, open_to_doubt, *large)
        if world is None:
            return True
        open_to_doubt = [at for at in open_to_doubt if 0 < world[at] < cells.k]
    return False


def _world(
    matrix: np.ndarray, sums: np.ndarray, avoided: Sequence[int], at: int, least: float, most: float
) -> np.ndarray | None:
    """Return whole numbers with these *sums*, that *at* from *least* to *most*, and those *avoided* small.

    None where there are none, and where none are found soon: that counts against the table.
    """
    cells = matrix.shape[1]
    low, high, cost = np.zeros(cells), np.full(cells, np.inf), np.zeros(cells)
    low[at], high[at] = least, most
    cost[list(avoided)] = 1
    found = milp(
        cost,
        integrality=np.ones(cells),
        bounds=Bounds(low, high),
        constraints=LinearConstraint(matrix, sums, sums),
        options={"node_limit": _NODES_MAX, "mip_rel_gap": 0.2},
    )
    return None if found.x is None else np.rint(found.x)
