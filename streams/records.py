"""What goes into a processor and what comes out: plain values, without a trace of the Kafka client."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import psycopg

from schemas.names import TopicName

Transaction = psycopg.AsyncConnection[tuple[object, ...]]
"""A connection inside the SQL transaction of a batch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRecord:
    """One record as it was read; its representation hides the content."""

    topic: TopicName
    partition: int
    offset: int
    key: bytes | None = field(repr=False)
    value: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """One record to be written; without a key it goes to partition 0."""

    topic: TopicName
    key: bytes | None = field(default=None, repr=False)
    value: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Parked:
    """A record that could not be processed: why, and what an operator should do."""

    offset: int
    code: str
    advice: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Effects:
    """What a batch leads to; the pump commits all of it or nothing."""

    outputs: Sequence[Output] = ()
    parked: Sequence[Parked] = ()


class Processor(Protocol):
    """One step between topics. Everything it needs from the world is read in `process`; its rules are pure."""

    name: str
    topics: Sequence[TopicName]
    stateful: bool
    """Whether its SQL state must advance together with its offsets: then outputs go through the outbox."""

    async def process(self, batch: Sequence[SourceRecord], transaction: Transaction) -> Effects:
        """Return what *batch* (one partition, in order) leads to; state is written inside *transaction*.

        Raises UnavailableError when a part of the world is away (the batch is tried again) and RejectedError when
        a record cannot be processed (the pump then tries the records one by one and parks the culprit).
        """
