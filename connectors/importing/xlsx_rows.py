"""XLSX as rows, one after the other: real dates stay dates, and what Excel broke is named."""

import datetime as dt
import re
import zipfile
from collections import Counter
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import IO, Protocol, cast
from xml.etree.ElementTree import ParseError

from openpyxl import load_workbook
from openpyxl.cell.cell import TYPE_ERROR
from openpyxl.utils.cell import range_boundaries
from openpyxl.workbook import Workbook
from openpyxl.worksheet._read_only import ReadOnlyWorksheet

from connectors.importing.headers import HUB_ROW, checked_header
from connectors.importing.rows import COLUMNS_MAX, BadFileError, Cell, Fault, Row

TEXTS_BYTES_MAX = 200_000_000
"""The texts of a workbook are held in memory by every reader of XLSX."""
_MERGED = re.compile(rb"<(?:\w+:)?mergeCell\s[^>]*?ref=\"([A-Z0-9:$]{2,40})\"")
_CHUNK = 1 << 20
_OVERLAP = 1 << 16
"""The longest formula that a sheet may hold fits, so that each cell is seen whole."""
ROWS_MAX = 1_048_576
_VALUELESS = re.compile(
    rb"(?:</(?:\w+:)?f>|<(?:\w+:)?f(?:\s[^>]{0,500})?/>)\s*"
    rb"(?P<empty><(?:\w+:)?v\s*/>|<(?:\w+:)?v>\s*</(?:\w+:)?v>)?\s*</(?P<prefix>\w+:)?c>"
)
_IS_TEXT = re.compile(rb"\st=[\"']str[\"']")
_NO_VALUES = (
    "the sheet has formulas without a value, whose cells would be read as empty: open the file in a spreadsheet "
    "program, save it, and import it again"
)
_SHOWN = 5
_ERROR = Fault("", "excel-error", "a cell holds an error of Excel such as a broken reference: give it a value")
_TOO_FAR = "the sheet has cells beyond its header: remove what stands right of the table"
_BROKEN = "the file is no readable XLSX workbook: open it in a spreadsheet program and save it again, or save it as CSV"


class _Cell(Protocol):
    value: object
    data_type: str


class _Sheet(Protocol):
    """What openpyxl's sheets have that are read row by row; its stubs describe the other kind."""

    title: str
    sheet_state: str
    max_row: int | None
    _worksheet_path: str

    def reset_dimensions(self) -> None:
        """Read as many rows and cells as there are."""

    def iter_rows(self) -> Iterator[tuple[_Cell, ...]]:
        """Yield the rows."""


Merged = tuple[int, int, int, int]
"""First column, first row, last column, last row; all from 1."""


class XlsxRows:
    """One sheet of a workbook, read row by row."""

    def __init__(
        self,
        path: Path,
        *,
        known: Collection[str] | None,
        optional: Collection[str],
        sheet: str | None = None,
        header_row: int = 1,
        fill_merged: bool = False,
    ) -> None:
        self.repairs: Counter[str] = Counter()
        self.delimiter = ","
        self.done = 0
        _check_size(path)
        book = _opened(path)
        self._sheet = _sheet(book, sheet)
        self._merged = _merged_cells(path, self._sheet)
        self.total = self._sheet.max_row or 0
        self.remarks = [f"sheet {book.sheetnames.index(self._sheet.title) + 1} of {len(book.sheetnames)}"]
        self._sheet.reset_dimensions()  # what a workbook says of its size is often wrong
        self._source = self._sheet.iter_rows()
        head = self._read()
        if head is not None and header_row > 1 and HUB_ROW not in head:
            for _ in range(header_row - 1):
                head = self._read()
        if head is None or not any(cell is not None for cell in head):
            raise BadFileError("the sheet is empty" if header_row == 1 else "there is no header where the mapping says")
        self._header_row = self.done
        self.columns = checked_header(_without_empty_end(head), known, optional, self.repairs)
        inside = [found for found in self._merged if found[3] >= self._header_row]
        if inside and not fill_merged:
            raise BadFileError(
                f"the table has merged cells ({_listed(inside)}): a value belongs into each row; "
                'unmerge and fill them, or let the mapping fill them (`merged_cells = "fill"`)'
            )
        self._fill = inside
        self._held: dict[Merged, Cell] = {}

    def __iter__(self) -> Iterator[Row]:
        """Yield every row but empty ones, which are counted."""
        width = len(self.columns)
        while (cells := self._read()) is not None:
            number = self.done
            if self._fill:
                cells = self._filled(number, cells)
            beyond = cells[width:]
            cells = [*cells[:width], *[None] * (width - len(cells))]
            if any(cell is not None for cell in beyond):
                yield Row(number, cells, Fault("", "half-a-row", _TOO_FAR))
            elif not any(cell is not None for cell in cells):
                self.repairs["blank-line"] += 1
            elif _EXCEL_ERROR in cells:
                yield Row(number, [None if cell == _EXCEL_ERROR else cell for cell in cells], _ERROR)
            else:
                yield Row(number, cells)

    def _read(self) -> list[Cell] | None:
        try:
            row = next(self._source, None)
        except (ParseError, zipfile.BadZipFile, KeyError, ValueError, EOFError, OSError):
            raise BadFileError(_BROKEN) from None
        if row is None:
            return None
        self.done += 1
        if self.done > ROWS_MAX:
            raise BadFileError(f"the sheet has more than {ROWS_MAX:,} rows, which no spreadsheet program writes")
        if len(row) > COLUMNS_MAX:
            raise BadFileError(f"the sheet has more than {COLUMNS_MAX:,} columns: is it the right file?")
        return [_cell(cell.value, cell.data_type) for cell in row]

    def _filled(self, number: int, cells: list[Cell]) -> list[Cell]:
        """Return *cells* with the value of each merged range in every one of its cells."""
        for found in self._fill:
            left, top, right, bottom = found
            if not top <= number <= bottom:
                continue
            if number == top:
                self._held[found] = cells[left - 1] if left <= len(cells) else None
            cells += [None] * (right - len(cells))
            for place in range(left - 1, right):
                if (number, place) != (top, left - 1) and self._held[found] is not None:
                    cells[place] = self._held[found]
                    self.repairs["merged-cell"] += 1
        return cells


