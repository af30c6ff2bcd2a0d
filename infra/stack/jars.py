"""The servers' program files: exactly those of `jars.lock`, from a cache that a site can seed.

Rule 1: a file is used only when its SHA-256 is the committed one, whoever put it there.
Rule 2: a file appears in the cache whole or not at all: downloads land beside it and are renamed.
"""

import fcntl
import hashlib
import shutil
import tarfile
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from infra.settings import Settings
from schemas.errors import HubError, MisuseError, UnavailableError

LOCK_FILE = Path(__file__).with_name("jars.lock")

OnFile = Callable[[str], None]
"""Called with the name of each file that has to be downloaded."""


class JarMismatchError(MisuseError):
    """A program file is not the one whose SHA-256 is committed."""

    code = "jar-mismatch"


class JarMissingError(UnavailableError):
    """A program file is not in the cache and cannot be downloaded."""

    code = "jar-missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Jar:
    """One line of the lock file."""

    server: str
    """Which server needs it: `kafka` or `registry`."""
    coordinate: str
    """`group:artifact:version`, as in Maven."""
    file: str
    sha256: str

    @classmethod
    def parse(cls, line: str) -> Self:
        """Read what `line` wrote."""
        server, coordinate, file, sha256 = line.split()
        return cls(server=server, coordinate=coordinate, file=file, sha256=sha256)

    def line(self) -> str:
        """Return the line of the lock file."""
        return f"{self.server} {self.coordinate} {self.file} {self.sha256}"

    @property
    def place(self) -> Path:
        """Path inside a repository in Maven's layout."""
        group, artifact, version = self.coordinate.split(":")
        return Path(*group.split("."), artifact, version, self.file)


def locked(server: str, lock_file: Path = LOCK_FILE) -> tuple[Jar, ...]:
    """Return the files that *server* needs."""
    lines = (line for line in lock_file.read_text().splitlines() if line and not line.startswith("#"))
    return tuple(jar for jar in map(Jar.parse, lines) if jar.server == server)


def version(server: str, artifact: str) -> str:
    """Return the locked version of *artifact*."""
    for jar in locked(server):
        _, name, number = jar.coordinate.split(":")
        if name == artifact:
            return number
    raise MisuseError(f"{artifact} is not in {LOCK_FILE.name}: run `python -m infra.stack.lock`")


def obtain(jars: tuple[Jar, ...], settings: Settings, on_download: OnFile) -> tuple[Path, ...]:
    """Return the paths of *jars*, downloading what is missing.

    Raises JarMismatchError, or JarMissingError when offline or when the repository does not answer.
    """
    with _alone(settings.jar_cache, jars[0].server):
        return tuple(_obtain(jar, settings, on_download) for jar in jars)


def obtain_unpacked(jar: Jar, settings: Settings, on_download: OnFile) -> Path:
    """Return the folder of the unpacked archive *jar*; unpacked once, it is taken as it is."""
    folder = settings.jar_cache / "unpacked" / f"{jar.file.removesuffix('.tar.gz')}-{jar.sha256[:12]}"
    with _alone(settings.jar_cache, jar.server):
        if not folder.exists():
            archive = _obtain(jar, settings, on_download)
            with _draft_folder(settings.jar_cache, jar.server) as draft:
                with tarfile.open(archive) as tar:
                    tar.extractall(draft / "whole", filter="data")
                folder.parent.mkdir(parents=True, exist_ok=True)
                (draft / "whole").rename(folder)
    return folder


def _obtain(jar: Jar, settings: Settings, on_download: OnFile) -> Path:
    path = settings.jar_cache / jar.place
    if not path.exists():
        if settings.offline:
            raise JarMissingError(
                f"{jar.coordinate} is not in the jar cache and HUB_OFFLINE is set: put {jar.file} at {path}"
            )
        on_download(jar.file)
        _download(jar, path, settings)
    if _sha256(path) != jar.sha256:
        raise JarMismatchError(
            f"{jar.coordinate}: {path} is not the file whose SHA-256 is in {LOCK_FILE.name}:"
            " delete it, and if that does not help ask who answers for your Maven repository"
        )
    return path


def _download(jar: Jar, path: Path, settings: Settings) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of platformdirs, about a folder that we do not use
        from jgo.maven import MavenContext, PythonResolver
    group, artifact, number = jar.coordinate.split(":")
    stem = f"{artifact}-{number}"
    classifier, _, packaging = jar.file.removeprefix(stem).removeprefix("-").partition(".")
    with _draft_folder(settings.jar_cache, jar.server) as draft:
        context = MavenContext(
            resolver=PythonResolver(),
            repo_cache=draft,
            timeout=60,
            remote_repos={"mirror": settings.maven_mirror} if settings.maven_mirror else None,
        )
        try:
            found = context.project(group, artifact).at_version(number).artifact(classifier, packaging).resolve()
        except HubError:
            raise
        except Exception as error:  # jgo passes on whatever its HTTP library raises
            raise JarMissingError(
                f"{jar.coordinate} could not be downloaded ({type(error).__name__}): check the network or set"
                f" HUB_MAVEN_MIRROR; without a network put {jar.file} at {path}"
            ) from error
        path.parent.mkdir(parents=True, exist_ok=True)
        found.rename(path)


@contextmanager
def _draft_folder(cache: Path, server: str) -> Iterator[Path]:
    drafts = cache / ".drafts" / server
    drafts.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=drafts) as folder:
        yield Path(folder)


@contextmanager
def _alone(cache: Path, server: str) -> Iterator[None]:
    """Hold the lock of the cache for *server*'s files; a killed process gives it up."""
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / f".{server}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        shutil.rmtree(cache / ".drafts" / server, ignore_errors=True)  # of a run that was killed
        yield


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
