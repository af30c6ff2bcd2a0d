"""The spool: events that wait on the disk of an agency, encrypted and in order, while the broker is away.

Rule 1: what `append` has returned for survives a kill and a loss of power.
Rule 2: nothing is on the disk in clear.
Rule 3: what is sent again after a crash is the same bytes, so that the hub recognises it by its event id.
Rule 4: nothing that is damaged is passed over in silence.
"""

import contextlib
import fcntl
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from connectors.spool_errors import SpoolDamagedError, SpoolFullError, SpoolInUseError, SpoolKeyError
from connectors.spool_files import (
    SpoolFile,
    files_in,
    keep_position,
    new_file,
    position_in,
    sync_folder,
    write_for_good,
)
from connectors.spool_frames import FILE_HEAD_BYTES, Damaged, FileHead, Frame, Torn, file_head, frames, read_frames
from connectors.spool_key import SpoolKey
from infra.settings import settings

FILE_BYTES = 4 * 1024 * 1024
"""At this size a new file is begun; a file goes once everything in it is sent."""
LOCK_ATTEMPTS, LOCK_PAUSE_S = 5, 0.05


class Spool:
    """The spool of the agency *owner* in *folder*; `open` takes it for this process alone."""

    def __init__(self, folder: Path, *, key_file: Path, owner: str, bytes_max: int | None = None) -> None:
        self._folder = folder
        self._key_file = key_file
        self._owner = owner
        self._bytes_max = settings().spool_bytes if bytes_max is None else bytes_max
        self._lock: int | None = None
        self._key: SpoolKey
        self._files: list[SpoolFile] = []
        self._sent = 0
        """Number of the oldest event that waits; `_place` is where it begins in the oldest file."""
        self._place = FILE_HEAD_BYTES
        self._next = 0
        """Number of the next event; `_end` is where it goes in the newest file."""
        self._end = 0
        self._bytes = 0
        self._ends: list[int] = []
        """Where the events that `oldest` has returned end."""

    @property
    def count(self) -> int:
        """How many events wait."""
        return self._next - self._sent

    def open(self, *, damaged: bool = False) -> None:
        """Take the spool; what a kill left incomplete at its end is cut off.

        Raises SpoolInUseError, SpoolKeyError, and unless it may be *damaged* SpoolDamagedError.
        """
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder.chmod(0o700)
        self._lock = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            self._take(self._lock)
            self._recover(damaged=damaged)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let go of the spool."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def append(self, values: Sequence[bytes]) -> range:
        """Add *values* and return their numbers once they are on the disk for good; raise SpoolFullError."""
        numbers = range(self._next, self._next + len(values))
        if not values:
            return numbers
        added = frames(self._next, [self._key.seal(*each) for each in zip(numbers, values, strict=True)])
        if self._bytes + len(added) > self._bytes_max:
            raise SpoolFullError(
                f"the spool is full and takes nothing more until the broker is back: {self.count} events wait; "
                "HUB_SPOOL_BYTES sets how much it may hold"
            )
        if not self._files or self._end >= FILE_BYTES:
            file, start = new_file(self._folder, self._next), 0
            added = file_head(self._key.id, self._next) + added
        else:
            file, start = self._files[-1], self._end
        write_for_good(file.path, start, added)
        if start == 0:
            self._files.append(file)
        self._end = start + len(added)
        self._bytes += len(added)
        self._next = numbers.stop
        return numbers

    def oldest(self, bytes_max: int) -> list[bytes]:
        """Return the oldest events, about *bytes_max*, one at least; raise SpoolDamagedError at a damaged one."""
        values: list[bytes] = []
        self._ends = []
        size = 0
        if self.count and (not self._files or self._files[0].first > self._sent):
            self._refuse("a file is missing")
        if self.count:
            content = self._files[0].path.read_bytes()
            for found in read_frames(content, self._place, self._sent):
                value = self._key.open(found.number, found.body) if isinstance(found, Frame) else None
                if value is None or not isinstance(found, Frame) or size >= bytes_max:
                    break
                values.append(value)
                self._ends.append(found.end)
                size += len(value)
            if not values:
                self._refuse(f"{self._files[0].path.name} is damaged")
        return values

    def forget(self, count: int) -> None:
        """Let go of the first *count* of what `oldest` has returned: they are where they belong."""
        if count:
            self._sent += count
            self._place = self._ends[count - 1]
            self._let_go()

    def pass_over_damage(self) -> str:
        """Set the oldest file aside, with what is damaged in it, and return its name.

        Called when `oldest` has found nothing but damage at the front.
        """
        following = self._files[1].first if len(self._files) > 1 else None
        if self._files and self._files[0].first <= self._sent:
            name = f"{self._files[0].path.name}.damaged"
            self._files[0].path.rename(self._folder / name)
            del self._files[0]
        else:
            name, following = "(missing)", self._files[0].first if self._files else None
        self._sent = self._next if following is None else following
        self._place = FILE_HEAD_BYTES
        self._let_go()
        return name

    def _take(self, lock: int) -> None:
        """Take the lock for this process alone; who only looks at the spool holds it for a moment."""
        for _ in range(LOCK_ATTEMPTS):
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            time.sleep(LOCK_PAUSE_S)
        raise SpoolInUseError(f"another publisher has the spool {self._folder}: stop it, or use another spool")

    def _recover(self, *, damaged: bool) -> None:
        """Find out what waits."""
        self._files = files_in(self._folder)
        self._sent = self._next = position_in(self._folder)
        self._key = SpoolKey.load(self._key_file, self._owner, may_be_made=not self._files)
        if self._files:
            self._read_newest(damaged=damaged)
            if self._sent > self._next and not damaged:  # an old backup? What waits would be taken for sent
                self._refuse("its position is beyond what it holds")
        self._next = max(self._next, self._sent)
        if self.count and (not self._files or self._files[0].first > self._sent) and not damaged:
            self._refuse("a file is missing")
        self._let_go()
        if self._files and self._files[0].first < self._sent:
            ends = dict(self._files[0].ends())
            self._place = ends.get(self._sent, FILE_HEAD_BYTES)  # else damaged before there: `oldest` says so

    def _read_newest(self, *, damaged: bool) -> None:
        """Learn from the newest file where it ends; cut off what was never acknowledged."""
        file = self._files[-1]
        content, head = file.read()
        if isinstance(head, Torn):  # killed while it was made: nothing in it was acknowledged
            file.path.unlink()
            del self._files[-1]
            self._next = file.first
            self._end = FILE_BYTES  # the one before is complete: go on with a new one
            return
        if isinstance(head, FileHead) and head.key_id != self._key.id:
            raise SpoolKeyError(
                f"the spool {self._folder} was written with another key, or by another agency: "
                f"{self._key_file} does not open it"
            )
        if isinstance(head, Damaged) and not damaged:
            self._refuse(f"the head of {file.path.name} is damaged")
        self._next, self._end = file.first, FILE_HEAD_BYTES
        for found in read_frames(content, FILE_HEAD_BYTES, file.first):
            if isinstance(found, Frame):
                self._next, self._end = found.number + 1, found.end
            elif isinstance(found, Torn):
                os.truncate(file.path, found.start)
            elif damaged:
                self._next += 1  # one at least
            else:
                self._refuse(f"{file.path.name} is damaged")

    def _let_go(self) -> None:
        """Note what is sent, and delete the files that hold nothing else."""
        keep_position(self._folder, self._sent)
        while self._files and (self._files[1].first if len(self._files) > 1 else self._next) <= self._sent:
            self._files[0].path.unlink()
            del self._files[0]
            self._place = FILE_HEAD_BYTES
        sync_folder(self._folder)
        self._bytes = 0
        for file in self._files:
            with contextlib.suppress(FileNotFoundError):
                self._bytes += file.path.stat().st_size

    def _refuse(self, what: str) -> NoReturn:
        raise SpoolDamagedError(
            f"the spool {self._folder} is not as it was written: {what}. "
            "`hub spool drain --past-damage` sends what is whole, and keeps the rest beside it"
        )
