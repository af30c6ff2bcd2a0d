"""A file of rows, opened by what it is: XLSX, JSON, or CSV."""

import codecs
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Literal

from connectors.importing.csv_rows import CsvRows
from connectors.importing.json_rows import JsonRows
from connectors.importing.mappings import LoadedMapping
from connectors.importing.rows import BadFileError, Rows
from connectors.importing.xlsx_rows import XlsxRows
from schemas.errors import MisuseError

_CHUNK = 1 << 20
_ZIP, _OLD_EXCEL = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
_HEAD = 512


def open_rows(path: Path, mapping: LoadedMapping, *, encoding: str | None = None, sheet: str | None = None) -> Rows:
    """Return the rows of *path*; raise BadFileError when its columns are not those of *mapping*."""
    form = mapping.spec.file
    known, optional = mapping.columns, form.optional
    kind = kind_of(path)
    if kind == "xlsx":
        return XlsxRows(
            path,
            known=known,
            optional=optional,
            sheet=sheet or form.sheet,
            header_row=form.header_row,
            fill_merged=form.merged_cells == "fill",
        )
    if kind == "json":
        return JsonRows(path, known=known, optional=optional, encoding=encoding or form.encoding)
    return CsvRows(
        path,
        known=known,
        optional=optional,
        delimiters=form.delimiters,
        encoding=encoding or form.encoding,
        header_row=form.header_row,
    )


def kind_of(path: Path) -> Literal["xlsx", "json", "csv"]:
    """Return what the file at *path* is, by how it begins; raise BadFileError for what cannot be read."""
    with _opened(path) as file:
        head = file.read(_HEAD)
    if not head.strip():
        raise BadFileError("the file is empty")
    if head.startswith(_OLD_EXCEL):
        raise BadFileError("the file is an old or encrypted workbook: save it as XLSX without a password, or as CSV")
    if head.startswith(_ZIP):
        return "xlsx"
    return "json" if head.removeprefix(codecs.BOM_UTF8).lstrip()[:1] in (b"{", b"[") else "csv"


def digest_of(path: Path, advance: Callable[[int], None] = lambda _bytes: None) -> str:
    """Return the SHA-256 of *path*, hexadecimal; *advance* is told how many bytes were read."""
    digest = hashlib.sha256()
    with _opened(path) as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
            advance(len(chunk))
    return digest.hexdigest()


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise MisuseError(f"cannot read the file: {error.strerror}") from None
