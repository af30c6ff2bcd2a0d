"""Daemons of the stack: started in their own session, and recognised by what they run.

No process id is remembered, so none can go stale: a part is the process whose arguments carry its tag, which
holds the home's path. A killed `hub` leaves nothing to clean up, and a stranger can never be taken for ours.
"""

import contextlib
import os
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from infra.home import Home
from schemas.errors import UnavailableError

POLL_S = 0.05


class PartFailedError(UnavailableError):
    """A server ended while it started, or did not answer in time."""

    code = "part-failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """How to start a daemon. Arguments hold no secret, since every user of the machine can read them."""

    arguments: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    folder: Path
    user: int | None = None
    group: int | None = None


def tag(home: Home, part: str) -> str:
    """Return the text that marks *part* of *home* in the arguments of its process."""
    return f"hub.part={part}@{home.path.resolve()}"


def find(program: str, argument: str) -> psutil.Process | None:
    """Return the running process of *program* with exactly *argument* among its arguments, or None.

    The oldest of several: a server's child shows its parent's arguments until it has named itself.
    """
    found = []
    for process in psutil.process_iter():
        try:
            if process.name().startswith(program) and argument in process.cmdline() and _is_alive(process):
                found.append(process)
        except psutil.Error:
            continue  # ended meanwhile, or another user's and closed to us
    return min(found, key=psutil.Process.create_time, default=None)


def start(command: Command, log: Path) -> psutil.Process:
    """Start a daemon in a session of its own, its output appended to *log*."""
    log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with os.fdopen(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab") as output:
        child = subprocess.Popen(
            command.arguments,
            cwd=command.folder,
            env=_environment() | dict(command.environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            user=command.user,
            group=command.group,
            extra_groups=None if command.user is None else [],
        )
    return psutil.Process(child.pid)


def stop(process: psutil.Process, grace_seconds: float = 30) -> None:
    """End *process*: asked first, killed when it does not end in time. psutil guards against a reused id.

    Raises psutil.TimeoutExpired when the system does not even kill it.
    """
    try:
        process.terminate()
        if not _ends_within(process, grace_seconds):
            process.kill()
            if not _ends_within(process, grace_seconds):
                raise psutil.TimeoutExpired(grace_seconds, pid=process.pid)
    except psutil.NoSuchProcess:
        return


def _ends_within(process: psutil.Process, seconds: float) -> bool:
    """Whether *process* ends so soon. A zombie has: its parent, who need not be us, has yet to take note of it."""
    deadline = time.monotonic() + seconds
    while _is_alive(process):
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_S)
    with contextlib.suppress(psutil.TimeoutExpired, psutil.NoSuchProcess):
        process.wait(0)  # takes note of it where we are the parent
    return True


def ended(process: psutil.Process) -> bool:
    """Whether *process* has ended."""
    return not _is_alive(process)


def tail(log: Path, lines: int = 5) -> str:
    """Return the last lines of *log*, for the text of an error."""
    try:
        return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
    except OSError:
        return ""


def _is_alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _environment() -> dict[str, str]:
    """Return what a server needs of our environment; the caller's settings for servers would change ours."""
    kept = ("PATH", "LANG", "TZ", "TMPDIR", "HOME")
    return {name: os.environ[name] for name in kept if name in os.environ}
