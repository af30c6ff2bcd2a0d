"""The ticker: writes each day of the hub's clock once, to `clock.ticks` and to every stage, in one transaction.

Rule 1: one ticker at a time. It holds a lock of the database, and a transactional id that fences an earlier one; its
        term is in every day, and cohort release takes none of an earlier term.
Rule 2: a day is written once it has begun. Days without a ticker are skipped, not made up for in a burst.
Rule 3: a day that was written and not noted is written again: whoever reads days passes over one that it has.
"""

import asyncio
import contextlib
import datetime as dt

import psycopg
import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from infra.advisory_locks import AdvisoryLock
from infra.clock import Clock, tick_of
from infra.kafka import producer_for
from infra.topology.credentials import Credentials
from schemas.codec import Codec
from schemas.errors import HubError, code_of
from schemas.names import TopicName
from streams.hub_records import hub_output

log = structlog.get_logger()
TICKS = TopicName("clock.ticks")
LOOK_S = 0.25
"""How often it looks at the clock: a simulated one may run through months in a minute."""
LOCK = AdvisoryLock.TICKING.value
TRANSACTION_TIMEOUT_MS = 10_000
PATIENCE_S = 15.0


class Ticker:
    """Writes days as the principal of *credentials*; *dsn* is that of the role hub_streams."""

    def __init__(
        self, *, credentials: Credentials, dsn: str, clock: Clock, codec: Codec, stages: tuple[TopicName, ...]
    ) -> None:
        self._credentials = credentials
        self._dsn = dsn
        self._clock = clock
        self._codec = codec
        self._topics = (TICKS, *stages)
        self._connection: psycopg.AsyncConnection[tuple[object, ...]] | None = None
        self._producer: AIOKafkaProducer | None = None
        self._term = 0
        self._last: int | None = None

    async def look(self) -> None:
        """Write the day when a new one has begun and this is the ticker; what is away is waited for."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                if await self._is_its_turn():
                    await self._write(await self._clock.now())
        except (KafkaError, psycopg.Error, OSError, TimeoutError, HubError) as error:
            log.warning("ticker_waiting", code=code_of(error))
            await self.stop()

    async def stop(self) -> None:
        """Let another one have its turn."""
        producer, self._producer = self._producer, None
        connection, self._connection = self._connection, None
        with contextlib.suppress(Exception):  # thrown away; the next one fences what it left behind
            if producer is not None:
                await asyncio.wait_for(producer.stop(), timeout=2)
        with contextlib.suppress(Exception):
            if connection is not None:
                await connection.close()

    async def _is_its_turn(self) -> bool:
        """Return whether this is the ticker; begin a term when it has just become it."""
        if self._producer is not None and self._connection is not None:
            await self._connection.execute("SELECT 1")  # the lock goes with the connection
            return True
        self._connection = await psycopg.AsyncConnection.connect(self._dsn, autocommit=True)
        row = await (await self._connection.execute("SELECT pg_try_advisory_lock(%s)", (LOCK,))).fetchone()
        if row is None or not row[0]:
            await self.stop()
            return False
        found = await self._connection.execute(
            "INSERT INTO streams.ticker AS t (term) VALUES (1) "
            "ON CONFLICT (only_row) DO UPDATE SET term = t.term + 1 RETURNING term, tick"
        )
        term, last = await found.fetchone() or (1, None)
        self._term, self._last = int(str(term)), None if last is None else int(str(last))
        self._producer = producer_for(
            self._credentials,
            transactional_id=f"hub.ticker.{TICKS}.0",
            transaction_timeout_ms=TRANSACTION_TIMEOUT_MS,
        )
        await self._producer.start()
        log.info("ticker_began", term=self._term)
        return True

    async def _write(self, now: dt.datetime) -> None:
        day = tick_of(now)
        if self._last is not None and day <= self._last:
            return
        assert self._producer is not None and self._connection is not None, "it is its turn"  # noqa: PT018 - one fact
        content = {"tick": day, "term": self._term, "begun_at": now}
        outputs = [hub_output(topic, "DayBegun", content, self._codec) for topic in self._topics]
        async with self._producer.transaction():
            for output in outputs:
                await self._producer.send(output.topic, output.value, partition=0)
        await self._connection.execute("UPDATE streams.ticker SET tick = %s WHERE term = %s", (day, self._term))
        self._last = day
