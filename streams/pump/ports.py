"""What the rules of the pump need from the world: a log to read, books to keep, a producer, and inputs."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from schemas.names import TopicName
from streams.pump.records import Inputs, Output, Parked, SourceRecord, Transaction

Routed = Sequence[tuple[Output, int]]
"""Outputs, each with the partition of its topic."""
Partitions = Mapping[TopicName, int]
"""How many partitions each output topic has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One processor on one partition."""

    processor: str
    topic: TopicName
    partition: int

    @property
    def key(self) -> tuple[str, str, int]:
        """Return the primary key of the place in every table."""
        return (self.processor, self.topic, self.partition)


@dataclass(frozen=True, slots=True, kw_only=True)
class Committed:
    """What Kafka has committed for a place: all before *offset*, and the retries up to *retries*."""

    offset: int
    retries: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """Where a processor is on a partition, as SQL knows it."""

    first_offset: int
    """Where it began; equal to *next_offset* until the first batch."""
    next_offset: int
    retries: int = 0
    """How many parked records have been tried again with success, or discarded."""
    owner: int = 0
    """Number of the owner, one more with each recovery: one that was overtaken finds another number."""
    starts: int = 0
    """How many owners have started on *next_offset* without getting beyond it."""
    trying_offset: int | None = None
    """The record that was begun by itself, with caution, and has not been finished."""
    tried: int = 0
    """How often it has been begun."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What an operator wants done with a parked record."""

    offset: int
    key: bytes | None
    action: str
    """`retry`, or `discard`."""
    tried: int = 0
    """How often it has been begun and not finished."""


class Log(Protocol):
    """The reader's side of one partition."""

    async def committed(self) -> Committed | None:
        """Return what the group has committed, None before the first commit."""

    async def bounds(self) -> tuple[int, int]:
        """Return the offsets of the beginning and the end of the log."""

    async def position(self) -> int:
        """Return the offset of the next record to read; markers of transactions count in it."""

    async def read(self, timeout_ms: int, records_max: int) -> list[SourceRecord]:
        """Return the next records, none when there are none within *timeout_ms*."""

    def seek(self, offset: int) -> None:
        """Read on from *offset*."""

    def pause(self) -> None:
        """Fetch nothing for the partition until `resume`."""

    def resume(self) -> None:
        """Fetch again."""


class Producer(Protocol):
    """The transactional producer of a place."""

    async def start(self) -> None:
        """Fence the previous owner: its open transaction is aborted before this returns."""

    async def commit(self, outputs: Routed, reached: Committed) -> None:
        """Write *outputs* and the position *reached* in one transaction; return when Kafka has both."""

    async def stop(self) -> None:
        """Stop whatever state the producer is in."""


class Supply(Protocol):
    """Where inputs come from."""

    async def inputs(self, written_ms: int | None = None) -> Inputs:
        """Return time, control records read to their end, and nonces for a batch last written to at *written_ms*.

        Raises UnavailableError when that has not come yet: then the hub's clock is wrong.
        """


class Books(Protocol):
    """The SQL side of a place; every method but `transaction` works inside one."""

    def transaction(self) -> AbstractAsyncContextManager[Transaction]:
        """Open a transaction that commits at the end of the block and rolls back on an error."""

    def savepoint(self, transaction: Transaction) -> AbstractAsyncContextManager[object]:
        """Take back what the block did when it ends by an error, and nothing else."""

    async def checkpoint(self, transaction: Transaction) -> Checkpoint | None:
        """Return the checkpoint, locked until the transaction ends; None before the first start."""

    async def begin(self, transaction: Transaction, offset: int) -> None:
        """Record that the place starts at *offset*; LostOwnershipError when another one was quicker."""

    async def own(self, transaction: Transaction, *, is_first: bool) -> int:
        """Become the owner of the checkpoint and return the number; count a start when *is_first*."""

    async def forgive(self, transaction: Transaction) -> None:
        """Take back all counts of starts and attempts: what failed did not end the process."""

    async def trying(self, transaction: Transaction, offset: int) -> None:
        """Count one more attempt at the record at *offset*, by itself."""

    async def advance(self, transaction: Transaction, seen: int, reached: int) -> None:
        """Move the checkpoint from *seen* to *reached*; LostOwnershipError when it is not at *seen*."""

    async def advance_retries(self, transaction: Transaction, reached: int) -> None:
        """Move the number of retries to *reached* from the one before; LostOwnershipError when it is not there."""

    async def keep_outputs(self, transaction: Transaction, outputs: Routed, reached: int, retry: int = 0) -> None:
        """Keep *outputs* of the batch up to *reached*, or of a retry, until Kafka has them."""

    async def pending_outputs(self, transaction: Transaction, committed: Committed) -> Routed:
        """Return the outputs that are kept and that Kafka, at *committed*, has not got yet; in order."""

    async def forget_outputs(self, transaction: Transaction, committed: Committed) -> None:
        """Forget the outputs that Kafka, at *committed*, has got."""

    async def parked(self, transaction: Transaction) -> Sequence[tuple[bytes | None, int]]:
        """Return key and offset of every record that is parked, by offset."""

    async def park(self, transaction: Transaction, parked: Sequence[Parked]) -> None:
        """Set *parked* records aside; the same record again changes nothing."""

    async def request(self, transaction: Transaction) -> Request | None:
        """Return the first parked record for which an operator asks something."""

    async def begun(self, transaction: Transaction, asked: Request) -> None:
        """Count one more attempt at what is asked."""

    async def release(self, transaction: Transaction, done: Request) -> None:
        """Take a record out of parking; the next one of its key is tried as well."""

    async def fail_again(self, transaction: Transaction, parked: Parked) -> None:
        """Keep a record parked that failed again, with its new error."""

    async def say(self, transaction: Transaction, state: str, code: str = "", advice: str = "") -> None:
        """Say what happens on the place, for `hub status`."""

    async def seen(self, transaction: Transaction, position: int) -> None:
        """Record that all runs, and that there was nothing to do before *position*."""
