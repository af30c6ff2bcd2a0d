"""The overlap table as it is published: persons by exact combination of lists, and one number for all others."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from types import MappingProxyType
from typing import Any, Self

from schemas.errors import RejectedError

Combination = frozenset[str]
"""Names of lists."""

_LISTS_MAX = 12


class BadTableError(RejectedError):
    """What was given is no overlap table."""

    code = "bad-overlap-table"


@dataclass(frozen=True, slots=True)
class Table:
    """What is known of the overlaps of a year; raises BadTableError when it contradicts itself."""

    year: int
    k: int
    """Told cells have at least as many persons."""
    lists: tuple[str, ...]
    told: Mapping[Combination, int]
    others: int
    """Persons of all combinations that are not told; where it is 0, each of them has nobody."""

    def __post_init__(self) -> None:
        named = frozenset().union(*self.told)
        if not named <= set(self.lists) or len(set(self.lists)) < len(self.lists) or len(self.lists) > _LISTS_MAX:
            raise BadTableError("cells name lists of the table, each of which is named once")
        if frozenset() in self.told or min((*self.told.values(), self.others), default=0) < 0:
            raise BadTableError("a cell is on a list, and has no fewer persons than none")

    @property
    def detected(self) -> int:
        """Return how many persons are on a list."""
        return sum(self.told.values()) + self.others

    @property
    def combinations(self) -> tuple[Combination, ...]:
        """Return every combination of lists, told or not, in a fixed order."""
        sizes = range(1, len(self.lists) + 1)
        return tuple(frozenset(each) for size in sizes for each in combinations(self.lists, size))

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> Self:
        """Return the table that the cohort room published as *plain*; raise BadTableError when it is none."""
        try:
            told = {frozenset(cell["lists"]): int(cell["persons"]) for cell in plain["cells"]}
            lists = tuple(map(str, plain["lists"]))
            return cls(int(plain["year"]), int(plain["k"]), lists, MappingProxyType(told), int(plain["others"]))
        except (KeyError, TypeError, ValueError) as error:
            raise BadTableError("an overlap table has year, k, lists, cells and others") from error
