"""How a spool lies on the disk: files of frames, each with its number, its length and two checksums. Pure.

    file   = "hubspool" ‖ version ‖ key id ‖ number of its first frame ‖ checksum of this head
    frame  = length ‖ number ‖ checksum of the body ‖ checksum of this head ‖ body

A file that was cut off anywhere gives exactly the frames before the cut; a byte that changed anywhere is noticed.
What was cut off is told from what was damaged by the checksum of the head: a kill in the middle of a write leaves an
incomplete frame at the end, or blanks after a loss of power, and never a complete frame that is wrong.
"""

import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

MAGIC = b"hubspool"
VERSION = 1
KEY_ID_BYTES = 8
_FILE = struct.Struct(f">{len(MAGIC)}sB{KEY_ID_BYTES}sQ")
_FRAME = struct.Struct(">IQI")
_CHECKSUM = struct.Struct(">I")
FILE_HEAD_BYTES = _FILE.size + _CHECKSUM.size
FRAME_HEAD_BYTES = _FRAME.size + _CHECKSUM.size


@dataclass(frozen=True, slots=True)
class FileHead:
    """What the head of a file says."""

    key_id: bytes
    first: int
    """Number of the first frame."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A complete frame."""

    number: int
    body: bytes
    end: int
    """Where in the file the next one begins."""


@dataclass(frozen=True, slots=True)
class Torn:
    """From *start* on the file holds the beginning of a write that never ended."""

    start: int


@dataclass(frozen=True, slots=True)
class Damaged:
    """From *start* on the file is not what was written."""

    start: int


def file_head(key_id: bytes, first: int) -> bytes:
    """Return the head of a file whose first frame has the number *first*."""
    return _with_checksum(_FILE.pack(MAGIC, VERSION, key_id, first))


def frames(first: int, bodies: Sequence[bytes]) -> bytes:
    """Return *bodies* as frames with the numbers from *first* on."""
    return b"".join(
        _with_checksum(_FRAME.pack(len(body), number, zlib.crc32(body))) + body
        for number, body in enumerate(bodies, first)
    )


def read_file_head(content: bytes) -> FileHead | Torn | Damaged:
    """Return what the head of the file *content* says."""
    head = content[:FILE_HEAD_BYTES]
    if len(head) < FILE_HEAD_BYTES or not any(content):
        return Torn(0)
    if not _is_right(head):
        return Damaged(0)
    magic, version, key_id, first = _FILE.unpack_from(head)
    return FileHead(key_id, first) if (magic, version) == (MAGIC, VERSION) else Damaged(0)


def read_frames(content: bytes, start: int, number: int) -> Iterator[Frame | Torn | Damaged]:
    """Yield the frames of *content* from *start* on, the first of which has *number*; what is no frame ends it."""
    view = memoryview(content)
    while start < len(content):
        head = view[start : start + FRAME_HEAD_BYTES]
        if len(head) < FRAME_HEAD_BYTES:
            yield Torn(start)
            return
        if not _is_right(head):
            yield Damaged(start) if any(view[start:]) else Torn(start)
            return
        length, found, checksum = _FRAME.unpack_from(head)
        end = start + FRAME_HEAD_BYTES + length
        if found != number:
            yield Damaged(start)
            return
        if end > len(content):
            yield Torn(start)
            return
        body = view[start + FRAME_HEAD_BYTES : end]
        if zlib.crc32(body) != checksum:
            yield Damaged(start)
            return
        yield Frame(number, bytes(body), end)
        start, number = end, number + 1


def _with_checksum(head: bytes) -> bytes:
    return head + _CHECKSUM.pack(zlib.crc32(head))


def _is_right(head: bytes | memoryview) -> bool:
    """Whether the checksum at the end of *head* is its own."""
    return bool(_CHECKSUM.pack(zlib.crc32(head[: -_CHECKSUM.size])) == head[-_CHECKSUM.size :])
