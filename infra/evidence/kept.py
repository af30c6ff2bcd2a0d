"""What an export has found of the ledger, on disk and not in memory until it is written; ciphertext."""

import os
import tempfile
from pathlib import Path
from typing import BinaryIO, Self, cast


def private(path: str, flags: int) -> int:
    """Open *path* so that its owner alone can read it."""
    return os.open(path, flags, 0o600)


class Kept:
    """What was found of the ledger, in a file that goes when the block ends."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._places: dict[bytes, tuple[int, int]] = {}

    @classmethod
    def beside(cls, output: Path) -> "Kept":
        """Return an empty one on the disk of *output*; its file has no name, so that nothing is left of it."""
        return cls(cast("BinaryIO", tempfile.TemporaryFile(dir=output.parent)))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def keep(self, digest: bytes, value: bytes) -> None:
        """Keep *value* under its hash."""
        self._places[digest] = (self._file.seek(0, os.SEEK_END), len(value))
        self._file.write(value)

    def get(self, digest: bytes | None) -> bytes | None:
        """Return what was kept under *digest*, None when nothing was."""
        place = None if digest is None else self._places.get(digest)
        if place is None:
            return None
        self._file.seek(place[0])
        return self._file.read(place[1])
