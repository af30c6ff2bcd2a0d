"""Retrying: what an operator asks for parked records, done by the owner of the partition, exactly once.

1  Nothing is touched before all that was sent has landed and SQL is where Kafka is: so the order of a key holds.
2  A retry is one SQL transaction (state, outputs into the outbox, out of parking, number of retries by compare-and-set)
and one Kafka transaction that commits the number with the outputs. A crash between them is caught up by recovery.
3  After a success the next record of the key is tried as well; one that fails again stays, with the others behind it.
4  One at which the process died TRIES_MAX times is not tried once more until it is asked for again.
5  A discard does the same with what `Processor.discard` says instead of the record's outputs.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from schemas.errors import UnavailableError
from streams.pump.caution import ADVICE, CODE, TRIES_MAX
from streams.pump.parking import Careful, Sequences
from streams.pump.ports import Books, Checkpoint, Committed, Log, Partitions, Request, Routed, Supply
from streams.pump.positions import LostOwnershipError
from streams.pump.records import Inputs, Output, Parked, Processor, SourceRecord, Transaction
from streams.pump.routing import routed

logger = structlog.get_logger()
POLL_MS = 5_000
GONE = "record-gone"
GONE_ADVICE = "the topic no longer holds the record: restore it and retry, or discard it with the reason"


class RecordAwayError(UnavailableError):
    """The broker did not give a parked record in time."""

    code = "record-away"


@dataclass(frozen=True, slots=True, kw_only=True)
class Retried:
    """What is to be committed to Kafka after a retry."""

    outputs: Routed
    retries: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Serves the requests of operators on one partition."""

    processor: Processor
    log: Log
    books: Books
    supply: Supply
    careful: Careful
    sequences: Sequences
    partitions: Partitions

    async def serve(self, at: Committed, owner: int) -> Retried | None:
        """Do the next thing that is asked, in SQL, and return what Kafka must get; None when nothing is asked.

        Everything sent has landed, and Kafka is at *at*. The log stands elsewhere afterwards: seek.
        """
        async with self.books.transaction() as transaction:
            caught_up = self._owns(await self.books.checkpoint(transaction), at, owner)
            asked = await self.books.request(transaction) if caught_up else None
            if asked is not None and asked.tried >= TRIES_MAX:
                await self.books.fail_again(transaction, _deadly(asked))
                return Retried(outputs=(), retries=at.retries)
            if asked is not None:
                await self.books.begun(transaction, asked)
        if asked is None:
            return None
        record = await self._read(asked)
        inputs = await self.supply.inputs()
        async with self.books.transaction() as transaction:
            self._owns(await self.books.checkpoint(transaction), at, owner)
            again = await self.books.request(transaction)
            if again is None or (again.offset, again.action) != (asked.offset, asked.action):
                return Retried(outputs=(), retries=at.retries)  # an operator has said something else meanwhile
            outputs = await self._outputs(asked, record, inputs, transaction)
            if isinstance(outputs, Parked):
                await self.books.fail_again(transaction, outputs)
                return Retried(outputs=(), retries=at.retries)
            await self.books.release(transaction, asked)
            await self.books.advance_retries(transaction, at.retries + 1)
            found = routed(outputs, self.partitions)
            await self.books.keep_outputs(transaction, found, at.offset, at.retries + 1)
            self.sequences.load(await self.books.parked(transaction))
        logger.info("parked_record_released", processor=self.processor.name, offset=asked.offset, action=asked.action)
        return Retried(outputs=found, retries=at.retries + 1)

    def _owns(self, stored: Checkpoint | None, at: Committed, owner: int) -> bool:
        """Return whether SQL is at *at* too, and not ahead as that of a stateless processor may be after a crash.

        Raises LostOwnershipError when another worker has gone on, by a batch or by a retry.
        """
        moved = stored is None or (stored.owner, stored.retries) != (owner, at.retries)
        if stored is None or moved or stored.next_offset < at.offset:
            raise LostOwnershipError("the checkpoint was moved by another worker")
        if stored.next_offset > at.offset and self.processor.stateful:
            raise LostOwnershipError("the checkpoint was moved by another worker")
        return stored.next_offset == at.offset

    async def _read(self, asked: Request) -> SourceRecord | None:
        """Return the record, None when the topic holds it no longer; a broker that is slow is no proof of that."""
        beginning, end = await self.log.bounds()
        if not beginning <= asked.offset < end:
            return None
        self.log.seek(asked.offset)
        found = await self.log.read(POLL_MS, 1)
        if not found:
            raise RecordAwayError("a parked record could not be read in time; it is tried again")
        return found[0] if found[0].offset == asked.offset else None

    async def _outputs(
        self, asked: Request, record: SourceRecord | None, inputs: Inputs, transaction: Transaction
    ) -> Sequence[Output] | Parked:
        is_discard = asked.action == "discard"
        if record is not None:
            return await self.careful.one(record, inputs, transaction, discard=is_discard)
        return () if is_discard else Parked(offset=asked.offset, key=asked.key, code=GONE, advice=GONE_ADVICE)


def _deadly(asked: Request) -> Parked:
    return Parked(offset=asked.offset, key=asked.key, code=CODE, advice=ADVICE)
