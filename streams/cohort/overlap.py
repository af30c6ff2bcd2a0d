"""The yearly table of how agencies' lists overlap: persons by exact combination of lists, 0 or at least k in each cell.

It is no fold of what cohorts release (design §12.7), but counts the same persons: give it those whose row left with a
cohort in the year, so that its total is what cohorts told. It is made once; later corrections do not change it.

The rule, in the order in which it is applied:

1. Cells of at least k persons are told one by one. All other combinations, those with nobody included, are told as one
   number, `others`: nobody sees which of them have persons.
2. If that could be taken apart (`overlap_attack.is_safe`), some of the cells join the others: those with the fewest
   persons together with which it cannot.
3. Where none of the first thousand choices will do, the two smallest lists become one, and it begins anew; where that
   does not help either there is no table, not even its total.

What it withstands: subtraction from the total; the sizes of all lists being known; each agency setting aside its own
persons and knowing who else has them; lower and upper bounds from all of these together. What it does not: an agency
that knows of persons of others beyond that, and several that put their lists together.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import islice
from types import MappingProxyType
from typing import Any

from schemas.errors import MisuseError
from schemas.names import AgencyId, SubjectId
from streams.cohort.overlap_attack import Cells, Combination, is_safe

LISTS_MAX = 8
"""Of more lists the smallest become one: nearly all of their combinations would have nobody."""

CHOICES_MAX = 1000
"""Choices of cells to hide that are tried."""

_LISTS_MIN = 2


@dataclass(frozen=True, slots=True)
class OverlapTable:
    """What everybody may read of the overlaps of a year."""

    year: int
    k: int
    lists: tuple[str, ...]
    """Sorted; one that two became has both names, joined by a plus."""
    told: Mapping[Combination, int]
    """Persons on exactly these lists, k at least."""
    others: int
    """Persons of all combinations that are not told: 0, which says that each of them has nobody, or at least k."""

    def to_plain(self) -> dict[str, Any]:
        """Return it as what JSON can hold, in one order."""
        cells = sorted((sorted(lists), persons) for lists, persons in self.told.items())
        return {
            "year": self.year,
            "k": self.k,
            "lists": list(self.lists),
            "cells": [{"lists": lists, "persons": persons} for lists, persons in cells],
            "others": self.others,
        }


@dataclass(frozen=True, slots=True)
class NoTable:
    """Nothing of the overlaps of a year may be told."""

    year: int
    k: int
    reason: str = "overlaps-too-small"


def overlap_table(
    year: int,
    persons: Iterable[tuple[SubjectId, frozenset[AgencyId]]],
    lists: Mapping[AgencyId, str],
    k: int,
) -> OverlapTable | NoTable:
    """Return the table of *persons*, each counted once with all agencies that are named beside it.

    *lists* says which list each agency belongs to. Raises MisuseError for an agency without a list, and for k below 2.
    """
    if k < 2:  # noqa: PLR2004 - a cell of one is no cell
        raise MisuseError("k of an overlap table is at least 2")
    people = _people(persons, lists)
    joined: dict[str, tuple[str, ...]] = {name: (name,) for name in sorted(set(lists.values()))}
    while len(joined) >= _LISTS_MIN:
        of_agency = {agency: _list_of(name, joined) for agency, name in lists.items()}
        cells = Cells.of(people, of_agency, k)
        if len(joined) <= LISTS_MAX and (told := _told(cells)) is not None:
            others = cells.persons - sum(cells.counts[each] for each in told)
            shown = MappingProxyType({each: cells.counts[each] for each in told})
            return OverlapTable(year, k, tuple(sorted(joined)), shown, others)
        joined = _with_smallest_joined(joined, cells)
    return NoTable(year, k)


def _people(
    persons: Iterable[tuple[SubjectId, frozenset[AgencyId]]], lists: Mapping[AgencyId, str]
) -> Counter[frozenset[AgencyId]]:
    agencies: defaultdict[SubjectId, frozenset[AgencyId]] = defaultdict(frozenset)
    for subject, known_to in persons:
        agencies[subject] |= known_to
    if not frozenset().union(*agencies.values()) <= lists.keys():
        raise MisuseError("an agency belongs to no list: declare one for it")
    return Counter(known_to for known_to in agencies.values() if known_to)


def _list_of(name: str, joined: Mapping[str, tuple[str, ...]]) -> str:
    return next(whole for whole, parts in joined.items() if name in parts)


def _told(cells: Cells) -> frozenset[Combination] | None:
    """Return the combinations to tell; None when nothing can be told."""
    large = [each for each, persons in cells.counts.items() if persons >= cells.k]
    large.sort(key=lambda each: (cells.counts[each], sorted(each)))
    for hidden in islice(_subsets([cells.counts[each] for each in large]), CHOICES_MAX):
        told = frozenset(each for at, each in enumerate(large) if at not in hidden)
        if told and is_safe(cells, told):
            return told
    return None


def _subsets(weights: Sequence[int]) -> Iterator[frozenset[int]]:
    """Yield every set of positions of the ascending *weights*, the lightest first."""
    yield frozenset()
    waiting: list[tuple[int, tuple[int, ...]]] = [(weights[0], (0,))] if weights else []
    while waiting:
        weight, chosen = heappop(waiting)
        yield frozenset(chosen)
        last = chosen[-1]
        if last + 1 < len(weights):
            heappush(waiting, (weight + weights[last + 1], (*chosen, last + 1)))
            heappush(waiting, (weight - weights[last] + weights[last + 1], (*chosen[:-1], last + 1)))


def _with_smallest_joined(joined: Mapping[str, tuple[str, ...]], cells: Cells) -> dict[str, tuple[str, ...]]:
    smallest = sorted(joined, key=lambda name: (cells.on_list(name), name))[:_LISTS_MIN]
    parts = tuple(sorted(part for name in smallest for part in joined[name]))
    kept = {name: own for name, own in joined.items() if name not in smallest}
    return {**kept, "+".join(parts): parts}
