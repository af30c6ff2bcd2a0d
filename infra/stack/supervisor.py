"""Starts, watches and stops the parts of one home. All of it may be killed at any time and repeated."""

import fcntl
import shutil
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Literal

import psutil

from infra.home import LOOPBACK, Home, HomeError, write_atomically
from infra.settings import Settings
from infra.stack import access, process, worker
from infra.stack.access import Access
from infra.stack.certificates import ensure_certificates
from infra.stack.kafka import Kafka, brokers
from infra.stack.part import Part
from infra.stack.ports import choose
from infra.stack.postgres import Postgres
from infra.stack.process import PartFailedError
from infra.stack.registry import Registry

READY_SECONDS_MAX = 150.0

State = Literal["up", "unresponsive", "down"]

Tell = Callable[[str, str], None]
"""Called with a part's name and what it is doing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartStatus:
    """How one part is."""

    name: str
    state: State
    pid: int | None
    address: str
    data: str
    version: str


def parts(home: Home, settings: Settings) -> tuple[Part, ...]:
    """Return the parts in the order in which they stop being needed, the first first."""
    last: tuple[Part, ...] = (Registry(home, settings), *brokers(home, settings), Postgres(home, settings))
    return (Access(home), *last) if access.is_installed() else last


def start(home: Home, settings: Settings, tell: Tell, ready: Callable[[Home, Tell], None]) -> None:
    """Start what does not run, restart what does not answer, call *ready*, then open the access server.

    Raises UnavailableError when a part fails; what runs by then goes on running.
    """
    with locked(home, tell):
        ensure_certificates(home)
        running = [part for part in _known(home, settings) if part.process()]
        choose(home, settings, frozenset(_ports_of(running)))
        postgres, registry, kafkas = Postgres(home, settings), Registry(home, settings), brokers(home, settings)
        with ThreadPoolExecutor(max_workers=2 + len(kafkas)) as pool:
            database = pool.submit(_ensure, postgres, tell)
            several = [pool.submit(_ensure, kafka, tell) for kafka in kafkas]  # none is ready before the others answer
            schemas = pool.submit(_ensure_after, database, registry, tell)
            for part in (database, *several, schemas):
                part.result()
        write_atomically(home.run_dir / "up", "")
        ready(home, tell)
        if access.is_installed():
            _ensure(Access(home), tell)


def make_ready(home: Home, tell: Tell) -> None:
    """Let every room bring the fresh servers to what it needs: tables, topics (entry points `hub.ready`)."""
    for entry in sorted(entry_points(group="hub.ready"), key=lambda entry: entry.name):
        tell(entry.name, "applying")
        entry.load()(home)
        tell(entry.name, "done")


def stop(home: Home, settings: Settings, tell: Tell) -> None:
    """Stop every part that runs, clients of others first."""
    with locked(home, tell):
        _stop(home, settings, tell)


def remove(home: Home, settings: Settings, tell: Tell) -> None:
    """Stop the stack and delete all that the home holds. Raises HomeError for a folder that is no home."""
    if not home.is_made:
        raise HomeError(f"{home.path} is not the home of a hub: nothing was deleted")
    with locked(home, tell):
        _stop(home, settings, tell)
        outside = home.postgres_dir.resolve()
        if home.postgres_dir.is_symlink():
            shutil.rmtree(outside, ignore_errors=True)
        # The marker goes last: a deletion that was killed can be repeated.
        for entry in sorted(home.path.iterdir(), key=lambda entry: entry.name == "home.toml"):
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink()


def status(home: Home, settings: Settings) -> tuple[PartStatus, ...]:
    """Return how each part is."""
    known = _known(home, settings)
    with ThreadPoolExecutor(max_workers=max(1, len(known))) as pool:
        return tuple(pool.map(_status, known))


@contextmanager
def locked(home: Home, tell: Tell) -> Iterator[None]:
    """Hold the home's lock, so that two commands at once do their work one after the other."""
    home.run_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (home.run_dir / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            tell("stack", "waiting for another `hub` on this home")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _known(home: Home, settings: Settings) -> tuple[Part, ...]:
    return parts(home, settings) if (home.path / "ports.json").exists() else ()


def _ports_of(running: list[Part]) -> Iterator[int]:
    for part in running:
        yield part.port
        if isinstance(part, Kafka):
            yield part.controller_port


def _ensure_after(first: Future[None], part: Part, tell: Tell) -> None:
    part.prepare(lambda doing: tell(part.name, doing))  # downloads beside the start of the first
    first.result()
    _ensure(part, tell)


def _ensure(part: Part, tell: Tell) -> None:
    """Bring *part* up: leave it when it runs as it should and answers, else start it anew."""
    began = time.monotonic()
    running = part.process()
    if running is not None and tuple(running.cmdline()) == part.command().arguments and _goes_on(part, running):
        tell(part.name, f"runs (pid {running.pid})")
        part.settle()
        return
    if running is not None:
        tell(part.name, "restarting")
        process.stop(running)
    tell(part.name, "preparing")
    part.prepare(lambda doing: tell(part.name, doing))
    tell(part.name, "starting")
    log = part.home.logs_dir / f"{part.name}.log"
    started = process.start(part.command(), log)
    if not _wait(part, started, READY_SECONDS_MAX):
        end = "ended while it started" if process.ended(started) else "does not answer"
        raise PartFailedError(f"{part.name} {end}: see {log}\n{process.tail(log)}")
    part.settle()
    tell(part.name, f"ready after {time.monotonic() - began:.1f} s")


def _goes_on(part: Part, running: psutil.Process) -> bool:
    """Whether *part* serves, or will once its peers do: a broker that waits for the others is not restarted."""
    if _wait(part, running, 15):
        return True
    return isinstance(part, Kafka) and part.answers() and _wait(part, running, READY_SECONDS_MAX)


def _wait(part: Part, running: psutil.Process, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if process.ended(running):
            return False
        if part.is_ready():
            return True
        time.sleep(0.1)
    return False


def _stop(home: Home, settings: Settings, tell: Tell) -> None:
    (home.run_dir / "up").unlink(missing_ok=True)
    if worker.stop(home):  # a client of all servers: it would only wait for them
        tell("worker", "stopped")
    for part in _known(home, settings):
        if running := part.process():
            tell(part.name, "stopping")
            process.stop(running)
        tell(part.name, "stopped")


def _status(part: Part) -> PartStatus:
    running = part.process()
    state: State = "down" if running is None else "up" if part.is_ready() else "unresponsive"
    return PartStatus(
        name=part.name,
        state=state,
        pid=running.pid if running else None,
        address=f"{LOOPBACK}:{part.port}",
        data=str(part.folder),
        version=part.version,
    )
