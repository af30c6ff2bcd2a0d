"""A look at a file that no mapping knows yet: its columns, and which texts they hold how often."""

import csv
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

from connectors.events_file import read_events
from connectors.importing.cleaning import Cleaner
from connectors.importing.json_rows import flat
from connectors.importing.lines import UNDECODABLE, Lines
from connectors.importing.opening import kind_of
from connectors.importing.rows import COLUMNS_MAX, BadFileError, Cell
from connectors.importing.xlsx_rows import XlsxRows

ROWS_MAX = 100_000
TEXTS_MAX = 1_000
"""Different texts of a column that are looked at; who has more is no list of codes."""
DELIMITERS = (",", ";", "\t", "|")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """The first rows of a file."""

    texts: dict[str, Counter[str]]
    """Column -> how often it holds which text, empty cells left out."""
    rows: int
    delimiter: str | None


def sample_of(path: Path, encoding: str = "utf-8", sheet: str | None = None) -> Sample:
    """Return the first rows of *path*; raise BadFileError when they cannot be read."""
    kind = kind_of(path)
    if kind == "xlsx":
        rows = XlsxRows(path, known=None, optional=(), sheet=sheet, fill_merged=True)
        return _sample(rows.columns, (row.cells for row in rows if row.fault is None), None)
    lines = Lines(path, encoding)
    try:
        if kind == "json":
            return _of_objects(iter(lines))
        return _of_csv(iter(lines))
    finally:
        lines.close()


def _of_csv(lines: Iterator[str]) -> Sample:
    first = next(lines, "")
    delimiter = max(DELIMITERS, key=lambda each: len(next(csv.reader([first], delimiter=each), [])))
    reader = csv.reader(chain([first], (line for line in lines if UNDECODABLE not in line)), delimiter=delimiter)
    try:
        columns = [name.strip() for name in next(reader)]
        if len(columns) > COLUMNS_MAX or len(set(columns)) < len(columns):
            raise BadFileError(f"the header has more than {COLUMNS_MAX:,} columns, or the same name twice")
        return _sample(columns, (row for row in reader if len(row) == len(columns)), delimiter)
    except (csv.Error, StopIteration):
        raise BadFileError("the file cannot be read as CSV: close its quotation marks") from None


def _of_objects(lines: Iterator[str]) -> Sample:
    found = [dict(flat(line.event)) for line in islice(read_events(lines), ROWS_MAX) if line.event is not None]
    columns = [*dict.fromkeys(name for row in found for name in row)]
    if not columns or len(columns) > COLUMNS_MAX:
        raise BadFileError("the file holds no JSON objects, or objects with too many keys")
    return _sample(columns, ([row.get(name) for name in columns] for row in found), None)


def _sample(columns: Iterable[str], rows: Iterable[Iterable[Cell]], delimiter: str | None) -> Sample:
    texts: dict[str, Counter[str]] = {name: Counter() for name in columns}
    cleaner = Cleaner(())
    read = 0
    for row in islice(rows, ROWS_MAX):
        read += 1
        cells, _, _ = cleaner.clean([*row])
        for counts, cell in zip(texts.values(), cells, strict=False):
            for text in cell if isinstance(cell, tuple) else () if cell is None else (str(cell),):
                if text in counts or len(counts) < TEXTS_MAX:
                    counts[text] += 1
    return Sample(texts=texts, rows=read, delimiter=delimiter)
