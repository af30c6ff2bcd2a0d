"""Populations of known size as overlap tables, and one that was published."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from projections.estimates.tables import Combination, Table

UK_LISTS = ("LA", "NG", "PF", "GO", "GP", "NCA")
_UK = """
LA 54, NG 463, PF 907, GO 695, GP 316, NCA 57, LA+NG 15, LA+PF 19, LA+GO 3, NG+PF 56, NG+GO 19, NG+GP 1, NG+NCA 3,
PF+GO 69, PF+GP 10, PF+NCA 31, GO+GP 8, GO+NCA 6, GP+NCA 1, LA+NG+PF 1, LA+NG+GO 1, NG+PF+GO 4, NG+PF+NCA 3,
PF+GO+NCA 1, LA+NG+PF+GO 1
"""


def uk_2013() -> dict[Combination, int]:
    """Return potential victims of trafficking in the United Kingdom in 2013 by list, 2,744 persons.

    LA local authorities, NG non-government organisations, PF police forces, GO government organisations, GP general
    public, NCA National Crime Agency. National Crime Agency, Strategic Assessment 2013; the table is in K. Bales,
    O. Hesketh, B. Silverman, "Modern slavery in the UK: how many victims?", Significance 12(3), 2015, and is data set
    `UKdat` of the R packages modslavmse and SparseMSE, with which it was compared.
    """
    words = [each.split() for each in _UK.replace("\n", " ").split(",")]
    return {frozenset(lists.split("+")): int(persons) for lists, persons in words}


def joined(cells: dict[Combination, int], one: str, into: str) -> dict[Combination, int]:
    """Return *cells* with the list *one* made part of the list *into*."""
    found: Counter[Combination] = Counter()
    for lists, persons in cells.items():
        found[frozenset(into if name == one else name for name in lists)] += persons
    return dict(found)


def table(cells: dict[Combination, int], k: int) -> Table:
    """Return *cells* with those below *k* hidden; with *k* 1, all told.

    Estimates are tested here, not tables: hidden ones may be fewer than *k* together, and the table says that they may.
    """
    lists = tuple(sorted(frozenset().union(*cells)))
    told = {cell: persons for cell, persons in cells.items() if persons >= k}
    others = sum(cells.values()) - sum(told.values())
    return Table(2013, 1 if 0 < others < k else k, lists, told, others)


def simulated(
    seed: int, size: int, chances: Sequence[float], ties: Sequence[tuple[int, int, float]]
) -> dict[Combination, int]:
    """Return who of *size* persons came onto which lists, each with its chance.

    A tie (a, b, factor) multiplies the odds of list b by the factor for those on list a, which comes before it.
    """
    generator = np.random.default_rng(seed)
    on = np.zeros((size, len(chances)), dtype=bool)
    for at, chance in enumerate(chances):
        odds = np.full(size, chance / (1 - chance))
        for first, second, factor in ties:
            if second == at:
                odds = np.where(on[:, first], odds * factor, odds)
        on[:, at] = generator.random(size) < odds / (1 + odds)
    rows = Counter(frozenset(f"L{at}" for at in np.flatnonzero(row)) for row in on)
    return {cell: persons for cell, persons in rows.items() if cell}
