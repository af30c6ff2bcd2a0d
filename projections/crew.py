"""Builders side by side: one process each, partitions shared out among them, the longest first.

A builder ends itself when the process that started it is gone, however that was killed.
"""

import contextlib
import gc
import multiprocessing
import os
import queue
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from infra.database import DatabaseUnavailableError
from infra.home import Home
from infra.logging import configure_logging
from infra.topology.model import Topology, load_topology
from projections import logs
from projections.building import Builder, Failure, Lane, Told
from projections.catalogue import projection as in_catalogue
from projections.logs import Partition
from projections.projection import Projection
from schemas.errors import UnavailableError

ALONE_RECORDS_MAX = 20_000
"""So few records are folded in this process: a builder needs a second to start."""
ORPHAN_LOOK_S = 0.5
TOLD_S = 0.2

Work = Mapping[Partition, Sequence[Lane]]


class BuilderLostError(UnavailableError):
    """A builder was ended from outside."""

    code = "builder-lost"


@dataclass(kw_only=True)
class Crew:
    """Folds what it is given; made by `crew`."""

    home: Home
    topology: Topology = field(default_factory=load_topology)
    principal: str = logs.PRINCIPAL
    find: Callable[[str], Projection] = in_catalogue
    """Other than that of the catalogue only with one process."""
    processes: int = 1
    _alone: Builder | None = None
    _pool: ProcessPoolExecutor | None = None
    _said: Any = None

    def fold(self, work: Work, records: Mapping[Partition, int], told: Told) -> list[Failure]:
        """Bring every lane of *work* to its end and return what stopped lanes before that.

        *records* says how many there are about. Raises UnavailableError when a server is away or a builder is lost.
        """
        order = sorted(work, key=lambda place: (-records.get(place, 0), place))
        if self.processes <= 1 or sum(records.get(place, 0) for place in order) <= ALONE_RECORDS_MAX:
            builder = self._alone = self._alone or opened(self.home, self.topology, self.principal, self.find)
            return [failure for place in order for failure in folded(builder, place, work[place], told)]
        pool = self._pool = self._pool or self._start()
        try:
            with _deaf():  # builders begin with the first task, and are deaf from their first moment
                tasks = [pool.submit(_fold, place, tuple(work[place])) for place in order]
            return self._results(tasks, told)
        except BrokenProcessPool:
            self._pool = None
            raise BuilderLostError("a builder was ended; give the same command again: it goes on") from None

    def close(self) -> None:
        """End the builders."""
        if self._alone is not None:
            self._alone.close()
        if self._pool is not None:
            builders = list((self._pool._processes or {}).values())  # noqa: SLF001 - there is no public way to end them
            self._pool.shutdown(wait=False, cancel_futures=True)
            for builder in builders:
                builder.terminate()

    def _start(self) -> ProcessPoolExecutor:
        context = multiprocessing.get_context("spawn")
        self._said = context.Queue()
        return ProcessPoolExecutor(
            self.processes,
            mp_context=context,
            initializer=_begin,
            initargs=(str(self.home.path), self.principal, os.getpid(), self._said),
        )

    def _results(self, futures: "list[Future[list[Failure]]]", told: Told) -> list[Failure]:
        waiting = set(futures)
        failures: list[Failure] = []
        while waiting:
            done, waiting = wait(waiting, timeout=TOLD_S, return_when=FIRST_COMPLETED)
            with contextlib.suppress(queue.Empty):
                while True:
                    told(*self._said.get_nowait())
            for each in done:
                failures += each.result()
        return failures


@contextlib.contextmanager
def crew(home: Home, processes: int, **others: Any) -> Iterator[Crew]:
    """Yield a crew and end its builders when the block ends."""
    made = Crew(home=home, processes=processes, **others)
    try:
        yield made
    finally:
        made.close()


@contextlib.contextmanager
def _deaf() -> Iterator[None]:
    """Let processes that are started here ignore Ctrl-C: it is for who started them, who ends them."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def opened(home: Home, topology: Topology, principal: str, find: Callable[[str], Projection]) -> Builder:
    """Return a builder; raise DatabaseUnavailableError."""
    try:
        return Builder(home, topology, principal, find)
    except psycopg.OperationalError as error:
        raise _unavailable(error) from None


def folded(builder: Builder, place: Partition, lanes: Sequence[Lane], told: Told) -> list[Failure]:
    """Return what `Builder.fold` does; a server that ends or has no room left is DatabaseUnavailableError."""
    try:
        return builder.fold(place, lanes, told)
    except (psycopg.OperationalError, psycopg.InterfaceError, psycopg.InternalError) as error:
        raise _unavailable(error) from None


def _unavailable(error: psycopg.Error) -> DatabaseUnavailableError:
    return DatabaseUnavailableError(
        f"PostgreSQL does not answer or takes nothing ({type(error).__name__}); nothing is lost: look at `hub status` "
        "and at the space on its disk, then give the same command again"
    )


_builder: Builder | None = None
_told: Told = lambda _records, _offsets: None  # noqa: E731 - until the process has begun


def _begin(home: str, principal: str, parent: int, said: Any) -> None:
    """Make this process a builder."""
    global _builder, _told  # noqa: PLW0603 - one builder a process
    configure_logging()
    gc.set_threshold(200_000, 50, 100)  # rows are in memory by the hundred thousand, none in a cycle
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    _builder = opened(Home(Path(home)), load_topology(), principal, in_catalogue)
    _told = lambda records, offsets: said.put((records, offsets))  # noqa: E731 - as above


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(ORPHAN_LOOK_S)
    os._exit(1)


def _fold(place: Partition, lanes: tuple[Lane, ...]) -> list[Failure]:
    assert _builder is not None, "the process has begun"
    return folded(_builder, place, lanes, _told)
