"""The service of the worker that looks at the hub's clock for deliveries, and at the ends of feeds.

It decides nothing: when a limit has passed, or an acknowledgement waits for a record, it writes so to the topic
`clock.deliveries`, and the processor does the rest, exactly once. That it is said twice, or by two workers, is no harm.
"""

import psycopg
import structlog
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError
from mode import Service
from psycopg_pool import AsyncConnectionPool

from infra.clock import Clock
from infra.kafka import append, consumer_for, let_go
from infra.topology.credentials import Credentials
from infra.workplace import Workplace
from schemas.codec import Codec
from schemas.errors import HubError, code_of
from streams.delivery.overdue import DUE
from streams.delivery.processor import LOOKS
from streams.hub_records import hub_output

log = structlog.get_logger()
DELIVERY = "hub-delivery"
LOOK_S = 15.0
_WAITING = "SELECT coalesce(max(number), 0), array_agg(DISTINCT recipient) FROM streams.acknowledgement_waiting"


class DeliveryClock(Service):
    """Looks as the principal of *credentials*."""

    def __init__(self, *, pool: AsyncConnectionPool, credentials: Credentials, codec: Codec, clock: Clock) -> None:
        super().__init__()
        self._pool = pool
        self._credentials = credentials
        self._codec = codec
        self._clock = clock

    async def on_start(self) -> None:
        """Open the connections."""
        await self._pool.open()

    async def on_shutdown(self) -> None:
        """Close the connections."""
        await self._pool.close()

    @Service.task
    async def _run(self) -> None:
        while not self.should_stop:
            try:
                await self.look()
            except (HubError, KafkaError, psycopg.Error, OSError, TimeoutError) as error:
                log.warning("delivery_clock_waits", code=code_of(error))
            await self.sleep(LOOK_S)

    async def look(self) -> bool:
        """Say that there is something to do, and return whether there is; raise when a part of the world is away."""
        now = await self._clock.now()
        async with self._pool.connection() as connection:
            due = await (await connection.execute(DUE, {"now": now})).fetchone()
            waiting = await (await connection.execute(_WAITING)).fetchone()
        assert due is not None and waiting is not None, "each query gives one row"  # noqa: PT018 - one fact
        number, partners = waiting  # asked for before the ends: a later one may be about a later record
        if not due[0] and not partners:
            return False
        content: dict[str, object] = {"waiting_until": number, "feeds": await self._ends(partners or ())}
        await append(self._credentials, LOOKS, [hub_output(LOOKS, "DeliveryClockLooked", content, self._codec).value])
        return True

    async def _ends(self, partners: "list[str] | tuple[str, ...]") -> list[dict[str, object]]:
        if not partners:
            return []
        consumer = consumer_for(self._credentials)
        try:
            await consumer.start()
            ends = await consumer.end_offsets([TopicPartition(f"to.{partner}", 0) for partner in partners])
        finally:
            await let_go(consumer)
        return [
            {"partner": source.topic.removeprefix("to."), "end_offset": end} for source, end in sorted(ends.items())
        ]


def services(place: Workplace) -> list[Service]:
    """Return what a worker runs so that limits are told."""
    clock = DeliveryClock(
        pool=place.pool("hub_streams", 2),
        credentials=place.credentials(DELIVERY),
        codec=place.codec,
        clock=place.clock,
    )
    return [clock]
