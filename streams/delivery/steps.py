"""What the hub knows by itself of a delivery, and how each step is told. Pure."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, cast

from infra.topology.clocks import RECALLED
from schemas.codec import Codec, Record
from schemas.names import TopicName
from streams.delivery.ladder import ADVICE, About, Claim, Ladder, Reached, Refusal
from streams.delivery.questions import Answered
from streams.hub_records import hub_output
from streams.pump.records import Output

DELIVERIES = TopicName("deliveries")


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """That one recipient gets, or does not get, an event or a recall."""

    recipient: str
    id: str
    about: About
    event_type: str
    agency: str | None
    released: bool
    reasons: Sequence[str] = ()
    at: dt.datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Late:
    """A limit that has passed without the step."""

    recipient: str
    id: str
    about: About | Literal["QUESTION"]
    event_type: str
    agency: str | None
    step: str
    outcome: str
    """WARNED or OVERDUE."""
    at: dt.datetime


def decided(record: Record) -> Decided:
    """Return what the Decision *record* says."""
    return Decided(
        recipient=str(record["audience"]),
        id=str(record["event_id"]),
        about="EVENT",
        event_type=str(record["event_type"]),
        agency=str(record["agency"]),
        released=record["outcome"] == "RELEASED",
        reasons=tuple(cast("list[str]", record["reasons"])),
        at=cast("dt.datetime", record["decided_at"]),
    )


def recalled(record: Record, recipient: str) -> Decided:
    """Return that *recipient* gets the recall *record*."""
    return Decided(
        recipient=recipient,
        id=str(record["recall_id"]),
        about="RECALL",
        event_type=RECALLED,
        agency=None,
        released=True,
        at=cast("dt.datetime", record["recalled_at"]),
    )


def told_relayed(each: Decided, outcome: str, codec: Codec) -> Output:
    """Return that *each* was relayed."""
    return _told(each, "RELAYED", outcome, each.at, codec)


def told_reached(ladder: Ladder, step: Reached, claim: Claim, codec: Codec) -> Output:
    """Return that *ladder* has reached *step*, because of *claim*."""
    return _told(ladder, step.step, step.outcome, step.at, codec, feed_offset=claim.feed_offset, said_at=claim.said_at)


def told_late(late: Late, codec: Codec) -> Output:
    """Return that a step has not been reached in time."""
    return _told(late, late.step, late.outcome, late.at, codec)


def told_answered(each: Answered, codec: Codec) -> Output:
    """Return that a question has its answer."""
    return _told(each, "ANSWERED", each.outcome, each.at, codec)


def told_refused(refusal: Refusal, now: dt.datetime, codec: Codec) -> Output:
    """Return that an acknowledgement moved nothing."""
    content: Record = {
        "partner": refusal.recipient,
        "acknowledgement_offset": refusal.acknowledgement_offset,
        "position": refusal.position,
        "feed_offset": refusal.feed_offset,
        "rule": refusal.rule,
        "advice": ADVICE[refusal.rule],
        "refused_at": now,
    }
    return hub_output(DELIVERIES, "AcknowledgementRefused", content, codec)


def _told(
    each: Decided | Ladder | Late | Answered,
    step: str,
    outcome: str,
    at: dt.datetime,
    codec: Codec,
    *,
    feed_offset: int | None = None,
    said_at: dt.datetime | None = None,
) -> Output:
    content: Record = {
        "about": each.about,
        "id": each.id,
        "event_type": each.event_type,
        "agency": each.agency,
        "recipient": each.recipient,
        "feed_offset": feed_offset,
        "step": step,
        "outcome": outcome,
        "at": at,
        "said_at": said_at,
    }
    return hub_output(DELIVERIES, "DeliveryTold", content, codec)
