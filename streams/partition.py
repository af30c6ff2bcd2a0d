"""One processor on one partition: recover, then batch after batch, exactly once.

Rule 1: on every start and after every error: start the producer (fences the previous owner), then read the committed
        offset and the checkpoint, publish what the outbox holds beyond Kafka, then seek. Always seek.
Rule 2: SQL commits before Kafka. A crash between the two leaves the outbox (stateful) or an offset (stateless) behind,
        and rule 1 catches up.
Rule 3: a part of the world that is away is waited for, for ever, visibly. A record that cannot be processed is parked,
        and later ones of its key wait behind it. A contradiction halts the partition with advice.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import psycopg
import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError, MessageSizeTooLargeError, ProducerFenced
from psycopg_pool import AsyncConnectionPool

from infra.settings import settings
from infra.topology.credentials import Credentials
from schemas.errors import HubError, MisuseError, RejectedError, UnavailableError
from schemas.names import TopicName
from streams import checkpoints, failpoints
from streams.checkpoints import Checkpoint, LostOwnershipError, Place
from streams.records import Effects, Output, Parked, Processor, SourceRecord, Transaction
from streams.transactions import PartitionProducer, Partitions, target_partition

log = structlog.get_logger()

BATCH_RECORDS_MAX = 1000
BATCH_BYTES_MAX = 4_000_000
"""Of records as they are after decompression; one larger record is a batch of its own."""
POLL_MS = 500
BACKOFF_S_MAX = 5.0
FENCED_WAIT_SESSIONS = 1.7
"""Longer than a session: a zombie that was fenced learns in this time that the partition is not its own."""
AWAY = (
    *(TimeoutError, OSError, UnavailableError, KafkaError),
    *(psycopg.OperationalError, psycopg.InterfaceError, psycopg.InternalError),
)
"""Errors of the world, never of a record. InternalError: the server ended a transaction that stood still too long."""
PARKED_RUN_MAX = 50
"""So many failures in a row are a bad deployment and not bad records: the partition halts."""
NOT_OF_THE_RECORD = (UnavailableError, MisuseError, KafkaError, psycopg.OperationalError, TimeoutError, OSError)
"""Errors for which no record is parked: the world's are waited for, a misuse (unreadable control topic) halts."""


class BadDeploymentError(MisuseError):
    """Record after record fails: the processor is wrong, not the records."""

    code = "too-many-parked"


