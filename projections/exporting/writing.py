"""Files appear whole or not at all: each is written beside its name and renamed when all of them are there."""

import os
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from schemas.errors import MisuseError


class UnwritableError(MisuseError):
    """The file cannot be written there."""

    code = "unwritable"


def write_whole(content: Mapping[Path, bytes]) -> None:
    """Write all files of *content*, replacing what is there; raise UnwritableError, and then none was replaced.

    They are renamed in order, so that the file others wait for comes last.
    """
    with ExitStack() as undo:
        parts = []
        for path, data in content.items():
            if path.is_dir():
                raise UnwritableError(f"{path} is a folder: name a file")
            part = path.with_name(f".{path.name}.{os.getpid()}.part")
            undo.callback(part.unlink, missing_ok=True)
            try:
                _write(part, data)
            except OSError as error:
                raise UnwritableError(f"{path} cannot be written: {error.strerror}") from error
            parts.append((part, path))
        for part, path in parts:
            try:
                part.replace(path)
            except OSError as error:
                raise UnwritableError(f"{path} cannot be replaced: {error.strerror}") from error


def beside(path: Path) -> Path:
    """Return where the metadata of the file *path* stand."""
    return path.with_name(f"{path.name}.metadata.json")


def _write(part: Path, data: bytes) -> None:
    with part.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
