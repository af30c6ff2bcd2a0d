"""Sets of persons of whom it is told how many they are: none, and no set that follows from others, is smaller than k.

Told sets cut the rows into atoms. Whoever knows all told numbers can add and subtract them, and learns the size of
unions of atoms. So a set is told only when every atom stays empty or at least k: then no sum and no difference, over
indicators, breakdowns and periods, is a number from 1 to k - 1. Rows of which nothing was told are no atom: nobody
knows how many they are.
"""

from collections.abc import Iterable, Sequence

UNTOLD = 0


class Told:
    """The sets told so far of the rows of one kind; rows are groups of equal ones, each with how many they are."""

    def __init__(self, k: int) -> None:
        self._k = k
        self._sizes: dict[int, int] = {}
        self._atoms: dict[int, int] = {}
        self._wholes: dict[int, int] = {UNTOLD: 0}
        self._next = UNTOLD + 1

    def add(self, group: int, size: int) -> None:
        """Add *size* rows under the number *group*."""
        self._sizes[group] = size
        self._atoms[group] = UNTOLD
        self._wholes[UNTOLD] += size

    def count(self, groups: Iterable[int]) -> int:
        """Return how many rows the groups have together."""
        return sum(self._sizes[group] for group in groups)

    def tell(self, sets: Sequence[frozenset[int]]) -> bool:
        """Tell all *sets*, or none of them; return whether they may be told."""
        undo: list[tuple[int, int]] = []
        if all(self._cut(each, undo) for each in sets):
            return True
        for group, atom in reversed(undo):
            self._move(group, atom)
        return False

    def tell_most(self, sets: Sequence[frozenset[int]]) -> tuple[frozenset[int], ...]:
        """Tell of *sets* what may be told, atom by atom all of them or nothing; return what was told of each."""
        wanted: dict[int, list[set[int]]] = {}
        for number, groups in enumerate(sets):
            for group in groups:
                wanted.setdefault(self._atoms[group], [set() for _ in sets])[number].add(group)
        told = [own for _, own in sorted(wanted.items()) if self.tell([frozenset(each) for each in own])]
        return tuple(frozenset().union(*(own[number] for own in told)) for number in range(len(sets)))

    def _cut(self, told: frozenset[int], undo: list[tuple[int, int]]) -> bool:
        inside: dict[int, list[int]] = {}
        for group in told:
            inside.setdefault(self._atoms[group], []).append(group)
        for atom, groups in inside.items():
            part = self.count(groups)
            rest = self._wholes[atom] - part
            if part < self._k or (atom != UNTOLD and 0 < rest < self._k):
                return False
            if rest or atom == UNTOLD:
                undo += [(group, atom) for group in groups]
                for group in groups:
                    self._move(group, self._next)
                self._next += 1
        return True

    def _move(self, group: int, atom: int) -> None:
        size = self._sizes[group]
        self._wholes[self._atoms[group]] -= size
        self._wholes[atom] = self._wholes.get(atom, 0) + size
        self._atoms[group] = atom
