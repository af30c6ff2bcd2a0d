"""One processor on one partition: recover, then batch after batch, exactly once. The rules: `streams/pump/__init__.py`.

batch   read -> inputs -> SQL { checkpoint, state, parked, outbox } -> Kafka { outputs, source offsets }
error   abandon what is in flight, stop the producer, wait with a growing pause, recover
"""

import asyncio
import contextlib
from collections.abc import Callable, Sequence

import psycopg
import structlog

from infra.saying import Saying
from infra.waiting import pause_s
from schemas.errors import HubError
from streams.pump import failpoints
from streams.pump.caution import ADVICE, CODE, Caution
from streams.pump.flight import Flight
from streams.pump.parking import Careful, Sequences
from streams.pump.ports import Books, Checkpoint, Committed, Log, Partitions, Place, Producer, Routed, Supply
from streams.pump.positions import LostOwnershipError
from streams.pump.records import Output, Processor, SourceRecord
from streams.pump.recovery import recover
from streams.pump.retrying import Desk
from streams.pump.routing import routed
from streams.pump.troubles import Trouble, trouble_of

BATCH_RECORDS_MAX = 1000
BATCH_BYTES_MAX = 4_000_000
"""Of records as they are after decompression; one larger record is a batch of its own."""
POLL_MS = 500
FORGIVE_S_MAX = 1.0
SAY_AGAIN_S = 10.0
"""A former owner that woke up may have said something else meanwhile."""
ASK_S = 1.0
"""How often the owner of parked records looks whether an operator asks something."""

logger = structlog.get_logger()


