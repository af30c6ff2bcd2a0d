"""The service of the Faust worker that runs one processor over all partitions which the group gives it.

assign   one task per partition; what it does is in `partition.py`
revoke   the tasks end before the partitions are given away: an open transaction is aborted
member   static: a worker that comes back within its session takes its partitions up without a rebalance
"""

import asyncio
import contextlib
from collections.abc import Collection

import psycopg
import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import KafkaError
from mode import Service
from psycopg_pool import AsyncConnectionPool

from infra.ending import end
from infra.kafka import consumer_for
from infra.settings import settings
from infra.topology.credentials import Credentials
from schemas.names import TopicName
from streams.pump.books import SqlBooks
from streams.pump.kafka_log import KafkaLog
from streams.pump.kafka_producer import PartitionProducer
from streams.pump.partition import Partition
from streams.pump.ports import Partitions, Place, Supply
from streams.pump.records import Processor
from streams.pump.troubles import NO_RIGHT_LEFT, TOPIC_MISSING, Trouble

log = structlog.get_logger()
WATCH_S = 5.0
STOP_S_MAX = 10.0
STEP_BACK_SESSIONS = 1.7
"""Longer than a session: a zombie that was fenced learns in this time that the partition is not its own."""


def group_of(credentials: Credentials) -> str:
    """Return the consumer group of the pump that runs as the principal of *credentials*."""
    return f"{credentials.principal}.pump"


class Pump(Service):
    """Runs *processor* as the principal of *credentials*; *member* is the name of this worker in the group, if any."""

    def __init__(
        self,
        processor: Processor,
        *,
        credentials: Credentials,
        pool: AsyncConnectionPool,
        supply: Supply,
        partitions: Partitions,
        read_committed: bool,
        member: str | None = None,
        alone: asyncio.Lock | None = None,
    ) -> None:
        super().__init__()
        self._processor = processor
        self._credentials = credentials
        self._pool = pool
        self._supply = supply
        self._partitions = partitions
        self._read_committed = read_committed
        self._member = member
        self._alone = alone or asyncio.Lock()
        self._group = group_of(credentials)
        self._consumer: AIOKafkaConsumer | None = None
        self._is_leaving = False
        self._running: dict[TopicPartition, asyncio.Task[None]] = {}

    @property
    def label(self) -> str:
        """Return the name in Faust's view of its services."""
        return f"Pump({self._processor.name})"

    async def on_start(self) -> None:
        """Join the group; partitions arrive through the listener."""
        consumer = consumer_for(
            self._credentials,
            group=self._group,
            read_committed=self._read_committed,
            member=self._member,
            seeks=True,
        )
        consumer.subscribe(topics=list(self._processor.topics), listener=_Listener(self))
        self._consumer = consumer  # the first assignment may come before start() has returned
        await consumer.start()

    async def on_stop(self) -> None:
        """Let every partition finish or abort, then close the consumer."""
        self._is_leaving = True
        await self.give_back(list(self._running))
        if self._consumer is not None:
            with contextlib.suppress(KafkaError, TimeoutError):
                async with asyncio.timeout(STOP_S_MAX):
                    await self._consumer.stop()

    @Service.task
    async def _watch(self) -> None:
        """Say so when a source cannot be seen: its partitions are nobody's then, and nobody else would say it."""
        while not self.should_stop:
            await self.sleep(WATCH_S)
            consumer = self._consumer
            if consumer is None:
                continue
            cluster = consumer._client.cluster  # noqa: SLF001 - aiokafka tells nobody that a topic has gone
            gone = [topic for topic in self._processor.topics if not cluster.partitions_for_topic(topic)]
            for topic in gone if cluster.topics() or cluster.unauthorized_topics else ():
                is_closed = topic in cluster.unauthorized_topics
                await self._say_lost(topic, NO_RIGHT_LEFT if is_closed else TOPIC_MISSING)
            if not self._running and consumer._coordinator is not None:  # noqa: SLF001 - as above
                with contextlib.suppress(KafkaError):  # taken note of, so that the coordinator tries again
                    consumer._coordinator.check_errors()  # noqa: SLF001 - only who reads learns of them

    async def _say_lost(self, topic: TopicName, trouble: Trouble) -> None:
        log.warning("source_lost", processor=self._processor.name, topic=topic, code=trouble.code)
        for number in range(self._partitions[topic]):
            if TopicPartition(topic, number) in self._running:
                continue  # its owner says it
            books = SqlBooks(self._pool, Place(processor=self._processor.name, topic=topic, partition=number))
            with contextlib.suppress(psycopg.Error, OSError):
                async with books.transaction() as transaction:
                    await books.say(transaction, "waiting", trouble.code, trouble.advice)

    def take(self, assigned: Collection[TopicPartition]) -> None:
        """Start a task for each partition of *assigned*."""
        for source in () if self._is_leaving else assigned:  # a rebalance may still come while the pump stops
            task = asyncio.create_task(
                self._partition(source).run(), name=f"{self._processor.name}:{source.topic}:{source.partition}"
            )
            task.add_done_callback(self._ended)
            self._running[source] = task

    async def give_back(self, revoked: Collection[TopicPartition]) -> None:
        """End the tasks of *revoked* and wait until they have ended."""
        tasks = [task for source in revoked if (task := self._running.pop(source, None)) is not None]
        await end(tasks)

    def _partition(self, source: TopicPartition) -> Partition:
        assert self._consumer is not None, "partitions come only to a consumer that joined"
        place = Place(processor=self._processor.name, topic=TopicName(source.topic), partition=source.partition)
        return Partition(
            processor=self._processor,
            place=place,
            log=KafkaLog(self._consumer, source, with_keys=self._processor.keyed),
            books=SqlBooks(self._pool, place),
            producer=lambda: PartitionProducer(place, self._credentials, self._group),
            supply=self._supply,
            partitions=self._partitions,
            alone=self._alone,
            step_back_s=settings().session_timeout_ms / 1000 * STEP_BACK_SESSIONS,
        )

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
        await self._pump.give_back(revoked)

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        # Only start the tasks here: a callback that waits for a database would hold up the whole group.
        self._pump.take(assigned)
