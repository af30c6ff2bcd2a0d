"""Where a reader of a feed is, kept in a file that is replaced as a whole: exactly once for a file of events."""

import json
import os
from dataclasses import dataclass
from pathlib import Path

from infra.home import write_atomically
from schemas.errors import MisuseError


class PositionError(MisuseError):
    """The stored position does not fit what is there."""

    code = "position"


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """The next offset to read, and how long the output file was when everything before it was in it."""

    next_offset: int
    output_bytes: int = 0


class PositionFile:
    """A position at *path*; raises PositionError when the file is not one."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self) -> Position | None:
        """Return the stored position, None when there is none."""
        try:
            content = json.loads(self._path.read_text(encoding="utf-8"))
            return Position(next_offset=int(content["next_offset"]), output_bytes=int(content.get("output_bytes", 0)))
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError, AttributeError):
            raise PositionError(
                f"{self._path} is not a position; delete it to read the feed from its beginning"
            ) from None

    def save(self, position: Position) -> None:
        """Store *position* so that a crash leaves the old or the new one."""
        text = json.dumps({"next_offset": position.next_offset, "output_bytes": position.output_bytes})
        write_atomically(self._path, text + "\n")


def inside(position: int, first: int, end: int) -> int:
    """Return *position*; raise PositionError where going on would leave events out or give them again."""
    if position < first:
        raise PositionError(
            f"events {position} to {first - 1} of the feed were deleted by its retention before they were read; "
            "report the gap, then read on with `--from beginning`"
        )
    if position > end:
        raise PositionError(
            f"the feed ends at {end}, before the stored position {position}: was it made anew? "
            "Report it, then read it with `--from beginning`"
        )
    return position


class EventFile:
    """Appends lines to *path* and its position beside it, so that each event is in the file exactly once."""

    def __init__(self, path: Path) -> None:
        self._positions = PositionFile(path.with_name(f"{path.name}.position"))
        stored = self._positions.load()
        self.next_offset = None if stored is None else stored.next_offset
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise PositionError(f"cannot write {path}: {error.strerror}") from None
        self._file = os.fdopen(descriptor, "r+b")
        size = self._file.seek(0, os.SEEK_END)
        expected = 0 if stored is None else stored.output_bytes
        if size < expected or (stored is None and size > 0):
            raise PositionError(f"{path} and its position do not belong together; move the file away, or delete both")
        self._file.truncate(expected)  # what a crash wrote beyond the position is read again
        self._file.seek(expected)

    def append(self, line: bytes) -> None:
        """Write *line*; it counts from the next `commit` on."""
        self._file.write(line)

    def commit(self, next_offset: int) -> None:
        """Make everything written so far, and the position after it, permanent."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._positions.save(Position(next_offset=next_offset, output_bytes=self._file.tell()))
        self.next_offset = next_offset

    def close(self) -> None:
        """Close the file."""
        self._file.close()
