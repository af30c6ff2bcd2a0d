"""The files of a spool as they lie in its folder: found, written for good, looked at without a key."""

import errno
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from connectors.spool_errors import SpoolDamagedError, SpoolFullError, SpoolUnwritableError
from connectors.spool_frames import (
    FILE_HEAD_BYTES,
    Damaged,
    FileHead,
    Frame,
    Torn,
    read_file_head,
    read_frames,
)
from infra.home import write_atomically

SUFFIX = ".spool"
_DIGITS = 20


@dataclass(frozen=True, slots=True)
class SpoolFile:
    """One file of a spool."""

    path: Path
    first: int
    """Number of its first event."""

    def read(self) -> tuple[bytes, FileHead | Torn | Damaged]:
        """Return what is in it, and what its head says."""
        content = self.path.read_bytes()
        head = read_file_head(content)
        if isinstance(head, FileHead) and head.first != self.first:
            head = Damaged(0)
        return content, head

    def ends(self) -> Iterator[tuple[int, int]]:
        """Yield for each complete event of the file the number and the place after it."""
        content, head = self.read()
        if isinstance(head, FileHead):
            for found in read_frames(content, FILE_HEAD_BYTES, self.first):
                if isinstance(found, Frame):
                    yield found.number + 1, found.end


def files_in(folder: Path) -> list[SpoolFile]:
    """Return the files of the spool in *folder*, oldest first."""
    found = (SpoolFile(path, int(path.stem)) for path in folder.glob(f"*{SUFFIX}") if path.stem.isdigit())
    return sorted(found, key=lambda file: file.first)


def new_file(folder: Path, first: int) -> SpoolFile:
    """Return the file in *folder* that begins with the event *first*; it is not made yet."""
    return SpoolFile(folder / f"{first:0{_DIGITS}}{SUFFIX}", first)


def position_in(folder: Path) -> int:
    """Return the number of the oldest event in *folder* that is not sent."""
    try:
        return int((folder / "position").read_text(encoding="ascii"))
    except FileNotFoundError:
        return 0
    except ValueError:
        raise SpoolDamagedError(
            f"{folder / 'position'} is no number: write the number in the name of the oldest file into it"
        ) from None


def keep_position(folder: Path, number: int) -> None:
    """Note that everything before the event *number* is sent."""
    write_atomically(folder / "position", f"{number}\n")


def write_for_good(path: Path, start: int, content: bytes) -> None:
    """Write *content* at *start*, the end of what is valid in *path*; when this returns it survives a loss of power.

    Raises SpoolUnwritableError, or SpoolFullError when the disk is full: then nothing was added.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            os.ftruncate(descriptor, start)
            try:
                written = 0
                while written < len(content):
                    written += os.pwrite(descriptor, content[written:], start + written)
                os.fsync(descriptor)
            except OSError:
                os.ftruncate(descriptor, start)
                raise
        finally:
            os.close(descriptor)
        if start == 0:
            sync_folder(path.parent)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise SpoolFullError("the disk of the spool is full: nothing more is taken until there is room") from None
        raise SpoolUnwritableError(f"the spool cannot be written: {error.strerror}") from None


def sync_folder(folder: Path) -> None:
    """Make the names in *folder* survive a loss of power."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
