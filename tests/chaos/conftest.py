"""A hub of its own for tests that break it, and what each fault did to it."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from infra.home import Brokers, Home
from infra.settings import Settings
from infra.stack import supervisor
from tests.chaos.trial import Trial

THOROUGH = os.environ.get("HUB_CHAOS_THOROUGH") == "true"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the faults that take minutes to `hub chaos`."""
    left_out = [each for each in items if each.get_closest_marker("thorough") and not THOROUGH]
    items[:] = [each for each in items if each not in left_out]
    config.hook.pytest_deselected(items=left_out)


@contextmanager
def running_hub(brokers: Brokers) -> Iterator[Home]:
    """Run a stack without a worker in a home of its own while the block runs.

    HUB_CHAOS_LOGS names a folder for its logs, which outlive it.
    """
    folder = Path(tempfile.mkdtemp(prefix="hub-test-chaos-"))
    folder.chmod(0o711)
    home = Home(folder / "home")
    home.make(brokers=brokers)
    try:
        supervisor.start(home, Settings(), lambda _part, _doing: None, supervisor.make_ready)
        yield home
    finally:
        if kept := os.environ.get("HUB_CHAOS_LOGS"):
            shutil.copytree(home.logs_dir, Path(kept) / f"brokers-{brokers}", dirs_exist_ok=True)
        supervisor.remove(home, Settings(), lambda _part, _doing: None)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def broken_hub() -> Iterator[Home]:
    """Yield the home of a running stack that nobody else uses."""
    with running_hub(brokers=1) as home:
        yield home


@pytest.fixture(scope="session")
def hub_trial(broken_hub: Home) -> Trial:
    """Return what has been sent to the hub so far, and what must have come of it."""
    return Trial(broken_hub)


@pytest.fixture(autouse=True)
def trial(hub_trial: Trial, request: pytest.FixtureRequest) -> Iterator[Trial]:
    """Yield the trial, and leave the faults that the test saw in its report."""
    known = len(hub_trial.faults)
    yield hub_trial
    found = [("fault", fault.told()) for fault in hub_trial.faults[known:]]
    request.node.user_properties.extend(found)


@pytest.fixture(scope="module", autouse=True)
def _workers_end(hub_trial: Trial) -> Iterator[None]:
    yield
    hub_trial.stop_workers()