_EXCEL_ERROR = "\udc01"
"""Stands for an error of Excel; no file can hold it."""


def _cell(value: object, kind: str) -> Cell:
    if kind == TYPE_ERROR:
        return _EXCEL_ERROR
    if isinstance(value, dt.datetime):
        return value.date() if value.time() == dt.time() else value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if value is None or isinstance(value, (str, int, float, bool, dt.date)):
        return value
    return str(value)


def _opened(path: Path) -> Workbook:
    try:
        return load_workbook(path, read_only=True, data_only=True, keep_links=False)
    except Exception:  # noqa: BLE001 - openpyxl raises whatever a broken part of the archive makes it raise
        raise BadFileError(_BROKEN) from None


def _check_size(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            parts = (entry for entry in archive.infolist() if not entry.filename.startswith("xl/worksheets/"))
            texts = sum(entry.file_size for entry in parts)
    except (zipfile.BadZipFile, OSError):
        raise BadFileError(_BROKEN) from None
    if texts > TEXTS_BYTES_MAX:
        raise BadFileError("the texts of the workbook do not fit into memory: save the sheet as CSV")


def _sheet(book: Workbook, name: str | None) -> _Sheet:
    sheets = [cast("_Sheet", sheet) for sheet in book.worksheets if isinstance(sheet, ReadOnlyWorksheet)]
    if name is not None:
        named = [sheet for sheet in sheets if sheet.title == name]
        if not named:
            raise BadFileError("the workbook has no sheet of this name: correct `sheet` of the mapping, or `--sheet`")
        return named[0]
    visible = [sheet for sheet in sheets if sheet.sheet_state == "visible"]
    if len(visible) != 1:
        raise BadFileError(f"the workbook has {len(visible)} visible sheets: name one with `--sheet`")
    return visible[0]


def _merged_cells(path: Path, sheet: _Sheet) -> list[Merged]:
    """Return the merged ranges, which openpyxl does not tell when it reads row by row."""
    inner = str(sheet._worksheet_path)  # noqa: SLF001 - the one place where openpyxl keeps it
    try:
        with zipfile.ZipFile(path) as archive, archive.open(inner.lstrip("/")) as file:
            found = set(_matches(file))
    except (zipfile.BadZipFile, KeyError, OSError, EOFError):
        raise BadFileError(_BROKEN) from None
    return sorted(_bounds(each) for each in found)


def _matches(file: IO[bytes]) -> Iterator[str]:
    rest = b""
    while chunk := file.read(_CHUNK):
        text = rest + chunk
        if any(_lacks_value(text, match) for match in _VALUELESS.finditer(text) if match.end() > len(rest)):
            raise BadFileError(_NO_VALUES)
        yield from (match.decode() for match in _MERGED.findall(text))
        rest = text[-_OVERLAP:]


def _lacks_value(text: bytes, formula: re.Match[bytes]) -> bool:
    """Whether *formula* was never worked out; one that gives the empty text was, and says that it gives a text."""
    if formula["empty"] is None:
        return True
    prefix = formula["prefix"] or b""
    begin = text.rfind(b"<%bc " % prefix, 0, formula.start())
    inside = text[max(begin, 0) : formula.start()]
    return begin < 0 or b"</%bc>" % prefix in inside or not _IS_TEXT.search(inside[: inside.find(b">")])


def _bounds(reference: str) -> Merged:
    left, top, right, bottom = range_boundaries(reference)
    return left or 1, top or 1, right or COLUMNS_MAX, bottom or 1


def _listed(ranges: list[Merged]) -> str:
    rows = [f"rows {top} to {bottom}" for _, top, _, bottom in ranges[:_SHOWN]]
    return ", ".join(rows) + (f" and {len(ranges) - _SHOWN} more" if len(ranges) > _SHOWN else "")


def _without_empty_end(cells: list[Cell]) -> list[Cell]:
    end = len(cells)
    while end and cells[end - 1] is None:
        end -= 1
    return cells[:end]
