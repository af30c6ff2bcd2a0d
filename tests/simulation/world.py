"""A world in one process: time that jumps, workers that die or freeze at any step, parts that go away. All from a seed.

Every call of a port is one or more steps. At a step the world may let others run first, let time pass, fail, freeze the
worker, or kill it: nothing that a dead worker does afterwards reaches the log or the books.
"""

import asyncio
import random
import selectors
from collections.abc import Callable, Coroutine
from typing import Any

import psycopg
from aiokafka.errors import KafkaConnectionError

from schemas.errors import UnavailableError

DEADLOCK_S = 3600.0
"""Nobody in this world waits so long for anything."""


class Crash(BaseException):
    """The worker is dead."""


class _Clockwork(selectors.SelectSelector):
    """Waits for nothing: time jumps to where the next timer is."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None or timeout > DEADLOCK_S:
            raise AssertionError("everybody waits for somebody else")
        self.now += max(0.0, timeout)
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose time is its own; what would run in a thread runs at once."""

    def __init__(self) -> None:
        self._clockwork = _Clockwork()
        super().__init__(self._clockwork)

    def time(self) -> float:
        """Return the seconds since the world began."""
        return self._clockwork.now

    def run_in_executor(self, _executor: Any, func: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:  # type: ignore[override]
        """Return a future that has the result of *func* already."""
        future: asyncio.Future[Any] = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:  # noqa: BLE001 - handed on to who waits
            future.set_exception(error)
        return future


class Worker:
    """One process of the world: what may happen to it, and the tasks that die with it."""

    def __init__(self, world: "World", name: str) -> None:
        self.world = world
        self.name = name
        self.is_dead = False
        self.frozen_until = 0.0
        self.tasks: set[asyncio.Task[None]] = set()
        self.processors: dict[str, Any] = {}

    async def step(self, where: str) -> None:
        """Let happen what happens at *where*."""
        if self.is_dead:
            raise Crash
        await self.world.happens(self, where)
        while self.frozen_until > self.world.now and not self.is_dead:  # noqa: ASYNC110 - it may freeze for longer
            await asyncio.sleep(self.frozen_until - self.world.now)
        if self.is_dead:
            raise Crash

    def start(self, work: Callable[[], Coroutine[Any, Any, None]]) -> "asyncio.Task[None]":
        """Run *work* until it ends or the worker dies."""
        task = asyncio.get_running_loop().create_task(self._run(work))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return task

    async def _run(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        try:
            await work()
        except Crash:
            self.kill()
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001 - what no rule foresaw ends the worker, and the test
            self.world.unforeseen.append(error)
            self.kill()

    def kill(self) -> None:
        """End the worker as a power cut would."""
        if not self.is_dead:
            self.is_dead = True
            self.world.died(self)
            for task in self.tasks:
                if task is not asyncio.current_task():
                    task.cancel()


class World:
    """What happens, and to whom: drawn from *seed*, or exactly one death at step number *dies_at*."""

    def __init__(self, seed: int, dies_at: int | None = None) -> None:
        self.seed = seed
        self.random = random.Random(seed)  # noqa: S311 - the same again for the same seed is what it is for
        self.dies_at = dies_at
        self.steps = 0
        self.is_peaceful = dies_at is not None
        self.away: set[str] = set()
        """Parts that do not answer: `kafka`, `sql`, `vault`."""
        self.unforeseen: list[Exception] = []
        self.on_death: list[Callable[[Worker], None]] = []
        self.events: dict[str, int] = {}

    @property
    def now(self) -> float:
        """Return the seconds since the world began."""
        return asyncio.get_running_loop().time()

    def died(self, worker: Worker) -> None:
        """Tell everybody who must know that *worker* is dead."""
        for told in self.on_death:
            told(worker)

    async def happens(self, worker: Worker, where: str) -> None:
        """Let time pass, or something go wrong, at a step of *worker*."""
        self.steps += 1
        if self.steps == self.dies_at:
            self.note(f"death at {where}")
            worker.kill()
            raise Crash
        await asyncio.sleep(self.random.choice((0, 0, 0.001, 0.01)))
        part = where.partition(" ")[0]
        if part in self.away:
            await asyncio.sleep(0.1)
            raise self.failure(part)
        if self.is_peaceful:
            return
        chance = self.random.random()
        if chance < 0.004:
            self.note(f"death at {where}")
            worker.kill()
            raise Crash
        if chance < 0.008:
            self.note(f"failure at {where}")
            raise self.failure(part)
        if chance < 0.0095:
            self.note("freeze")
            worker.frozen_until = self.now + self.random.choice((5, 40, 90))

    def failure(self, part: str) -> Exception:
        """Return the error by which *part* tells that it does not answer."""
        if part == "vault":
            return UnavailableError("away")
        return KafkaConnectionError() if part == "kafka" else psycopg.OperationalError("away")

    def note(self, event: str) -> None:
        """Count what happened."""
        self.events[event] = self.events.get(event, 0) + 1
