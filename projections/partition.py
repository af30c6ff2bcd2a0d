"""One projection on one partition: read, fold, and write rows and checkpoint in one SQL transaction.

Rule 1: on every start and after every error: read the checkpoint in SQL, then seek. Kafka's committed offset is
        never asked; the group exists only to share out partitions.
Rule 2: the checkpoint moves by compare-and-set. Who finds it elsewhere has written nothing, and reads it again.
Rule 3: a part of the world that is away is waited for, for ever, visibly. A record that cannot be read halts the
        partition right before it, with advice; the rest of the projection goes on.
Rule 4: only the live generation is folded here, and only by the code that it was made for. Whoever switches holds the
        generation's row; a batch that comes later finds that it is not the live one any more, and goes on with the
        other.
Gaps between offsets are normal: the markers of transactions.
"""

import asyncio
import dataclasses
import uuid
from collections.abc import Sequence

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import ConsumerStoppedError
from psycopg_pool import AsyncConnectionPool

from infra.saying import Saying
from infra.waiting import AWAY, pause_s
from projections import store
from projections.decoding import EventReader
from projections.generations import OutdatedGenerationError
from projections.projection import Countries, Projection
from projections.rows import Row, Rows, fold
from projections.skipping import OFFSETS
from projections.store import MovedCheckpointError, Place
from schemas.codec import Codec
from schemas.errors import HubError, MisuseError, UnavailableError, code_of
from schemas.names import TopicName
from schemas.upcasting import UnknownVersionError

log = structlog.get_logger()

BATCH_RECORDS_MAX = 1000
POLL_MS = 500
INTERVAL_S = 0.25
"""At most four transactions a second on a partition that keeps up: small batches, and markers of transactions, grow
while they wait. At 200 events a second a write for each cost more than all the rest of the hub."""
MOVED_WAIT_S = 1.0
LOOK_S = 2.0
"""How often a quiet partition looks whether another generation has become the live one."""


class UnreadableRecordError(MisuseError):
    """A record of a topic that only the hub writes cannot be read or folded."""

    code = "unreadable-record"


