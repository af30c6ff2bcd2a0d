"""The group: which worker has which partition; workers die, freeze, leave and come back."""

import asyncio
from collections.abc import Callable, Mapping, Sequence

from schemas.names import TopicName
from streams.pump.partition import Partition
from streams.pump.ports import Place, Supply
from streams.pump.records import Processor
from tests.simulation.database import Database, MemoryBooks
from tests.simulation.kafka import Cluster, MemoryLog, MemoryProducer
from tests.simulation.world import Worker, World

SESSION_S = 30.0


class Group:
    """Lets *processors* run on all their partitions, by workers of *world*."""

    def __init__(
        self,
        world: World,
        cluster: Cluster,
        database: Database,
        processors: Callable[[Worker], Sequence[Processor]],
        partitions: Mapping[TopicName, int],
        supply: Callable[[Worker], Supply],
    ) -> None:
        self.world = world
        self.cluster = cluster
        self.database = database
        self._processors = processors
        self._partitions = partitions
        self._supply = supply
        self._workers: list[Worker] = []
        self._owned: dict[Place, tuple[Worker, asyncio.Task[None]]] = {}
        self.places = [
            Place(processor=processor.name, topic=topic, partition=number)
            for processor in processors(Worker(world, "nobody"))
            for topic in processor.topics
            for number in range(partitions[topic])
        ]
        self._names = 0

    def add_worker(self) -> Worker:
        """Start one more worker; it gets partitions with the next rebalance."""
        self._names += 1
        worker = Worker(self.world, f"w{self._names}")
        worker.processors = {each.name: each for each in self._processors(worker)}
        self._workers.append(worker)
        return worker

    def alive(self) -> list[Worker]:
        """Return the workers that the group hears: neither dead nor frozen for longer than a session."""
        return [w for w in self._workers if not w.is_dead and w.frozen_until - self.world.now < SESSION_S]

    async def rebalance(self) -> None:
        """Share the partitions out anew: who is asked nicely gives back first, who is not heard is not asked."""
        heard = self.alive() or [self.add_worker()]
        for place in self.places:
            chosen = self.world.random.choice(heard)
            owner = self._owned.get(place)
            if owner is not None and owner[0] is chosen and not owner[1].done():
                continue
            if owner is not None and owner[0] in heard:
                owner[1].cancel()
                await asyncio.gather(owner[1], return_exceptions=True)
            if not chosen.is_dead:
                self._owned[place] = (chosen, chosen.start(self._partition(place, chosen).run))

    def orphans(self) -> list[Place]:
        """Return the places that nobody works on."""
        heard = self.alive()
        return [
            place
            for place in self.places
            if place not in self._owned or self._owned[place][0] not in heard or self._owned[place][1].done()
        ]

    async def stop(self) -> None:
        """End every worker, and wait for its tasks."""
        tasks = [task for worker in self._workers for task in worker.tasks]
        for worker in self._workers:
            worker.frozen_until = 0
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _partition(self, place: Place, worker: Worker) -> Partition:
        return Partition(
            processor=worker.processors[place.processor],
            place=place,
            log=MemoryLog(self.cluster, place, worker),
            books=MemoryBooks(self.database, place, worker),
            producer=lambda: MemoryProducer(self.cluster, place, worker),
            supply=self._supply(worker),
            partitions=self._partitions,
            step_back_s=SESSION_S * 1.7,
        )
