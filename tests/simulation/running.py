"""A run of the simulation: events are published while things go wrong, then peace, then everything must add up."""

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import structlog

from schemas.names import TopicName
from streams.pump.ports import Place, Supply
from streams.pump.records import Processor
from tests.simulation.database import Database
from tests.simulation.group import SESSION_S, Group
from tests.simulation.kafka import Cluster
from tests.simulation.world import VirtualLoop, Worker, World

PEACE_S_MAX = 3600.0


class Scenario(Protocol):
    """What is published, what processes it, and what must have come of it."""

    partitions: Mapping[TopicName, int]

    def processors_of(self, worker: Worker) -> Sequence[Processor]:
        """Return the processors of *worker*."""

    def supply(self, worker: Worker) -> Supply:
        """Return where the inputs of *worker* come from."""

    def published(self) -> Sequence[tuple[TopicName, bytes]]:
        """Return what agencies publish, in order."""

    def mend(self, database: Database) -> None:
        """Make records processable; called again and again once peace has begun."""

    def check(self, cluster: Cluster, database: Database) -> None:
        """Fail unless everything adds up."""


def simulate(scenario: Callable[[World], Scenario], seed: int, dies_at: int | None = None) -> World:
    """Run a scenario in a world made from *seed* and return that world; an error tells the seed.

    With *dies_at* nothing goes wrong but one death, at step number *dies_at*.
    """
    world = World(seed, dies_at)
    random.seed(seed)  # the pump draws the length of its pauses
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50), cache_logger_on_first_use=False)
    loop = VirtualLoop()
    try:
        run = _Run(scenario(world), world)
        try:
            loop.run_until_complete(run.run())
        finally:
            loop.run_until_complete(run.group.stop())
        assert not world.unforeseen, world.unforeseen
    except Exception as error:
        error.add_note(f"seed {seed}, dies_at {dies_at}, after {world.steps} steps: {world.events}")
        raise
    finally:
        loop.close()
        structlog.reset_defaults()
    return world


class _Run:
    def __init__(self, scenario: Scenario, world: World) -> None:
        self._scenario = scenario
        self._world = world
        self._random = world.random
        self._cluster = Cluster()
        self._database = Database()
        self.group = Group(
            world, self._cluster, self._database, scenario.processors_of, scenario.partitions, scenario.supply
        )

    async def run(self) -> None:
        for _ in range(self._random.choice((1, 2, 3))):
            self.group.add_worker()
        await asyncio.gather(self._publish(), self._trouble(), self._operate())
        self._world.is_peaceful = True
        self._world.away.clear()
        deadline = self._world.now + PEACE_S_MAX
        while not self._is_settled():
            assert not self._world.unforeseen, self._world.unforeseen
            assert self._world.now < deadline, f"not settled: {self._unsettled()}"
            if self.group.orphans():
                await asyncio.sleep(SESSION_S)
                await self.group.rebalance()
            self._scenario.mend(self._database)
            self._ask(everything=True)
            await asyncio.sleep(1)
        self._scenario.check(self._cluster, self._database)

    async def _publish(self) -> None:
        for topic, value in self._scenario.published():
            await asyncio.sleep(self._random.choice((0, 0, 0.01, 0.3)))
            self._cluster.append(topic, 0, None, value)

    async def _trouble(self) -> None:
        await self.group.rebalance()
        if self._world.is_peaceful:
            return
        for _ in range(self._random.randrange(6)):
            await asyncio.sleep(self._random.choice((0.2, 1, 10, 40)))
            match self._random.randrange(4):
                case 0:
                    self.group.add_worker()
                    await self.group.rebalance()
                case 1:
                    part = self._random.choice(("kafka", "sql", "vault"))
                    self._world.note(f"{part} away")
                    self._world.away.add(part)
                    await asyncio.sleep(self._random.choice((0.5, 5, 60)))
                    self._world.away.discard(part)
                case _:
                    self._world.note("rebalance")
                    await self.group.rebalance()

    async def _operate(self) -> None:
        for _ in range(self._random.randrange(5)):
            await asyncio.sleep(self._random.choice((1, 5)))
            self._ask(everything=False)

    def _ask(self, *, everything: bool) -> None:
        """Ask for a retry of what is parked, as `hub parked retry` does: a row is changed outside the pump."""
        for place, page in self._database.pages.items():
            if place in self._database.owners:
                continue  # locked: the operator's statement waits
            heads: set[bytes | None] = set()
            for offset, (parked, asked) in sorted(page.parked.items()):
                is_head = parked.key is None or parked.key not in heads
                heads.add(parked.key)
                if asked is None and is_head and (everything or self._random.random() < 0.5):
                    page.parked[offset] = (parked, "retry")

    def _is_settled(self) -> bool:
        return not self._unsettled()

    def _unsettled(self) -> list[tuple[Place, str]]:
        found = []
        for place in self.group.places:
            page, committed = self._database.pages[place], self._cluster.committed.get(place.key)
            log = self._cluster.logs[place.topic, place.partition]
            if committed is None or page.checkpoint is None:
                if any(entry.state == "committed" for entry in log) or place in self.group.orphans():
                    found.append((place, "not begun"))
                continue
            for reached in (committed.offset, page.checkpoint.next_offset):
                left = sum(entry.state in ("committed", "open") for entry in log[reached:])
                found += [(place, f"at {reached} of {len(log)}, {page.state}")] * (left > 0)
            if page.state[0] != "running":
                found.append((place, f"says {page.state}"))
            if page.parked or page.checkpoint.retries != committed.retries:
                found.append((place, f"parked {sorted(page.parked)}, {page.state}"))
        if self._cluster.open:
            found.append((self.group.places[0], "a transaction is open"))
        return found
