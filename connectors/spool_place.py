"""Where the spool of an agency is, and what can be seen of it without its key."""

import fcntl
from dataclasses import dataclass
from pathlib import Path

from connectors.spool_files import files_in, position_in
from connectors.spool_key import key_file_beside
from infra.home import Home


@dataclass(frozen=True, slots=True, kw_only=True)
class SpoolPlace:
    """A folder, and the file with its key."""

    folder: Path
    key_file: Path

    @classmethod
    def of(cls, agency: str, credentials: Path | None) -> "SpoolPlace":
        """Return the place of the spool of *agency*: beside the file of *credentials*, else in the local home."""
        if credentials is not None:
            folder = credentials.with_name(f"{credentials.name}.spool").absolute()
            return cls(folder=folder, key_file=key_file_beside(folder))
        home = Home.current()
        return cls(folder=home.path / "spool" / agency, key_file=home.secrets_dir / f"{agency}.spool.key")


@dataclass(frozen=True, slots=True, kw_only=True)
class SpoolState:
    """What is in a spool."""

    waiting: int
    """Events that are not sent."""
    bytes: int
    oldest_at: float | None
    """When the oldest file was last written to, in seconds since 1970."""
    in_use: bool
    """Whether a publisher has it open."""
    set_aside: tuple[str, ...]
    """Files with damaged parts that were passed over."""


def state_of(folder: Path) -> SpoolState:
    """Return what is in the spool in *folder*; nothing is changed, and no key is needed."""
    files = files_in(folder)
    sent = following = position_in(folder)
    if files:
        following = max((number for number, _ in files[-1].ends()), default=files[-1].first)
    return SpoolState(
        waiting=max(0, following - sent),
        bytes=sum(file.path.stat().st_size for file in files),
        oldest_at=files[0].path.stat().st_mtime if files else None,
        in_use=_is_locked(folder / "lock"),
        set_aside=tuple(sorted(path.name for path in folder.glob("*.damaged"))),
    )


def _is_locked(file: Path) -> bool:
    try:
        with file.open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False
