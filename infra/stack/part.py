"""What every part of the stack promises, so that one supervisor starts, watches and stops them all."""

import hashlib
import shutil
import socket
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import psutil

from infra.home import LOOPBACK, Home
from infra.stack.process import Command

Say = Callable[[str], None]
"""Tells the person who waits what a part is doing."""


class Part(Protocol):
    """One server of the stack, on one home."""

    @property
    def home(self) -> Home:
        """Whose part it is."""

    @property
    def name(self) -> str:
        """Name in commands, status and logs."""

    @property
    def version(self) -> str:
        """Version of the server."""

    @property
    def port(self) -> int:
        """TCP port on loopback."""

    @property
    def folder(self) -> Path:
        """Where its data are."""

    def process(self) -> psutil.Process | None:
        """Return the running process, recognised by what it runs."""

    def prepare(self, say: Say) -> None:
        """Make all that must exist before a start; safe to repeat, also after a kill in the middle."""

    def command(self) -> Command:
        """Return how to start it; a process with other arguments has other settings and is restarted."""

    def is_ready(self) -> bool:
        """Try once, for at most about a second, whether it serves."""

    def settle(self) -> None:
        """Make what needs the running server, such as roles; safe to repeat."""


def setup_digest(*facts: object) -> str:
    """Return a short digest of the settings a part was started with; another digest means restart it."""
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:16]


def draft_folder(folder: Path) -> Path:
    """Return a new folder below *folder* for what is half made, and remove those of killed runs.

    Never the same twice: a program that a killed run started may still write into its own.
    """
    for old in folder.glob("draft-*"):
        shutil.rmtree(old, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix="draft-", dir=folder))


def port_answers(port: int, timeout_seconds: float = 0.5) -> bool:
    """Whether something listens on *port* of loopback."""
    try:
        with socket.create_connection((LOOPBACK, port), timeout=timeout_seconds):
            return True
    except OSError:
        return False
