"""Cells of files for spreadsheets: a text is never a formula there, a number is written the shortest way."""

import csv
import io
import re
from collections.abc import Iterable, Sequence

Cell = str | float | int | None

_STARTS = re.compile(r"(^|[;\t\r\n])([^\S\t\r\n]*)(?=[=+\-@|%\t\r\uFF0B\uFF0D\uFF1D\uFF20])")
"""Where a spreadsheet would begin to read a formula: also behind what some take for the end of a cell."""


def safe(text: str) -> str:
    """Return *text* so that no spreadsheet takes it, or a part that it splits off, for a formula.

    An apostrophe stands before what would begin one: the advice of OWASP on CSV injection.
    """
    return _STARTS.sub(r"\1\2'", text)


def number(value: float | None) -> str:
    """Return *value* in the fewest digits that give it back, empty for none; a whole number has no point."""
    if value is None:
        return ""
    return str(int(value)) if float(value).is_integer() else repr(float(value))


def cell(value: Cell) -> str:
    """Return *value* as the text of a cell."""
    return safe(value) if isinstance(value, str) else number(value)


def csv_bytes(header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> bytes:
    """Return CSV as RFC 4180 has it: UTF-8, commas, lines ending in CR LF."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(header)
    writer.writerows([cell(each) for each in row] for row in rows)
    return text.getvalue().encode()
