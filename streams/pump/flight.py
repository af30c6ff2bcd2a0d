"""The batch that is on its way to Kafka while the next one is thought about: two in flight, never more."""

import asyncio

from infra.ending import end
from streams.pump import failpoints
from streams.pump.ports import Committed, Producer, Routed

INTERVAL_S = 0.05
"""At most twenty transactions a second on a partition: small batches grow while they wait (design section 13)."""


class Flight:
    """Commits batches of one place to Kafka, one after the other, with *producer*."""

    def __init__(self, processor: str, producer: Producer) -> None:
        self._processor = processor
        self.producer = producer
        self._task: asyncio.Task[None] | None = None
        self._sent_at = 0.0
        self.committed = Committed(offset=-1)
        """What Kafka has for certain."""

    @property
    def is_under_way(self) -> bool:
        """Whether a batch has not been seen to land."""
        return self._task is not None

    async def send(self, outputs: Routed, reached: Committed) -> None:
        """Send a batch off as soon as the one before has landed; raise what became of that one."""
        await self.land()
        self._sent_at = asyncio.get_running_loop().time()
        self._task = asyncio.create_task(self._commit(outputs, reached))

    async def land(self) -> None:
        """Return when Kafka has all that was sent; raise why it has not."""
        if self._task is not None:
            await self._task
            self._task = None

    async def close(self) -> None:
        """Give up what has not landed and stop the producer; recovery finds out what became of it."""
        try:
            if self._task is not None:
                await end([self._task])
                self._task = None
        finally:
            await self.producer.stop()

    async def wait_for_turn(self) -> None:
        """Return when the next batch may be read: not too soon after the last one."""
        wait_s = self._sent_at + INTERVAL_S - asyncio.get_running_loop().time()
        if wait_s > 0:
            await asyncio.sleep(wait_s)

    async def _commit(self, outputs: Routed, reached: Committed) -> None:
        await self.producer.commit(outputs, reached)
        self.committed = reached
        failpoints.reached(self._processor, "after-kafka-commit")
