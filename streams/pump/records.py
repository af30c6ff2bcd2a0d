"""What goes into a processor and what comes out: plain values, without a trace of the Kafka client."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import psycopg

from infra.control import ControlState
from schemas.names import TopicName
from schemas.sealing import Nonce

Transaction = psycopg.AsyncConnection[tuple[object, ...]]
"""A connection inside the SQL transaction of a batch."""


class SourceRecord(NamedTuple):
    """One record as it was read; its representation hides the content. A tuple: made for every record that flows."""

    topic: TopicName
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    written_ms: int | None = None
    """When the broker wrote it, UTC; None where its writer said when."""

    def __repr__(self) -> str:
        return f"SourceRecord({self.topic}-{self.partition}@{self.offset})"


class Output(NamedTuple):
    """One record to be written; without a key it goes to partition 0. Its representation hides the content."""

    topic: TopicName
    value: bytes
    key: bytes | None = None
    timestamp_ms: int | None = None
    """UTC; None for the time of writing. Only topics that say so keep it."""

    def __repr__(self) -> str:
        return f"Output({self.topic})"

    @property
    def size_bytes(self) -> int:
        """Return how much of a message it fills."""
        return len(self.value) + len(self.key or b"")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parked:
    """A record that could not be processed: under which key, why, and what an operator should do."""

    offset: int
    key: bytes | None = field(repr=False)
    code: str
    advice: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """What a processor may know of the world; the same inputs and records give the same outputs."""

    now: dt.datetime
    """The hub's time, UTC, in whole milliseconds."""
    control: ControlState
    """What the control topics said when the batch began; empty for a processor that asks for none."""
    nonce: Nonce
    """Draws 12 random bytes for one seal."""


class Processor(Protocol):
    """One step between topics; its rules are pure, and what they need from SQL is read in `process`."""

    name: str
    topics: Sequence[TopicName]
    stateful: bool
    """Whether its SQL state must advance together with its offsets: then outputs go through the outbox."""
    keyed: bool
    """Whether the hub gave its records their keys. What an agency wrote into a key may be a name: it is not kept."""

    async def process(
        self, batch: Sequence[SourceRecord], inputs: Inputs, transaction: Transaction
    ) -> Sequence[Output]:
        """Return what *batch* (one partition, in order) leads to; state is written inside *transaction*.

        Raises UnavailableError when a part of the world is away (the batch is tried again). Any other error is a
        record's: the pump then tries the records one by one and parks the culprit.
        """

    async def discard(self, record: SourceRecord, inputs: Inputs, transaction: Transaction) -> Sequence[Output]:
        """Return who has to be told that *record* was parked and then discarded by an operator."""
