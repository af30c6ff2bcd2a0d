"""What a file is read into: rows of cells, and what is wrong with one. No text here ever holds a value of a cell."""

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from schemas.errors import RejectedError

Cell = str | int | float | bool | dt.date | list[object] | None
"""One cell: text in CSV, typed in XLSX and JSON; None when there is none."""

COLUMNS_MAX = 2_000
"""Columns of a file; the widest one that is published has 249."""
LINE_BYTES_MAX = 4_000_000
"""Bytes of one line: a file without line ends must not fill the memory."""


class BadFileError(RejectedError):
    """A file cannot be imported as a whole; refused before its first row."""

    code = "bad-file"


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with a row: in which column, which rule, what to do. Never the value."""

    column: str
    """Name of the column as the mapping has it; empty for the whole row."""
    rule: str
    advice: str


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a file. *number* counts as a spreadsheet does: the header of a CSV file is row 1."""

    number: int
    cells: Sequence[Cell] = field(repr=False)
    fault: Fault | None = None
    """Why the row could not be read into cells."""
    text: str = field(default="", repr=False)
    """The row as it stands in the file, when it could not be read into cells."""


class Rows(Protocol):
    """A file that is open for reading, one row after the other, in bounded memory."""

    columns: tuple[str, ...]
    """Names of the columns in the order of the cells."""
    repairs: Counter[str]
    """What was repaired in the file as a whole, by rule."""
    remarks: list[str]
    """What the reader chose, such as the delimiter."""
    delimiter: str
    """Between the cells of a file of refused rows."""
    total: int
    """How far there is to go, in units of `done`; 0 when not known."""

    @property
    def done(self) -> int:
        """How far it has been read."""

    def __iter__(self) -> Iterator[Row]:
        """Yield the rows in order."""
