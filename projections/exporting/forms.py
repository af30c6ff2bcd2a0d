"""The same table as CSV, JSON, Parquet and XLSX; the same content gives the same bytes."""

import datetime as dt
import io
import json
from collections.abc import Callable, Mapping
from pathlib import Path

from projections.exporting.cells import Cell, csv_bytes
from projections.exporting.columns import Table
from projections.exporting.metadata import as_json
from projections.exporting.writing import beside
from schemas.errors import MisuseError

Metadata = Mapping[str, object]
Form = Callable[[Table, Metadata, Path], Mapping[Path, bytes]]
"""What is written: the metadata first where they have a file of their own, the data last."""

MADE = dt.datetime(2005, 1, 1, tzinfo=dt.UTC)
"""Every XLSX says that it was made then: a file of today and one of tomorrow are the same."""
SHEET_ROWS_MAX = 1_048_576
CELL_CHARACTERS_MAX = 32_767
_WIDTH_MAX = 48


class TooLargeError(MisuseError):
    """The format cannot hold so many rows or such a long text."""

    code = "too-large"


def as_csv(table: Table, metadata: Metadata, out: Path) -> Mapping[Path, bytes]:
    """Return CSV, and the metadata in a file beside it."""
    return {beside(out): as_json(metadata), out: csv_bytes(table.header, table.rows)}


def as_json_file(table: Table, metadata: Metadata, out: Path) -> Mapping[Path, bytes]:
    """Return one JSON object: `metadata`, and `rows` as objects, a line each; null is a value that there is not."""
    write = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode
    rows = ",\n".join(write(dict(zip(table.header, row, strict=True))) for row in table.rows)
    return {out: f'{{"metadata": {write(metadata)},\n"rows": [\n{rows}\n]}}\n'.encode()}


def as_parquet(table: Table, metadata: Metadata, out: Path) -> Mapping[Path, bytes]:
    """Return Parquet with typed columns; the metadata are in its schema, under `hub`."""
    import pyarrow as pa
    from pyarrow import parquet

    types = {"text": pa.string(), "number": pa.float64(), "count": pa.int64()}
    fields = [
        pa.field(column.name, types[column.kind], metadata={"meaning": column.meaning}) for column in table.columns
    ]
    schema = pa.schema(fields, metadata={"hub": as_json(metadata)})
    content = [[row[number] for row in table.rows] for number in range(len(fields))]
    arrays = [pa.array(values, field.type) for values, field in zip(content, fields, strict=True)]
    file = io.BytesIO()
    parquet.write_table(pa.Table.from_arrays(arrays, schema=schema), file, compression="zstd")
    return {out: file.getvalue()}


def as_xlsx(table: Table, metadata: Metadata, out: Path) -> Mapping[Path, bytes]:
    """Return XLSX with the sheets `data` and `metadata`; texts stay texts. Raises TooLargeError."""
    import xlsxwriter

    if len(table.rows) >= SHEET_ROWS_MAX:
        raise TooLargeError("a sheet has a million rows at most: choose fewer indicators or another format")
    file = io.BytesIO()
    book = xlsxwriter.Workbook(
        file,
        {
            "in_memory": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
        },
    )
    book.set_properties({"title": str(metadata["title"]), "created": MADE.replace(tzinfo=None)})
    bold, wrapped = book.add_format({"bold": True}), book.add_format({"text_wrap": True, "valign": "top"})
    sheets = (
        ("data", table.header, table.rows, None),
        ("metadata", ("name", "value"), tuple(_flat(metadata)), wrapped),
    )
    for name, header, rows, form in sheets:
        sheet = book.add_worksheet(name)
        sheet.freeze_panes(1, 0)
        for number, title in enumerate(header):
            sheet.write_string(0, number, title, bold)
            sheet.set_column(number, number, _width(title, [row[number] for row in rows]))
        for line, row in enumerate(rows, 1):
            for number, value in enumerate(row):
                if isinstance(value, str):
                    sheet.write_string(line, number, _fitting(value), form)
                elif value is not None:
                    sheet.write_number(line, number, value, form)
        sheet.autofilter(0, 0, max(len(rows), 1), len(header) - 1)
    book.close()
    return {out: file.getvalue()}


def _flat(metadata: Metadata, path: str = "") -> list[tuple[str, Cell]]:
    """Return *metadata* as names and values; the parts of a name are separated by slashes."""
    found: list[tuple[str, Cell]] = []
    for name, value in metadata.items():
        if isinstance(value, Mapping):
            found += _flat(value, f"{path}{name}/")
        elif isinstance(value, list | tuple):
            found.append((f"{path}{name}", ", ".join(map(str, value))))
        elif isinstance(value, bool):
            found.append((f"{path}{name}", "yes" if value else "no"))
        else:
            found.append((f"{path}{name}", value if isinstance(value, str | int | float) else ""))
    return found


def _width(title: str, values: list[Cell]) -> int:
    longest = max((len(str(value)) for value in values if value is not None), default=0)
    return min(max(len(title), longest) + 2, _WIDTH_MAX)


def _fitting(text: str) -> str:
    if len(text) > CELL_CHARACTERS_MAX:
        raise TooLargeError("a cell holds 32,767 characters at most: choose another format")
    return text
