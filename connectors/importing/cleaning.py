"""Cells made comparable: blanks taken away, markers of "no value" read as none, each repair counted."""

import datetime as dt
from collections.abc import Collection, Sequence

from connectors.importing.rows import Cell, Fault

Clean = str | dt.date | tuple[str, ...] | None
"""A cell as rules see it: text, a date of XLSX, a list of JSON, or nothing."""

_BLANKS = " \t\r\n\x0b\x0c\xa0\u2007\u202f\u200b\ufeff"
_KNOWN_MAX = 20_000
_KNOWN_CHARS_MAX = 200
_UNREADABLE = "undecodable"
_ADVICE = "characters were lost when the file was saved: write the cell again"


class Cleaner:
    """Cleans the cells of rows; texts that were clean before are looked up."""

    def __init__(self, missing: Collection[str]) -> None:
        self._missing = frozenset(missing)
        self._clean: dict[Cell, Clean] = {None: None, "": None}

    def clean(self, cells: Sequence[Cell]) -> tuple[list[Clean], list[tuple[str, int]], list[tuple[Fault, int]]]:
        """Return the clean cells, and repairs and faults with the place of the cell that each is about."""
        known = self._clean
        try:
            return [known[cell] for cell in cells], [], []
        except (KeyError, TypeError):
            return self._slowly(cells)

    def _slowly(self, cells: Sequence[Cell]) -> tuple[list[Clean], list[tuple[str, int]], list[tuple[Fault, int]]]:
        cleaned: list[Clean] = []
        repairs: list[tuple[str, int]] = []
        faults: list[tuple[Fault, int]] = []
        for place, cell in enumerate(cells):
            value, rules = self._one(cell)
            repairs += [(rule, place) for rule in rules]
            if isinstance(value, str) and "\ufffd" in value:
                faults.append((Fault("", _UNREADABLE, _ADVICE), place))
            elif (
                not rules and isinstance(cell, str) and len(cell) <= _KNOWN_CHARS_MAX and len(self._clean) < _KNOWN_MAX
            ):
                self._clean[cell] = value
            cleaned.append(value)
        return cleaned, repairs, faults

    def _one(self, cell: Cell) -> tuple[Clean, list[str]]:
        if cell is None or cell == "":
            return None, []
        if isinstance(cell, list):
            return tuple(_text(each).strip(_BLANKS) for each in cell) or None, []
        if isinstance(cell, dt.date):
            return cell, []
        text = _text(cell)
        value = text.strip(_BLANKS)
        rules = [] if value == text else ["trimmed"]
        if value in self._missing:
            return None, [*rules, "missing-marker"] if value else rules
        return value or None, rules


def _text(cell: object) -> str:
    """Return a typed cell as CSV would have it."""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    return cell if isinstance(cell, str) else str(cell)
