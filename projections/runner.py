"""The runners of the projections inside the worker: one service and one consumer group per projection.

An error of a projection never stops the worker: what agencies and partners wait for goes on without it.
"""

import asyncio
import contextlib
import os
import uuid
from collections.abc import Collection

import psycopg
import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import KafkaError
from mode import Service
from psycopg_pool import AsyncConnectionPool

from infra.ending import end
from infra.kafka import consumer_for
from infra.waiting import pause_s
from infra.workplace import Workplace
from projections.catalogue import PROJECTIONS
from projections.partition import PartitionFold
from projections.projection import Projection, countries_of

log = structlog.get_logger()

PRINCIPAL = "hub-projections"
ROLE = "hub_projections"
HEARTBEAT_S = 5.0
CONNECTIONS_MAX = 8


class Runner(Service):
    """Runs *projection* on every partition that its group gives to this worker."""

    def __init__(
        self, projection: Projection, place: Workplace, pool: AsyncConnectionPool, runner_id: uuid.UUID
    ) -> None:
        super().__init__()
        self._projection = projection
        self._place = place
        self._pool = pool
        self._runner_id = runner_id
        self._countries = countries_of(place.topology)
        self._consumer: AIOKafkaConsumer | None = None
        self._joining: asyncio.Task[None] | None = None
        self._folds: dict[TopicPartition, asyncio.Task[None]] = {}

    @property
    def label(self) -> str:
        """Return the name in Faust's view of its services."""
        return f"Projection({self._projection.name})"

    async def on_start(self) -> None:
        """Join the group as soon as the broker lets us; partitions arrive through the listener."""
        self._joining = asyncio.create_task(self._join())

    async def on_stop(self) -> None:
        """Let every partition finish its transaction or drop it, then leave the group."""
        if self._joining is not None:
            await end([self._joining])
        await self.release(list(self._folds))
        if self._consumer is not None:
            await self._consumer.stop()

    def take(self, assigned: Collection[TopicPartition]) -> None:
        """Start a task for each partition of *assigned*."""
        assert self._consumer is not None, "partitions come only to a consumer that joined"
        for source in assigned:
            fold = PartitionFold(
                projection=self._projection,
                countries=self._countries,
                consumer=self._consumer,
                source=source,
                pool=self._pool,
                codec=self._place.codec,
                runner_id=self._runner_id,
            )
            name = f"{self._projection.name}:{source.topic}:{source.partition}"
            self._folds[source] = asyncio.create_task(fold.run(), name=name)

    async def release(self, revoked: Collection[TopicPartition]) -> None:
        """End the tasks of *revoked* and wait until they have ended."""
        tasks = [task for source in revoked if (task := self._folds.pop(source, None)) is not None]
        await end(tasks)

    async def _join(self) -> None:
        attempts = 0
        while True:
            consumer = consumer_for(
                self._place.credentials(PRINCIPAL),
                group=f"{PRINCIPAL}.{self._projection.name}",
                read_committed=True,
                member=self._place.member,
            )
            consumer.subscribe(topics=list(self._projection.topics(self._place.topology)), listener=_Listener(self))
            self._consumer = consumer  # the first assignment may come before start() has returned
            try:
                await consumer.start()
            except (KafkaError, OSError) as error:
                attempts += 1
                log.warning("projection_not_joined", projection=self._projection.name, code=type(error).__name__)
                with contextlib.suppress(KafkaError, OSError):
                    await consumer.stop()
                await asyncio.sleep(pause_s(attempts))
            else:
                return


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka is untyped
    """Passes the group's decisions on to the runner."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        await self._runner.release(revoked)

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        self._runner.take(assigned)


class Projections(Service):
    """All projections of a worker: their connections, and the sign that they live."""

    def __init__(self, place: Workplace) -> None:
        super().__init__()
        self._place = place
        self._pool = place.pool(ROLE, CONNECTIONS_MAX)
        self._runner_id = uuid.uuid4()

    async def on_start(self) -> None:
        """Start one runner per projection."""
        await self._pool.open()
        await self._say("DELETE FROM projections.runner WHERE seen_at < now() - interval '1 hour'")
        await self._beat()
        for projection in PROJECTIONS:
            await self.add_runtime_dependency(Runner(projection, self._place, self._pool, self._runner_id))

    async def on_shutdown(self) -> None:
        """Say that this worker leaves, and close the connections."""
        await self._say("DELETE FROM projections.runner WHERE runner_id = %s", self._runner_id)
        await self._pool.close()

    @Service.task
    async def _live(self) -> None:
        while not self.should_stop:
            await self.sleep(HEARTBEAT_S)
            await self._beat()

    async def _beat(self) -> None:
        await self._say(
            "INSERT INTO projections.runner (runner_id, pid) VALUES (%s, %s) "
            "ON CONFLICT (runner_id) DO UPDATE SET seen_at = now()",
            self._runner_id,
            os.getpid(),
        )

    async def _say(self, statement: str, *arguments: object) -> None:
        try:
            async with self._pool.connection(timeout=HEARTBEAT_S) as connection:
                await connection.execute(statement.encode(), arguments)
        except (psycopg.Error, OSError) as error:
            log.warning("heartbeat_missed", code=type(error).__name__)


def services(place: Workplace) -> list[Service]:
    """Return what a worker at *place* runs for the projections."""
    return [Projections(place)]
