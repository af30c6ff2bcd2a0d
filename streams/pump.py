"""The pump: a service of the Faust worker that runs one processor exactly-once over all its partitions.

    assign   one task per partition: fence the previous owner, read the committed offset, seek, then batches
    revoke   the tasks end before the partitions are given away: an open transaction is aborted
    read     records go from `getmany` straight to the partition's task; what is not read stays in the broker

The rules of a partition are at the head of `streams/partition.py`, those of SQL and Kafka in
`streams/checkpoints.py` and `streams/transactions.py`. Why not a Faust agent: `docs/decisions/0002`.
"""

import asyncio
from collections.abc import Collection

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from mode import Service
from psycopg_pool import AsyncConnectionPool

from infra.kafka import consumer_for
from infra.topology.credentials import Credentials
from streams.partition import PartitionLoop
from streams.records import Processor
from streams.transactions import Partitions

log = structlog.get_logger()


class Pump(Service):
    """Runs *processor* as the principal of *credentials*."""

    def __init__(
        self,
        processor: Processor,
        *,
        credentials: Credentials,
        pool: AsyncConnectionPool,
        partitions: Partitions,
        read_committed: bool,
    ) -> None:
        super().__init__()
        self._processor = processor
        self._credentials = credentials
        self._pool = pool
        self._partitions = partitions
        self._read_committed = read_committed
        self._group = f"{credentials.principal}.pump"
        self._consumer: AIOKafkaConsumer | None = None
        self._loops: dict[TopicPartition, asyncio.Task[None]] = {}

    @property
    def label(self) -> str:
        """Return the name in Faust's view of its services."""
        return f"Pump({self._processor.name})"

    async def on_start(self) -> None:
        """Join the group; partitions arrive through the listener."""
        consumer = consumer_for(self._credentials, group=self._group, read_committed=self._read_committed)
        consumer.subscribe(topics=list(self._processor.topics), listener=_Listener(self))
        self._consumer = consumer  # the first assignment may come before start() has returned
        await consumer.start()

    async def on_stop(self) -> None:
        """Let every partition finish or abort, then leave the group."""
        await self.release(list(self._loops))
        if self._consumer is not None:
            await self._consumer.stop()

    def take(self, assigned: Collection[TopicPartition]) -> None:
        """Start a task for each partition of *assigned*."""
        assert self._consumer is not None, "partitions come only to a consumer that joined"
        for source in assigned:
            loop = PartitionLoop(
                processor=self._processor,
                consumer=self._consumer,
                source=source,
                credentials=self._credentials,
                group=self._group,
                pool=self._pool,
                partitions=self._partitions,
            )
            task = asyncio.create_task(loop.run(), name=f"{self._processor.name}:{source.topic}:{source.partition}")
            task.add_done_callback(self._ended)
            self._loops[source] = task

    async def release(self, revoked: Collection[TopicPartition]) -> None:
        """End the tasks of *revoked* and wait until they have ended."""
        tasks = [task for source in revoked if (task := self._loops.pop(source, None)) is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        """Stop the worker when a task ended by an error that nobody foresaw: a supervisor starts a fresh one."""
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("pump_crashed", processor=self._processor.name, code=type(error).__name__, exc_info=error)
            self.set_shutdown()
            asyncio.get_running_loop().create_task(self.crash(error))


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka is untyped
    """Passes the group's decisions on to the pump."""

    def __init__(self, pump: Pump) -> None:
        self._pump = pump

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        await self._pump.release(revoked)

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        # Only start the tasks here: a callback that waits for a database would hold up the whole group.
        self._pump.take(assigned)