class PartitionFold:
    """Runs *projection* on one partition until it is cancelled."""

    def __init__(
        self,
        *,
        projection: Projection,
        countries: Countries,
        consumer: AIOKafkaConsumer,
        source: TopicPartition,
        pool: AsyncConnectionPool,
        codec: Codec,
        runner_id: uuid.UUID,
    ) -> None:
        self._projection = projection
        self._countries = countries
        self._consumer = consumer
        self._source = source
        self._pool = pool
        self._reader = EventReader(codec)
        self._runner_id = runner_id
        self._place = Place(
            projection=projection.name, generation=0, topic=TopicName(source.topic), partition=source.partition
        )
        self._log = log.bind(projection=projection.name, topic=source.topic, partition=source.partition)
        self._next_offset = 0
        self._looked_at = 0.0
        self._next_turn_at = 0.0
        self._skipped: frozenset[int] = frozenset()
        self._saying = Saying(self._write_state, self._log)

    async def run(self) -> None:
        """Fold the partition; returns only when it is halted, else until cancelled."""
        attempts = 0
        while True:
            try:
                await self._recover()
                while True:
                    await self._step()
                    attempts = 0
            except MovedCheckpointError:
                self._log.warning("checkpoint_moved")
                await asyncio.sleep(MOVED_WAIT_S)
            except OutdatedGenerationError as error:
                self._log.warning("projection_outdated")
                await self._saying.say("outdated", error.code, str(error))
                await asyncio.sleep(LOOK_S)
            except AWAY as error:
                attempts += 1
                code = code_of(error)
                self._log.warning("projection_waiting", code=code, attempt=attempts)
                await self._saying.say("waiting", code, "a part of the hub does not answer; it goes on by itself")
                await asyncio.sleep(pause_s(attempts))
            except ConsumerStoppedError:
                return  # the runner stops, and so does this
            except Exception as error:  # noqa: BLE001 - a projection never stops the worker: events flow without it
                self._log.error("projection_halted", code=code_of(error), exc_info=error)
                advice = str(error) if isinstance(error, HubError) else "an error of the hub; see the worker's log"
                await self._saying.insist("halted", code_of(error), advice)
                return

    async def _recover(self) -> None:
        beginning = (await self._consumer.beginning_offsets([self._source]))[self._source]
        end = (await self._consumer.end_offsets([self._source]))[self._source]
        async with self._pool.connection() as transaction:
            await self._find_generation(transaction)
            stored = await store.checkpoint(transaction, self._place, lock=True)
            found = await transaction.execute(OFFSETS, (self._place.topic, self._place.partition))
            self._skipped = frozenset(int(str(row[0])) for row in await found.fetchall())
            self._next_offset = store.resume_at(stored=stored, beginning=beginning, end=end)
            if stored is None:
                await store.begin(transaction, self._place, self._next_offset)
        self._consumer.seek(self._source, self._next_offset)
        await self._saying.say("running")
        self._log.info("projection_recovered", next_offset=self._next_offset)

    async def _find_generation(self, transaction: store.Transaction) -> None:
        """Take the live generation as the place to fold into, also when its tables are of other code: so it is said."""
        number = await store.live_number(transaction, self._projection.name)
        if number != self._place.generation:
            self._place = dataclasses.replace(self._place, generation=number)
            self._log.info("generation", number=number)
        await store.expect_fits(transaction, self._projection, number)

    async def _step(self) -> None:
        await self._saying.catch_up()
        await self._wait_for_turn()
        fetched = await self._consumer.getmany(self._source, timeout_ms=POLL_MS, max_records=BATCH_RECORDS_MAX)
        batch = [record for record in fetched.get(self._source, ()) if record.offset >= self._next_offset]
        # Beyond the last record where markers of transactions follow it.
        reached = max(await self._consumer.position(self._source), self._next_offset)
        if reached == self._next_offset:
            await self._look()
            return
        self._next_turn_at = asyncio.get_running_loop().time() + (INTERVAL_S if len(batch) < BATCH_RECORDS_MAX else 0)
        await self._reader.codec.learn_aside([record.value for record in batch])
        rows, halt = self._folded(batch)
        await self._write(rows, reached if halt is None else batch[halt[0]].offset)
        if halt is not None:
            index, error = halt
            if isinstance(error, UnknownVersionError):
                raise error
            raise UnreadableRecordError(
                f"the record at offset {batch[index].offset} cannot be folded: find out who wrote it. Nobody of the "
                f"hub? `hub projection skip {self._place.topic}-{self._place.partition}@{batch[index].offset}`, "
                "then restart the worker; after an update of the hub too"
            )

    async def _wait_for_turn(self) -> None:
        wait_s = self._next_turn_at - asyncio.get_running_loop().time()
        if wait_s > 0:
            await asyncio.sleep(wait_s)

    async def _look(self) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._looked_at >= LOOK_S:
            self._looked_at = now
            async with self._pool.connection() as transaction:
                self._expect(await store.checkpoint(transaction, self._place))

    async def _write(self, rows: Rows, reached: int) -> None:
        if reached == self._next_offset:
            return
        async with self._pool.connection() as transaction:
            self._expect(await store.checkpoint(transaction, self._place, lock=True))
            await store.write(transaction, self._place.schema, rows)
            await store.advance(transaction, self._place, self._next_offset, reached)
        self._next_offset = reached

    def _expect(self, stored: int | None) -> None:
        if stored != self._next_offset:
            raise MovedCheckpointError("another runner has moved the checkpoint, or another generation is live")

    def _folded(self, batch: Sequence[ConsumerRecord]) -> tuple[Rows, tuple[int, Exception] | None]:
        """Return the rows of *batch*, and of the first record that cannot be folded its index and why."""
        rows: list[Row] = []
        topic = self._place.topic
        for index, record in enumerate(batch):
            if record.offset in self._skipped:
                continue
            try:
                known = self._reader.known(topic, record.value)
                if known is None or self._projection.reads(known.name):
                    event = self._reader.event(topic, record.offset, record.key, record.value, known)
                    rows += self._projection.rows_of(event, self._countries)
            except UnavailableError:
                raise
            except Exception as error:  # noqa: BLE001 - whatever it is, the records before it count
                self._log.error("record_unreadable", offset=record.offset, code=code_of(error), exc_info=error)
                return fold(rows), (index, error)
        return fold(rows), None

    async def _write_state(self, state: str, code: str, advice: str) -> None:
        if self._place.generation == 0:
            return  # no tables yet, so there is nobody to say it of; the worker's log has it
        async with self._pool.connection() as transaction:
            await store.say(transaction, self._place, self._runner_id, state, code, advice)
