"""A file of events, or standard input: whatever its form, and how far it is read."""

import io
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Self, cast

from connectors.avro_file import MAGIC, read_avro
from connectors.events_file import Line, read_events


@dataclass(frozen=True, slots=True)
class Source:
    """Events in *stream*; the form is known from its first bytes."""

    stream: io.BufferedReader
    bytes_total: int | None
    """Size of a file, None for a pipe."""

    @classmethod
    def of(cls, stream: BinaryIO) -> Self:
        """Return *stream* as a source."""
        buffered = stream if isinstance(stream, io.BufferedReader) else io.BufferedReader(cast("io.RawIOBase", stream))
        try:
            size = os.fstat(buffered.fileno()).st_size if buffered.seekable() else None
        except OSError:
            size = None
        return cls(buffered, size)

    @property
    def bytes_read(self) -> int:
        """How far the file is read, 0 for a pipe."""
        if self.bytes_total is None:
            return 0
        return self.bytes_total if self.stream.closed else self.stream.tell()

    def lines(self) -> Iterator[Line]:
        """Yield what is in it, event by event."""
        if self.stream.peek(len(MAGIC)).startswith(MAGIC):
            return read_avro(self.stream)
        # Bytes that are not UTF-8 are the fault of their line, whatever the locale says.
        return read_events(io.TextIOWrapper(self.stream, encoding="utf-8", errors="surrogateescape"))
