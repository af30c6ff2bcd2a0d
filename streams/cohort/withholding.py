"""Which sensitive cells of a class are withheld: those that would say of everybody in it the same thing.

A withheld cell is published as "not reported", so that nobody sees that it was withheld.
"""

from collections.abc import Collection

from schemas.names import AgencyId

Told = tuple[str | None, frozenset[AgencyId]]
"""The value of a row, and who supplied the row."""


def is_same_for_all(cells: Collection[Told]) -> bool:
    """Return whether all *cells* show one value, and that one was reported."""
    shown = {value for value, _ in cells}
    return len(shown) == 1 and None not in shown


def is_withheld(cells: Collection[Told], *, strict: bool) -> bool:
    """Return whether a column of a class is withheld.

    *strict*: also where it would say the same of all once one agency sets its own rows aside.
    """
    if is_same_for_all(cells):
        return True
    if not strict or len({value for value, _ in cells}) == 1:
        return False
    agencies = frozenset[AgencyId]().union(*(told_by for _, told_by in cells))
    return any(is_same_for_all([cell for cell in cells if agency not in cell[1]]) for agency in agencies)
