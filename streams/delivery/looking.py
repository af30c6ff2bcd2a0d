"""The service of the worker that looks at the hub's clock for deliveries, and at the ends of feeds and ledger.

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
from infra.kafka import append
from infra.topology.credentials import Credentials
from infra.workplace import Workplace
from schemas.codec import Codec
from schemas.errors import HubError, code_of
from streams.delivery import question_books
from streams.delivery.caught_up import LedgerReading, ends_of
from streams.delivery.overdue import DUE
from streams.delivery.processor import LOOKS
from streams.hub_records import hub_output

log = structlog.get_logger()
DELIVERY = "hub-delivery"
LOOK_S = 15.0
_WAITING = "SELECT coalesce(max(number), 0), array_agg(DISTINCT recipient) FROM streams.acknowledgement_waiting"


class DeliveryClock(Service):
    """Looks as the principal of *credentials*."""

    def __init__(
        self,
        *,
        pool: AsyncConnectionPool,
        credentials: Credentials,
        codec: Codec,
        clock: Clock,
        ledger: LedgerReading,
    ) -> None:
        super().__init__()
        self._pool = pool
        self._credentials = credentials
        self._codec = codec
        self._clock = clock
        self._ledger = ledger

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
            unanswered = await (await connection.execute(question_books.DUE, {"now": now})).fetchone()
        assert due is not None and waiting is not None and unanswered is not None, "one row each"  # noqa: PT018 - one fact
        number, partners = waiting  # asked for before the ends: a later one may be about a later record
        read_until = await self._ledger.read_until(now) if unanswered[0] else None
        if not due[0] and not partners and read_until is None:
            return False
        content: dict[str, object] = {
            "waiting_until": number,
            "feeds": await self._ends(partners or ()),
            "ledger_read_until": read_until,
        }
        await append(self._credentials, LOOKS, [hub_output(LOOKS, "DeliveryClockLooked", content, self._codec).value])
        return True

    async def _ends(self, partners: "list[str] | tuple[str, ...]") -> list[dict[str, object]]:
        if not partners:
            return []
        ends = await ends_of(self._credentials, [TopicPartition(f"to.{partner}", 0) for partner in partners])
        return [
            {"partner": source.topic.removeprefix("to."), "end_offset": end} for source, end in sorted(ends.items())
        ]


def clock_of(place: Workplace, pool: AsyncConnectionPool) -> DeliveryClock:
    """Return what looks at *place*, by connections of *pool*."""
    credentials = place.credentials(DELIVERY)
    return DeliveryClock(
        pool=pool,
        credentials=credentials,
        codec=place.codec,
        clock=place.clock,
        ledger=LedgerReading(pool=pool, credentials=credentials, topology=place.topology),
    )


def services(place: Workplace) -> list[Service]:
    """Return what a worker runs so that limits are told."""
    return [clock_of(place, place.pool("hub_streams", 2))]
