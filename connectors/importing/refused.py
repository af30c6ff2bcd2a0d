"""The file of refused rows: the row as it was, where it stood, and what to do; for the owner alone (0600).

It can be imported with the same mapping once it is corrected: a row keeps the identity that it had in its source.
"""

import csv
import hashlib
import io
import os
import re
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from connectors.importing.headers import HUB_COLUMNS
from connectors.importing.rows import Cell, Fault, Row
from schemas.errors import MisuseError

SUFFIX, DRY_SUFFIX = ".refused.csv", ".dry-run.refused.csv"
_MARK = b"\xef\xbb\xbf"  # spreadsheet programs take a file without it for one of their own encoding


class RefusedRows:
    """Writes refused rows to *path*; the file is made with the first one."""

    def __init__(self, path: Path, columns: Sequence[str], delimiter: str, file: str) -> None:
        self.path = path
        self._own = [place for place, name in enumerate(columns) if name not in HUB_COLUMNS]
        self._origin = [columns.index(name) if name in columns else None for name in HUB_COLUMNS[:2]]
        self._header = [columns[place] for place in self._own]
        self._delimiter, self._file = delimiter, file
        self._out: io.BufferedWriter | None = None
        self.size = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._out is not None:
            self._out.close()

    def go_on(self, size: int) -> None:
        """Go on with what an interrupted import has written: its first *size* bytes."""
        if size:
            self._out = self._opened("r+b")
            self._out.truncate(size)
            self._out.seek(size)
            self.size = size

    def add(self, row: Row, faults: Sequence[Fault]) -> None:
        """Write *row* and what is wrong with it."""
        if self._out is None:
            self._out = self._opened("wb")
            self._write(_MARK + self._line([*self._header, *HUB_COLUMNS]))
        number, file = (None if place is None or not row.cells else row.cells[place] for place in self._origin)
        about = [
            str(number or row.number),
            str(file or self._file),
            "; ".join(dict.fromkeys(fault.column for fault in faults if fault.column)),
            "; ".join(dict.fromkeys(fault.rule for fault in faults)),
            "; ".join(dict.fromkeys(fault.advice for fault in faults)),
            _text(row.text),
        ]
        cells = [_text(row.cells[place]) for place in self._own] if row.cells else [""] * len(self._own)
        self._write(self._line([*cells, *about]))

    def flush(self) -> None:
        """Have the system keep what was written."""
        if self._out is not None:
            self._out.flush()
            os.fsync(self._out.fileno())

    def _opened(self, mode: str) -> io.BufferedWriter:
        try:
            flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | (os.O_TRUNC if mode == "wb" else 0)
            handle = os.open(self.path, flags, 0o600)
            os.fchmod(handle, 0o600)
            return io.BufferedWriter(io.FileIO(handle, "r+"))
        except OSError as error:
            raise MisuseError(
                f"the refused rows cannot be written beside the file ({error.strerror}): say where with `--refused`"
            ) from None

    def _line(self, cells: Sequence[str]) -> bytes:
        out = io.StringIO()
        csv.writer(out, delimiter=self._delimiter, lineterminator="\r\n").writerow(cells)
        return out.getvalue().encode("utf-8", "replace")

    def _write(self, line: bytes) -> None:
        assert self._out is not None
        self._out.write(line)
        self.size += len(line)


def set_aside(path: Path, ours: str | None) -> Path | None:
    """Move a file of refused rows away that somebody may have corrected; *ours* is its digest as it was written.

    Return its new place; None when there was none, or none that was changed.
    """
    if not path.exists():
        return None
    if ours is not None and digest_of_refused(path) == ours:
        return None
    number = 1
    while (aside := path.with_name(f"{path.name.removesuffix('.csv')}.kept-{number}.csv")).exists():
        number += 1
    path.rename(aside)
    return aside


def digest_of_refused(path: Path) -> str:
    """Return the SHA-256 of the file at *path*, "" when there is none."""
    if not path.exists():
        return ""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _text(cell: Cell) -> str:
    text = _unmarked(cell)
    is_text = isinstance(cell, (str, list))
    return f"'{text}" if is_text and FORMULA.match(text) and not _NUMBER.fullmatch(text) else text


def _unmarked(cell: Cell) -> str:
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, list):  # one cell gets one mark, whatever its entries begin with
        return ";".join(map(_unmarked, cell))  # type: ignore[arg-type]
    return "" if cell is None else str(cell)


def as_it_was(text: str) -> str:
    """Return the cell of a file of refused rows without the mark that keeps it from being a formula."""
    return text[1:] if text.startswith("'") and FORMULA.match(text) else text


FORMULA = re.compile(r"'*[=+\-@\t\r]")
"""What a spreadsheet program runs; such a cell is written behind an apostrophe, and read without it."""
_NUMBER = re.compile(r"[+-]?[0-9][0-9.,]*")