class Partition:
    """Runs *processor* on one partition until it is cancelled; *step_back_s* outlasts the session of a zombie.

    *alone* is held while a record is tried with caution: all partitions of a process share it, for when the process
    dies, no innocent record of another partition may stand there as begun.
    """

    def __init__(
        self,
        *,
        processor: Processor,
        place: Place,
        log: Log,
        books: Books,
        producer: Callable[[], Producer],
        supply: Supply,
        partitions: Partitions,
        step_back_s: float,
        alone: asyncio.Lock | None = None,
    ) -> None:
        self._processor = processor
        self._log = log
        self._books = books
        self._new_producer = producer
        self._supply = supply
        self._partitions = partitions
        self._step_back_s = step_back_s
        self._alone = alone or asyncio.Lock()
        self._logger = logger.bind(processor=processor.name, topic=place.topic, partition=place.partition)
        self._saying = Saying(self._write_state, self._logger)
        self._sequences = Sequences()
        self._careful = Careful(processor, books, self._sequences)
        self._desk = Desk(
            processor=processor,
            log=log,
            books=books,
            supply=supply,
            careful=self._careful,
            sequences=self._sequences,
            partitions=partitions,
        )
        self._caution = Caution(Checkpoint(first_offset=0, next_offset=0))
        self._at = Committed(offset=0)
        """Where SQL is; Kafka is there too unless a batch is under way."""
        self._owner = 0
        self._is_first = True
        self._attempts = 0
        self._is_well = False
        """Whether Kafka has taken something, or nothing was to do, since the last trouble."""
        self._seen_offset = -1
        self._rested_at = 0.0
        self._asked_at = 0.0

    async def run(self) -> None:
        """Process the partition; returns only when the partition is halted, else until cancelled."""
        while True:
            flight = Flight(self._processor.name, self._new_producer())
            try:
                await self._recover(flight)
                while True:
                    await self._step(flight)
            except Exception as error:
                trouble = trouble_of(error)
                if trouble is None:
                    raise
                await self._forgive()
                self._log.pause()
                await flight.close()
                if trouble.then == "halt":
                    self._logger.error("partition_halted", code=trouble.code, advice=trouble.advice)  # noqa: TRY400
                    await self._saying.insist("halted", trouble.code, trouble.advice)
                    return
                await self._wait(trouble)
            except asyncio.CancelledError:
                await self._forgive()
                raise
            finally:
                await flight.close()

    async def _recover(self, flight: Flight) -> None:
        found = await recover(
            log=self._log,
            books=self._books,
            producer=flight.producer,
            stateful=self._processor.stateful,
            is_first=self._is_first,
        )
        if self._is_first:
            self._caution = Caution(found.checkpoint)
        self._is_first = False
        self._at = flight.committed = found.committed
        self._owner = found.owner
        self._sequences.load(found.parked)
        self._logger.info(
            "partition_recovered",
            next_offset=found.next_offset,
            from_outbox=found.from_outbox,
            parked=len(found.parked),
            with_caution=self._caution.is_on,
        )

    async def _step(self, flight: Flight) -> None:
        await self._saying.catch_up()
        known = flight.committed
        await flight.wait_for_turn()
        if self._sequences.records:
            await self._serve(flight)
        batch = await self._read(flight)
        if batch:
            await self._think(batch, flight)
        elif flight.is_under_way:
            await flight.land()
        else:
            await self._rest(flight.committed)
        if not self._is_well and (flight.committed != known or not flight.is_under_way):
            await self._saying.say("running")
            self._is_well, self._attempts = True, 0

    async def _read(self, flight: Flight) -> list[SourceRecord]:
        """Return the next batch; with one in flight only what is there already, so that its end is not missed."""
        timeout_ms = 0 if flight.is_under_way else POLL_MS
        fetched = await self._log.read(timeout_ms, 1 if self._caution.is_on else BATCH_RECORDS_MAX)
        return self._cut([record for record in fetched if record.offset >= self._at.offset])

    def _cut(self, fetched: list[SourceRecord]) -> list[SourceRecord]:
        """Return as many of *fetched* as a batch holds, and go back to the first of the others."""
        size = 0
        for index, record in enumerate(fetched):
            size += len(record.value or b"")
            if size > BATCH_BYTES_MAX and index:
                self._log.seek(record.offset)
                return fetched[:index]
        return fetched

    async def _think(self, batch: Sequence[SourceRecord], flight: Flight) -> None:
        """Process *batch*, commit it in SQL and send it off to Kafka."""
        reached = Committed(offset=batch[-1].offset + 1, retries=self._at.retries)
        failpoints.reached(self._processor.name, "after-poll")
        if self._caution.is_on:
            async with self._alone:
                async with self._books.transaction() as transaction:
                    self._expected(await self._books.checkpoint(transaction))
                    await self._books.trying(transaction, batch[0].offset)
                to_send = await self._commit_in_sql(batch, reached, flight)
            self._caution.passed()
        else:
            to_send = await self._commit_in_sql(batch, reached, flight)
        failpoints.reached(self._processor.name, "after-sql-commit")
        self._at = reached
        await flight.send(to_send, reached)

    async def _commit_in_sql(self, batch: Sequence[SourceRecord], reached: Committed, flight: Flight) -> Routed:
        """Commit what *batch* leads to in SQL, and return what Kafka must get."""
        inputs = await self._supply.inputs(batch[-1].written_ms)
        async with self._books.transaction() as transaction:
            seen = self._expected(await self._books.checkpoint(transaction))
            outputs: Sequence[Output] = ()
            if self._caution.suspects(batch[0].offset):
                await self._careful.set_aside(batch[0], CODE, ADVICE, transaction)
            else:
                failpoints.reached_records(self._processor.name, batch)
                outputs = await self._careful.outputs(batch, inputs, transaction)
            to_send = routed(outputs, self._partitions)
            if self._processor.stateful:
                await self._books.forget_outputs(transaction, flight.committed)
                await self._books.keep_outputs(transaction, to_send, reached.offset)
            if reached.offset > seen:
                await self._books.advance(transaction, seen, reached.offset)
        self._careful.committed()
        return to_send

    def _expected(self, stored: Checkpoint | None) -> int:
        """Return the checkpoint to advance from; a stateless processor may find it ahead after a crash."""
        if stored is None or (stored.owner, stored.retries) != (self._owner, self._at.retries):
            raise LostOwnershipError("the checkpoint was moved by another worker")
        if self._processor.stateful and stored.next_offset != self._at.offset:
            raise LostOwnershipError("the checkpoint was moved by another worker")
        return stored.next_offset

    async def _serve(self, flight: Flight) -> None:
        """Do what operators ask for parked records, one after the other."""
        now = asyncio.get_running_loop().time()
        if now - self._asked_at < ASK_S:
            return
        self._asked_at = now
        await flight.land()
        while (done := await self._desk.serve(self._at, self._owner)) is not None:
            failpoints.reached(self._processor.name, failpoints.RETRIED_IN_SQL)
            if done.retries != self._at.retries:
                self._at = Committed(offset=self._at.offset, retries=done.retries)
                await flight.send(done.outputs, self._at)
                await flight.land()
            self._log.seek(self._at.offset)

    async def _rest(self, committed: Committed) -> None:
        """Say how far there was nothing to do, for each position and now and then; forget what Kafka has got."""
        position = await self._log.position()
        now = asyncio.get_running_loop().time()
        if position != self._seen_offset or now - self._rested_at > SAY_AGAIN_S:
            self._rested_at = now
            async with self._books.transaction() as transaction:
                await self._books.seen(transaction, position)
                await self._books.forget_outputs(transaction, committed)
            self._seen_offset = position
        self._caution.trust()

    async def _write_state(self, state: str, code: str, advice: str) -> None:
        async with self._books.transaction() as transaction:
            await self._books.say(transaction, state, code, advice)

    async def _forgive(self) -> None:
        """Take back that a record was begun: what came in between did not end the process."""
        with contextlib.suppress(psycopg.Error, OSError, TimeoutError, HubError):
            async with asyncio.timeout(FORGIVE_S_MAX), self._books.transaction() as transaction:
                stored = await self._books.checkpoint(transaction)
                if stored is not None and stored.owner == self._owner:
                    await self._books.forgive(transaction)

    async def _wait(self, trouble: Trouble) -> None:
        self._is_well = False
        self._attempts += 1
        self._logger.warning("partition_waiting", code=trouble.code, attempt=self._attempts)
        if trouble.then != "step-back":  # then the place is another one's, who says how it is
            await self._saying.say("waiting", trouble.code, trouble.advice)
        await asyncio.sleep(self._step_back_s if trouble.then == "step-back" else pause_s(self._attempts))
