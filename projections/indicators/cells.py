"""Sets of persons of whom it is told how many they are: none, and no set that follows from others, is smaller than k.

Told sets cut the rows into atoms. Whoever knows all told numbers can add and subtract them, and learns the size of
unions of atoms. So a set is told only when every atom stays empty or at least k: then no sum and no difference, over
indicators, breakdowns and periods, is a number from 1 to k - 1. Rows of which nothing was told are no atom: nobody
knows how many they are.
"""

from collections.abc import Iterable, Mapping, Sequence

UNTOLD = 0


class Told:
    """The sets told so far of the rows of one kind; rows are groups of equal ones, each with how many they are."""

    def __init__(self, k: int) -> None:
        self._k = k
        self._sizes: dict[int, int] = {}
        self._atoms: dict[int, int] = {}
        self._next = UNTOLD + 1

    def add(self, group: int, size: int) -> None:
        """Add *size* rows under the number *group*."""
        self._sizes[group] = size
        self._atoms[group] = UNTOLD

    def count(self, groups: Iterable[int]) -> int:
        """Return how many rows the groups have together."""
        return sum(self._sizes[group] for group in groups)

    def tell(self, sets: Sequence[frozenset[int]]) -> bool:
        """Tell all *sets*, or none of them; return whether they may be told."""
        before, number = dict(self._atoms), self._next
        if all(self._cut(each) for each in sets):
            return True
        self._atoms, self._next = before, number
        return False

    def _cut(self, told: frozenset[int]) -> bool:
        inside: dict[int, list[int]] = {}
        for group in told:
            inside.setdefault(self._atoms[group], []).append(group)
        whole = self._whole(inside)
        for atom, groups in inside.items():
            part = self.count(groups)
            rest = whole[atom] - part
            if part < self._k or (atom != UNTOLD and 0 < rest < self._k):
                return False
            if rest or atom == UNTOLD:
                self._atoms |= dict.fromkeys(groups, self._next)
                self._next += 1
        return True

    def _whole(self, wanted: Mapping[int, object]) -> Mapping[int, int]:
        found = dict.fromkeys(wanted, 0)
        for group, atom in self._atoms.items():
            if atom in found:
                found[atom] += self._sizes[group]
        return found
