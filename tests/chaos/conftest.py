"""A hub of its own for tests that break it, and the table of how long it took to go on."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.home import Home
from infra.settings import Settings
from infra.stack import supervisor
from tests.chaos.trial import Trial


@pytest.fixture(scope="session")
def broken_hub() -> Iterator[Home]:
    """Yield the home of a running stack without a worker that nobody else uses."""
    folder = Path(tempfile.mkdtemp(prefix="hub-test-chaos-"))
    folder.chmod(0o711)
    home = Home(folder / "home")
    home.make()
    try:
        supervisor.start(home, Settings(), lambda _part, _doing: None, supervisor.make_ready)
        yield home
    finally:
        supervisor.remove(home, Settings(), lambda _part, _doing: None)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def trial(broken_hub: Home) -> Iterator[Trial]:
    """Yield what has been sent to the hub so far, and what must have come of it."""
    yet = Trial(broken_hub)
    yield yet
    print(f"\nfault                                                seconds until it went on\n{yet.table()}")  # noqa: T201