class PartitionLoop:
    """Runs *processor* on one partition until it is cancelled."""

    def __init__(
        self,
        *,
        processor: Processor,
        consumer: AIOKafkaConsumer,
        source: TopicPartition,
        credentials: Credentials,
        group: str,
        pool: AsyncConnectionPool,
        partitions: Partitions,
    ) -> None:
        self._processor = processor
        self._consumer = consumer
        self._source = source
        self._credentials = credentials
        self._group = group
        self._pool = pool
        self._partitions = partitions
        self._place = Place(processor=processor.name, topic=TopicName(source.topic), partition=source.partition)
        self._log = log.bind(processor=processor.name, topic=source.topic, partition=source.partition)
        self._next_offset = 0
        self._seen_offset = -1
        self._parked_keys: dict[bytes, int] = {}
        """Keys that wait, each from the offset of the first record that is parked."""
        self._parked_run = 0
        self._unsaid: tuple[str, str, str] | None = None

    async def run(self) -> None:
        """Process the partition; returns only when the partition is halted, else until cancelled."""
        attempts = 0
        while True:
            producer = PartitionProducer(self._place, self._credentials, self._group)
            try:
                await self._recover(producer)
                attempts = 0
                while True:
                    await self._step(producer)
            except MessageSizeTooLargeError:
                advice = "an output is larger than the broker takes: raise max.message.bytes of its topic, then restart"
                self._log.error("partition_halted", code="output-too-large", advice=advice)
                await self._halt("output-too-large", advice)
                return
            except (MisuseError, RejectedError) as error:  # rejected by now: an output, not a record
                self._log.error("partition_halted", code=error.code, advice=str(error))
                await self._halt(error.code, str(error))
                return
            except (ProducerFenced, LostOwnershipError):
                self._log.warning("partition_fenced")
                await self._say("waiting", "fenced", "another worker has taken the partition over")
                await asyncio.sleep(settings().session_timeout_ms / 1000 * FENCED_WAIT_SESSIONS)
            except AWAY as error:
                attempts += 1
                code = error.code if isinstance(error, HubError) else type(error).__name__
                self._log.warning("partition_waiting", code=code, attempt=attempts)
                await self._say("waiting", code, "a part of the hub does not answer; it goes on by itself")
                jitter = random.uniform(0.7, 1.0)  # noqa: S311 - not a secret
                await asyncio.sleep(min(BACKOFF_S_MAX, 0.2 * 2 ** min(attempts, 6)) * jitter)
            finally:
                await producer.stop()

    async def _recover(self, producer: PartitionProducer) -> None:
        await producer.start()
        committed = await self._consumer.committed(self._source)
        beginning = (await self._consumer.beginning_offsets([self._source]))[self._source]
        end = (await self._consumer.end_offsets([self._source]))[self._source]
        async with self._transaction() as transaction:
            stored = await checkpoints.read(transaction, self._place)
            reached = checkpoints.resume_at(stored=stored, committed=committed, beginning=beginning, end=end)
            if reached is None:
                await checkpoints.begin(transaction, self._place, beginning)
            pending = await checkpoints.pending_outbox(transaction, self._place, -1 if committed is None else committed)
            self._parked_keys = await checkpoints.parked_keys(transaction, self._place)
            self._parked_keys.pop(b"", None)  # without a key there is no sequence that could wait
        reached = beginning if reached is None else reached
        if self._processor.stateful:
            if committed != reached:
                await producer.commit(pending, reached)
            async with self._transaction() as transaction:
                await checkpoints.clear_outbox(transaction, self._place, reached)
            self._next_offset = reached
        else:
            self._next_offset = committed if committed is not None else (stored or _at(beginning)).first_offset
            if committed is None:
                await producer.commit([], self._next_offset)
        self._consumer.seek(self._source, self._next_offset)
        await self._say("running")
        self._log.info("partition_recovered", next_offset=self._next_offset, from_outbox=len(pending))

    async def _step(self, producer: PartitionProducer) -> None:
        if self._unsaid is not None:  # the database was away when the state changed, and answers by now
            await self._say(*self._unsaid)
        fetched = await self._consumer.getmany(self._source, timeout_ms=POLL_MS, max_records=BATCH_RECORDS_MAX)
        batch = self._cut(
            [
                SourceRecord(
                    topic=self._place.topic,
                    partition=record.partition,
                    offset=record.offset,
                    key=record.key,
                    value=record.value,
                )
                for record in fetched.get(self._source, ())
                if record.offset >= self._next_offset
            ]
        )
        if not batch:
            await self._rest()
            return
        reached = batch[-1].offset + 1
        failpoints.reached(self._place.processor, "after-poll")
        async with self._transaction() as transaction:
            seen = self._expected(await checkpoints.read(transaction, self._place))
            effects = await self._effects(batch, transaction)
            outputs = [(out, target_partition(out.key, self._partitions[out.topic])) for out in effects.outputs]
            if self._processor.stateful:
                await checkpoints.clear_outbox(transaction, self._place, self._next_offset)
                await checkpoints.store_outbox(transaction, self._place, reached, outputs)
            if reached > seen:
                await checkpoints.advance(transaction, self._place, seen, reached)
        failpoints.reached(self._place.processor, "after-sql-commit")
        await producer.commit(outputs, reached)
        failpoints.reached(self._place.processor, "after-kafka-commit")
        self._next_offset = reached

    def _cut(self, fetched: list[SourceRecord]) -> list[SourceRecord]:
        """Return as many of *fetched* as a batch holds, and go back to the first of the others."""
        size = 0
        for index, record in enumerate(fetched):
            size += len(record.value or b"")
            if size > BATCH_BYTES_MAX and index:
                self._consumer.seek(self._source, record.offset)
                return fetched[:index]
        return fetched

    async def _rest(self) -> None:
        """Say how far there was nothing to do, once for each position."""
        position = await self._consumer.position(self._source)
        if position != self._seen_offset:
            async with self._transaction() as transaction:
                await checkpoints.set_seen(transaction, self._place, position)
            self._seen_offset = position

    def _expected(self, stored: Checkpoint | None) -> int:
        """Return the checkpoint to advance from; a stateless processor may find it ahead after a crash."""
        if stored is None or (self._processor.stateful and stored.next_offset != self._next_offset):
            raise LostOwnershipError("the checkpoint was moved by another worker")
        return stored.next_offset

    async def _effects(self, batch: Sequence[SourceRecord], transaction: Transaction) -> Effects:
        """Return the effects of *batch*; the records that cannot be processed are parked in *transaction*."""
        queued = [
            (
                Parked(offset=r.offset, code="behind-parked", advice="waits for an earlier record of its case"),
                r.key or b"",
            )
            for r in batch
            if self._waits(r)
        ]
        flowing = [record for record in batch if not self._waits(record)]
        try:
            async with transaction.transaction():
                effects = await self._processor.process(flowing, transaction) if flowing else Effects()
            self._parked_run = 0
        except NOT_OF_THE_RECORD:
            raise
        except Exception as error:  # noqa: BLE001 - one by one, to find the culprit
            self._log.warning("batch_split", code=_code(error), records=len(flowing))
            effects, found = await self._one_by_one(flowing, transaction)
            queued += found
        await checkpoints.park(transaction, self._place, queued)
        return effects

    def _waits(self, record: SourceRecord) -> bool:
        """Whether *record* comes after a parked one of its key; those before it go again what a crash took back."""
        first = None if record.key is None else self._parked_keys.get(record.key)
        return first is not None and record.offset >= first

    async def _one_by_one(
        self, batch: Sequence[SourceRecord], transaction: Transaction
    ) -> tuple[Effects, list[tuple[Parked, bytes]]]:
        outputs: list[Output] = []
        parked: list[tuple[Parked, bytes]] = []
        for record in batch:
            key = record.key or b""
            if self._waits(record):
                parked.append(
                    (
                        Parked(offset=record.offset, code="behind-parked", advice="waits for an earlier record"),
                        key,
                    )
                )
                continue
            try:
                async with transaction.transaction():
                    outputs += (await self._processor.process([record], transaction)).outputs
                self._parked_run = 0
            except NOT_OF_THE_RECORD:
                raise
            except Exception as error:  # noqa: BLE001 - parked, never dropped
                self._parked_run += 1
                if self._parked_run > PARKED_RUN_MAX:
                    raise BadDeploymentError(
                        "record after record fails; undo the last deployment, then restart"
                    ) from None
                advice = str(error) if isinstance(error, RejectedError) else "an error of the hub; see its log"
                self._log.error("record_parked", offset=record.offset, code=_code(error))
                parked.append((Parked(offset=record.offset, code=_code(error), advice=advice), key))
                if record.key is not None:  # without a key there is no sequence that could wait behind it
                    self._parked_keys[record.key] = record.offset
        return Effects(outputs=outputs), parked

    async def _halt(self, code: str, advice: str) -> None:
        """Say that the partition is halted, however long the database is away."""
        await self._say("halted", code, advice)
        while self._unsaid is not None:
            await asyncio.sleep(BACKOFF_S_MAX)
            await self._say(*self._unsaid)

    async def _say(self, state: str, code: str = "", advice: str = "") -> None:
        self._unsaid = (state, code, advice)
        try:
            async with self._transaction() as transaction:
                await checkpoints.set_state(transaction, self._place, state, code, advice)
        except (psycopg.Error, OSError):
            self._log.warning("state_not_written", state=state, code=code)
        else:
            self._unsaid = None

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[Transaction]:
        async with self._pool.connection() as connection:
            yield connection


def _at(offset: int) -> Checkpoint:
    return Checkpoint(first_offset=offset, next_offset=offset)


def _code(error: Exception) -> str:
    return error.code if isinstance(error, HubError) else type(error).__name__
