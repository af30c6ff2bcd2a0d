"""What an error means for a partition: wait, step back, or stand still; with advice, and never a value."""

from dataclasses import dataclass
from typing import Literal

import psycopg
from aiokafka.errors import (
    ClusterAuthorizationFailedError,
    GroupAuthorizationFailedError,
    MessageSizeTooLargeError,
    ProducerFenced,
    TopicAuthorizationFailedError,
    TransactionalIdAuthorizationFailed,
    UnknownTopicOrPartitionError,
)

from infra.waiting import AWAY
from schemas.errors import MisuseError, RejectedError, code_of
from streams.pump.positions import LostOwnershipError
from streams.pump.supply import ClockBehindError

NOT_OF_THE_RECORD = (*AWAY, MisuseError)
"""Errors for which no record is parked: the world's are waited for, a misuse (unreadable control topic) halts."""
NO_RIGHT = (
    *(TopicAuthorizationFailedError, GroupAuthorizationFailedError),
    *(TransactionalIdAuthorizationFailed, ClusterAuthorizationFailedError),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """What becomes of a partition, and what an operator reads about it."""

    then: Literal["wait", "step-back", "halt"]
    code: str
    advice: str


TOPIC_MISSING = Trouble(
    then="wait",
    code="topic-missing",
    advice="a topic does not exist: `hub topology apply` makes it; it goes on by itself",
)
NO_RIGHT_LEFT = Trouble(
    then="wait",
    code="not-authorised",
    advice="the processor has lost a right on the broker: `hub topology apply` gives it; it goes on by itself",
)


def trouble_of(error: Exception) -> Trouble | None:
    """Return what *error* means for a partition; None for one that nobody foresaw."""
    match error:
        case MessageSizeTooLargeError():
            advice = "an output is larger than the broker takes: raise max.message.bytes of its topic, then restart"
            return Trouble(then="halt", code="output-too-large", advice=advice)
        case MisuseError() | RejectedError():  # rejected by now: an output, not a record
            return Trouble(then="halt", code=error.code, advice=str(error))
        case ProducerFenced() | LostOwnershipError():
            return Trouble(then="step-back", code="fenced", advice="another worker has taken the partition over")
        case UnknownTopicOrPartitionError():
            return TOPIC_MISSING
        case ClockBehindError():
            return Trouble(then="wait", code=error.code, advice=f"{error}; it goes on by itself")
        case _ if isinstance(error, psycopg.errors.DiskFull) or isinstance(error.__context__, psycopg.errors.DiskFull):
            advice = "PostgreSQL has no room on its disk: make room; it goes on by itself"
            return Trouble(then="wait", code="database-disk-full", advice=advice)
        case _ if isinstance(error, NO_RIGHT):
            return NO_RIGHT_LEFT
        case _ if isinstance(error, AWAY):
            return Trouble(
                then="wait", code=code_of(error), advice="a part of the hub does not answer; it goes on by itself"
            )
    return None
