"""Recovery: on every start and after every error, so that nothing SQL has seen is lost, repeated or overtaken.

1  Start the producer. It fences the previous owner and ends its open transaction: now what Kafka says is final.
2  Read what Kafka has committed, what SQL has stored, and the bounds of the log. Halt when they contradict.
3  Publish what the outbox holds beyond Kafka, in order, with the position that belongs to it.
4  Seek: a stateful processor to where SQL is, a stateless one to where Kafka is. Always seek, also on a first start.
"""

from dataclasses import dataclass

from streams.pump.ports import Books, Checkpoint, Committed, Log, Producer
from streams.pump.positions import ContradictionError, resume_at

OLD_OUTBOX = (
    "the outbox holds outputs from before the checkpoint was taken away: look whether their topics have them, "
    "publish those that are missing, delete them from streams.outbox, then restart the worker"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovered:
    """Where a partition goes on."""

    committed: Committed
    """What Kafka has now."""
    checkpoint: Checkpoint
    owner: int
    """Number of the owner that this recovery has made."""
    parked: tuple[tuple[bytes | None, int], ...]
    from_outbox: int
    """How many outputs had to be published."""

    @property
    def next_offset(self) -> int:
        """Return the offset of the next record to process."""
        return self.committed.offset


async def recover(*, log: Log, books: Books, producer: Producer, stateful: bool, is_first: bool) -> Recovered:
    """Bring Kafka to where SQL is and return where to go on; the log stands there.

    *is_first* says that this owner has just been given the partition. Raises ContradictionError.
    """
    await producer.start()
    committed = await log.committed()
    beginning, end = await log.bounds()
    async with books.transaction() as transaction:
        stored = await books.checkpoint(transaction)
        pending = await books.pending_outputs(transaction, committed or Committed(offset=-1))
        if resume_at(stored=stored, committed=committed, beginning=beginning, end=end) is None:
            if pending:  # whether Kafka has them nobody knows any more
                raise ContradictionError(OLD_OUTBOX)
            await books.begin(transaction, beginning)
        owner = await books.own(transaction, is_first=is_first and stored is not None)
        parked = tuple(await books.parked(transaction))
    checkpoint = stored or Checkpoint(first_offset=beginning, next_offset=beginning)
    kafka_at = checkpoint.first_offset if committed is None else committed.offset
    offset = checkpoint.next_offset if stateful else kafka_at
    reached = Committed(offset=offset, retries=checkpoint.retries)
    if committed != reached:
        await producer.commit(pending, reached)
    async with books.transaction() as transaction:
        await books.forget_outputs(transaction, reached)
    log.seek(reached.offset)
    log.resume()
    return Recovered(committed=reached, checkpoint=checkpoint, owner=owner, parked=parked, from_outbox=len(pending))
