"""The header of a file against the columns that a mapping knows: refused as a whole before the first row.

What the file calls a column that the mapping does not know stays unsaid: in a file without a header it is a value.
"""

import difflib
from collections import Counter
from collections.abc import Collection, Sequence

from connectors.importing.rows import COLUMNS_MAX, BadFileError

HUB_ROW, HUB_FILE, HUB_TEXT = "hub_row", "hub_file", "hub_text"
HUB_COLUMNS = (HUB_ROW, HUB_FILE, "hub_column", "hub_rule", "hub_advice", HUB_TEXT)
"""What a file of refused rows has beside the columns of its source."""
_LISTED_MAX = 12


class WrongColumnsError(BadFileError):
    """The columns of a file are not those of the mapping."""

    code = "wrong-columns"


def checked_header(
    cells: Sequence[object], known: Collection[str] | None, optional: Collection[str], repairs: Counter[str]
) -> tuple[str, ...]:
    """Return the names of the columns; raise WrongColumnsError with all that is wrong at once.

    *known* are the columns of the mapping, of which the *optional* may be missing; None takes any. Blanks around a
    name are taken away and counted.
    """
    if len(cells) > COLUMNS_MAX:
        raise WrongColumnsError(
            f"the file has more than {COLUMNS_MAX:,} columns; is the delimiter right, and is it the right file?"
        )
    raw = ["" if cell is None else str(cell) for cell in cells]
    names = tuple(name.strip() for name in raw)
    repairs["trimmed-header"] += sum(1 for name, written in zip(names, raw, strict=True) if name != written)
    if known is None:
        known = names
    is_of_refused = HUB_ROW in names
    expected = [*known, *(HUB_COLUMNS if is_of_refused else ())]
    problems = [*_unknown(names, expected), *_twice(names), *_missing(names, known, optional)]
    if problems:
        more = len(problems) - _LISTED_MAX
        listed = problems[:_LISTED_MAX] + ([f"and {more} more"] if more > 0 else [])
        nothing_fits = "" if set(names) & set(known) else "no column fits; does the file begin with its header? "
        raise WrongColumnsError(nothing_fits + "; ".join(listed))
    return names


def nearest(name: str, among: Collection[str]) -> str | None:
    """Return the name in *among* that *name* looks like, None when there is none."""
    by_folded = {other.casefold(): other for other in among}
    found = difflib.get_close_matches(name.casefold(), by_folded, n=1, cutoff=0.7)
    return by_folded[found[0]] if found else None


def _unknown(names: Sequence[str], expected: Collection[str]) -> list[str]:
    missing = [name for name in expected if name not in names]
    found = []
    for place, name in enumerate(names, 1):
        if name not in expected:
            like = nearest(name, missing) or nearest(name, expected)
            advice = f"did you mean `{like}`?" if like else "map it, or list it under `ignored`"
            found.append(f"column {place} is not in the mapping ({advice})")
    return found


def _twice(names: Sequence[str]) -> list[str]:
    places: dict[str, list[int]] = {}
    for place, name in enumerate(names, 1):
        places.setdefault(name, []).append(place)
    several = (found for found in places.values() if len(found) > 1)
    return [f"columns {', '.join(map(str, found))} have the same name" for found in several]


def _missing(names: Sequence[str], known: Collection[str], optional: Collection[str]) -> list[str]:
    return [f"`{name}` is missing" for name in known if name not in names and name not in optional]
