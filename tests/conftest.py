"""Fixtures of every room: the running stack that tests share, the real data, and the rule about skipped tests."""

import fcntl
import fnmatch
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import hypothesis  # noqa: F401 - its plugin would import it at the very end, where Python 3.11 can fail (cpython 106905)
import pytest

from infra.home import Home
from tests.attacks.score_table import ScoreTable
from tests.fault_table import FaultTable

TESTS = Path(__file__).parent
SKIPS_ALLOWED = TESTS / "skips_allowed.txt"
SHARED = TESTS.parents[1] / "shared"
IN_CI = os.environ.get("CI") == "true"
UNLISTED_SKIPS = pytest.StashKey[list[str]]()


def pytest_configure(config: pytest.Config) -> None:
    """Begin the list of skips that nobody has allowed, and the tables of faults and attacks."""
    config.stash[UNLISTED_SKIPS] = []
    config.pluginmanager.register(_SkipRule(config), "skip-rule")
    config.pluginmanager.register(FaultTable(), "fault-table")
    config.pluginmanager.register(ScoreTable(), "score-table")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Stop when pytest-xdist passes over groups: tests that break a hub would run side by side."""
    if getattr(config.option, "loadgroup", False) and any(map(_lost_its_group, items)):
        raise pytest.UsageError("pytest-xdist does not fit this version of pytest: it passes over xdist_group")


def _lost_its_group(item: pytest.Item) -> bool:
    """Whether *item* is to run beside others of its group, and pytest-xdist has not noted so in its id."""
    return item.get_closest_marker("xdist_group") is not None and "@" not in item.nodeid


class _SkipRule:
    """In CI a skipped test fails the run unless `skips_allowed.txt` has it, with a reason."""

    def __init__(self, config: pytest.Config) -> None:
        self._found = config.stash[UNLISTED_SKIPS]
        lines = SKIPS_ALLOWED.read_text(encoding="utf-8").splitlines()
        self._allowed = [line.split("  ", 1)[0] for line in lines if line and not line.startswith("#")]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note a skip; an expected failure is none."""
        if report.skipped and not hasattr(report, "wasxfail"):
            self._note(report.nodeid)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Note a whole file that was skipped."""
        if report.skipped:
            self._note(report.nodeid)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Fail the run; with several workers the decision is the one's that collects their reports."""
        if IN_CI and self._found and not hasattr(session.config, "workerinput"):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say which skips are not allowed."""
        if IN_CI and self._found:
            terminalreporter.section(f"skips that {SKIPS_ALLOWED.name} does not allow", red=True)
            for name in self._found:
                terminalreporter.line(name)

    def _note(self, node_id: str) -> None:
        name = re.sub(r"@[\w-]+$", "", node_id)  # pytest-xdist appends the group
        if not any(fnmatch.fnmatchcase(name, pattern) for pattern in self._allowed):
            self._found.append(name)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the folder with the real data beside the clone; skip the test where there is none."""
    if not SHARED.is_dir():
        pytest.skip("the real data are not beside this clone")
    return SHARED


@pytest.fixture(scope="session")
def home(testrun_uid: str, worker_id: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """Yield the home of a running stack, one for the whole test run, shared by its workers.

    HUB_TEST_HOME names a home that runs already and is left running: the quick way while writing tests.
    """
    if given := os.environ.get("HUB_TEST_HOME"):
        yield Home(Path(given).absolute())
        return
    own = tmp_path_factory.getbasetemp()
    locks = own if worker_id == "master" else own.parent
    # Not in pytest's own folder: it is closed to the system user that runs PostgreSQL when root tests.
    with shared_stack(Path(tempfile.gettempdir()) / f"hub-test-{testrun_uid[:12]}", locks) as made:
        yield made


@contextmanager
def shared_stack(folder: Path, locks: Path) -> Iterator[Home]:
    """Start the stack in *folder* when nobody has, and stop it when nobody uses it any more.

    Every user holds a shared lock, which the system takes back even from a worker that was killed; who gets
    it exclusively is the last one.
    """
    from infra.settings import settings
    from infra.stack import supervisor

    home = Home(folder)
    with (locks / "stack-users").open("w") as users, (locks / "stack-starting").open("w") as starting:
        fcntl.flock(users, fcntl.LOCK_SH)
        try:
            with _held(starting.fileno()):
                home.make()
                supervisor.start(home, settings(), lambda _part, _doing: None, supervisor.make_ready)
            yield home
        finally:
            with _held(starting.fileno()):
                fcntl.flock(users, fcntl.LOCK_UN)
                if _is_last(users.fileno()):
                    supervisor.remove(home, settings(), lambda _part, _doing: None)
                    folder.rmdir()


@contextmanager
def _held(lock: int) -> Iterator[None]:
    fcntl.flock(lock, fcntl.LOCK_EX)
    try:
        yield
    finally:
        fcntl.flock(lock, fcntl.LOCK_UN)


def _is_last(users: int) -> bool:
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
