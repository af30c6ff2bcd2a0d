"""Lines of a text file in bounded memory: bytes in, text out, and what does not decode marked and kept."""

import codecs
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from connectors.importing.rows import LINE_BYTES_MAX, BadFileError
from schemas.errors import MisuseError

UNDECODABLE = "\udc00"
"""Stands at the end of a line that is not text in the declared encoding; no file can hold it."""
_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_HEAD_BYTES = 4096


class Lines:
    """The lines of *path*, decoded one by one; a byte order mark is passed over and counted."""

    def __init__(self, path: Path, encoding: str) -> None:
        self.repairs: Counter[str] = Counter()
        self.total = path.stat().st_size
        self.done = 0
        self._file: BinaryIO = path.open("rb")
        self._encoding = _checked(encoding)
        head = self._file.read(_HEAD_BYTES)
        self._file.seek(0)
        for mark, marked in _MARKS:
            if head.startswith(mark):
                self._encoding = _of_mark(marked)
                self._file.seek(len(mark))
                self.repairs["byte-order-mark"] += 1
                break
        if b"\0" in head:
            raise BadFileError("the file is not text (it holds zero bytes): save it as CSV in UTF-8, or as XLSX")

    def __iter__(self) -> Iterator[str]:
        """Yield the lines with their ends; one that does not decode ends in `UNDECODABLE`."""
        for raw in iter(lambda: self._file.readline(LINE_BYTES_MAX + 1), b""):
            self.done += len(raw)
            if len(raw) > LINE_BYTES_MAX:
                raise BadFileError(
                    f"a line has more than {LINE_BYTES_MAX:,} bytes: is it a table with line ends, "
                    "and is every quotation mark closed?"
                )
            try:
                yield raw.decode(self._encoding)
            except UnicodeDecodeError:
                text = raw.decode(self._encoding, errors="replace").rstrip("\r\n")
                yield f"{text}{UNDECODABLE}\n"

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _checked(encoding: str) -> str:
    """Return *encoding* when lines can be found in it before they are decoded."""
    try:
        found = codecs.lookup(encoding).name
        is_ascii = '\n\r\t,;"'.encode(found) == b'\n\r\t,;"'
    except LookupError:
        raise MisuseError("no such encoding: name one such as utf-8, windows-1250 or iso-8859-2") from None
    if not is_ascii:
        raise MisuseError("only encodings that contain ASCII can be read line by line: save the file as UTF-8")
    return found


def _of_mark(marked: str) -> str:
    if marked != "utf-8":
        raise BadFileError("the file is UTF-16: save it as CSV in UTF-8, or as XLSX")
    return marked
