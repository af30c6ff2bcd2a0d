"""Rows that say the same twice, and rows that contradict each other: found in a first pass over the file."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from connectors.importing.cleaning import Clean, Cleaner
from connectors.importing.headers import HUB_COLUMNS
from connectors.importing.rows import BadFileError, Fault, Rows
from connectors.importing.spec import Unique

KEYS_MAX = 3_000_000
"""Keys of rows are held in memory, some 200 bytes each."""
CONFLICT = Fault(
    "",
    "conflicting-rows",
    "another row gives other values for the same thing: keep the right one, and delete the other",
)
Verdict = Literal["new", "same", "conflict"]


@dataclass(slots=True)
class Repeated:
    """Which rows of a file repeat or contradict others; ask it of each row in order."""

    places: tuple[int, ...]
    others: tuple[int, ...]
    conflicts: frozenset[bytes] = frozenset()
    repeated: frozenset[bytes] = frozenset()
    same_rows: int = 0
    """Rows that are in the file already, exactly."""
    _seen: set[bytes] = field(default_factory=set)

    def verdict(self, cells: Sequence[Clean]) -> Verdict:
        """Tell whether the row is the first of its kind, repeats one, or is contradicted by another."""
        key = _hash(cells, self.places)
        if key in self.conflicts:
            return "conflict"
        if key not in self.repeated:
            return "new"
        if key in self._seen:
            return "same"
        self._seen.add(key)
        return "new"


def repeated_rows(unique: Unique, rows: Rows, missing: Iterable[str]) -> Repeated:
    """Read all *rows* once and return which of them repeat or contradict others."""
    own = [place for place, name in enumerate(rows.columns) if name not in HUB_COLUMNS]
    places = tuple(place for place in own if rows.columns[place] in unique.key)
    others = tuple(place for place in own if rows.columns[place] not in unique.key)
    cleaner = Cleaner(tuple(missing))
    values: dict[bytes, set[bytes]] = {}
    repeated: set[bytes] = set()
    same = 0
    for row in rows:
        if row.fault is not None:
            continue
        cells, _, _ = cleaner.clean(row.cells)
        key, value = _hash(cells, places), _hash(cells, others)
        found = values.get(key)
        if found is None:
            if len(values) >= KEYS_MAX:
                raise BadFileError(f"the file has more than {KEYS_MAX:,} rows to tell apart: split it")
            values[key] = {value}
        else:
            repeated.add(key)
            same += value in found
            found.add(value)
    conflicts = frozenset(key for key in repeated if len(values[key]) > 1)
    return Repeated(
        places=places, others=others, conflicts=conflicts, repeated=frozenset(repeated - conflicts), same_rows=same
    )


def _hash(cells: Sequence[Clean], places: tuple[int, ...]) -> bytes:
    text = "\x1f".join(str(cells[place]) for place in places)
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=12).digest()
