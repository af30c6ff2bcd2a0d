"""CSV as rows: delimiter among those that the mapping allows, every fault of a line kept to that line."""

import csv
from collections import Counter, deque
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from connectors.importing.headers import HUB_ROW, checked_header
from connectors.importing.lines import UNDECODABLE, Lines
from connectors.importing.refused import as_it_was
from connectors.importing.rows import BadFileError, Fault, Row

_BROKEN = Fault(
    "", "broken-quotes", 'close every quotation mark, write "" for one inside a cell; fix the line in the file'
)
_UNDECODABLE = Fault("", "undecodable", "the row is not text in the declared encoding: write it again as UTF-8")
_EMPTY = "the file is empty"


class CsvRows:
    """A CSV file, read row by row."""

    def __init__(
        self,
        path: Path,
        *,
        known: Collection[str],
        optional: Collection[str],
        delimiters: Sequence[str],
        encoding: str,
        header_row: int = 1,
    ) -> None:
        self._lines = Lines(path, encoding)
        self.repairs = self._lines.repairs
        self.total = self._lines.total
        self._taken: list[str] = []
        self._pushed: deque[str] = deque()
        source = iter(self._lines)
        self._source = source
        first = next(source, None)
        if first is None:
            raise BadFileError(_EMPTY)
        self._pushed.append(first)
        skipped = 0
        if header_row > 1 and not any(HUB_ROW in _cells(first, each) for each in (*delimiters, ",")):
            skipped = self._skip(header_row - 1)
        head = self._pushed[0] if self._pushed else next(source, None)
        if head is None:
            raise BadFileError(_EMPTY)
        if not self._pushed:
            self._pushed.append(head)
        self.delimiter = _delimiter(head, known, delimiters)
        self.remarks = [f"delimiter: {_NAMES.get(self.delimiter, self.delimiter)}"]
        self._reader = csv.reader(self._feed(), delimiter=self.delimiter, strict=True)
        self._number = skipped + 1
        self.columns = checked_header(self._header(), known, optional, self.repairs)
        self._is_of_refused = HUB_ROW in self.columns

    @property
    def done(self) -> int:
        """Bytes that were read."""
        return self._lines.done

    def __iter__(self) -> Iterator[Row]:
        """Yield every row but blank lines, which are counted; a row that is broken comes with its fault."""
        width = len(self.columns)
        half = Fault(
            "", "half-a-row", f"give the row as many cells as the header has ({width}); is a delimiter missing?"
        )
        while True:
            self._taken.clear()
            try:
                cells = next(self._reader)
            except StopIteration:
                return
            except csv.Error:
                yield self._broken()
                continue
            self._number += 1
            taken = self._taken
            if UNDECODABLE in taken[0] or (len(taken) > 1 and any(UNDECODABLE in line for line in taken)):
                yield Row(self._number, (), _UNDECODABLE, _text(taken))
            elif len(cells) == width:
                yield Row(self._number, [as_it_was(cell) for cell in cells] if self._is_of_refused else cells)
            elif not cells:
                self.repairs["blank-line"] += 1
            else:
                yield Row(self._number, (), half, _text(taken))

    def _broken(self) -> Row:
        """Give up the first line only, and read the others again: an open quotation mark would swallow them."""
        first, *others = self._taken
        self._pushed.extendleft(reversed(others))
        self._reader = csv.reader(self._feed(), delimiter=self.delimiter, strict=True)
        self._number += 1
        return Row(self._number, (), _UNDECODABLE if UNDECODABLE in first else _BROKEN, _text([first]))

    def _header(self) -> list[str]:
        try:
            return next(self._reader)
        except (csv.Error, StopIteration):
            raise BadFileError(
                "the header cannot be read: close its quotation marks, and end lines as Windows or Unix do"
            ) from None

    def _feed(self) -> Iterator[str]:
        """Yield lines that were given back, then those of the file, and note what was taken for one row."""
        while True:
            line = self._pushed.popleft() if self._pushed else next(self._source, None)
            if line is None:
                return
            self._taken.append(line)
            yield line

    def _skip(self, lines: int) -> int:
        self._pushed.clear()
        for _ in range(lines - 1):
            next(self._source, None)
        return lines


_NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}


def _cells(line: str, delimiter: str) -> list[str]:
    try:
        return [cell.strip() for cell in next(csv.reader([line], delimiter=delimiter))]
    except (csv.Error, StopIteration):
        return []


def _delimiter(header: str, known: Collection[str], allowed: Sequence[str]) -> str:
    """Return the delimiter that finds most of the *known* columns in the header; the first when none does."""
    fits = Counter({each: len(set(_cells(header, each)) & set(known)) for each in allowed})
    best, _ = fits.most_common(1)[0]
    return best


def _text(lines: Sequence[str]) -> str:
    return "".join(lines).replace(UNDECODABLE, "").rstrip("\r\n")
