"""The rules of the ladder, pure: what an acknowledgement moves, what it must name, and what is late.

An acknowledgement is judged by the record of the feed that it names, and by nothing that its writer says otherwise.

 the record and its decision are known and it names both   it moves the ladder, once; a repetition changes nothing
 the offset holds another record                           refused
 nothing is at the offset, and the hub has read beyond it  refused
 the feed ended before the offset when it was asked        refused: it was said before it could be known
 anything else                                             it waits: the hub reads feeds, decisions and
                                                           acknowledgements in any order
"""

import datetime as dt
from dataclasses import dataclass
from typing import Literal

from infra.topology.limits import Limit

Step = Literal["DELIVERED", "RETRIEVED", "APPLIED"]
About = Literal["EVENT", "RECALL"]
Outcome = Literal["REACHED", "LATE"]
LAST: dict[About, Step] = {"EVENT": "RETRIEVED", "RECALL": "APPLIED"}
"""The step with which a ladder ends."""
ADVICE = {
    "unreadable": "write records of hub.v1.Acknowledged, in the wire format and with the schema of your own topic",
    "another-partner": "write your own id as `partner`",
    "unknown-step": "say DELIVERED, RETRIEVED or, of a recall, APPLIED",
    "too-many": "name 1 to 1000 records",
    "malformed-id": "write the id as the feed gave it, a UUID",
    "malformed-offset": "write the offset as the feed gave it, 0 or more",
    "another-record": "name the offset and the id of one record, as the feed gave them",
    "nothing-there": "no record is at this offset of your feed: name the offset that the feed gave",
    "beyond-the-end": "your feed ends before this offset: acknowledge what you have read",
    "wrong-step": "an event is DELIVERED and RETRIEVED, a recall DELIVERED and APPLIED",
}
"""What to do about each rule that an acknowledgement can break."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What an acknowledgement says of one record."""

    recipient: str
    acknowledgement_offset: int
    position: int
    feed_offset: int
    id: str
    step: Step
    said_at: dt.datetime
    heard_at: dt.datetime
    """When the hub read it, by its own clock: this is what counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """An acknowledgement that moves nothing."""

    recipient: str
    acknowledgement_offset: int
    position: int
    feed_offset: int | None
    rule: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ladder:
    """How far one event, or recall, has come on its way to one recipient."""

    recipient: str
    id: str
    about: About
    event_type: str
    agency: str | None
    released: bool
    delivered_at: dt.datetime | None = None
    finished_at: dt.datetime | None = None
    delivery_breach_at: dt.datetime | None = None
    finish_breach_at: dt.datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the hub has read that an acknowledgement can be judged by."""

    id_at_offset: str | None
    """What is at the offset that it names, None for nothing or nothing yet."""
    ladder: Ladder | None
    """Of what is at the offset."""
    read_to: int
    """All before this offset of the feed has been read."""
    end: int | None = None
    """Where the feed ended after the acknowledgement was heard, None when that was not asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """A step that is reached now."""

    step: Step
    at: dt.datetime
    outcome: Outcome


def refused_rule(claim: Claim, known: Known) -> str | None:
    """Return the rule that *claim* breaks by what is *known*, None when it breaks none so far."""
    if known.id_at_offset is None:
        if claim.feed_offset < known.read_to:
            return "nothing-there"
        return "beyond-the-end" if known.end is not None and claim.feed_offset >= known.end else None
    if known.id_at_offset != claim.id:
        return "another-record"
    if known.ladder is None or not known.ladder.released:
        return None  # its decision comes: what is on a feed was released
    return None if claim.step in ("DELIVERED", LAST[known.ladder.about]) else "wrong-step"


def is_settled(known: Known) -> bool:
    """Return whether an acknowledgement that breaks no rule can be entered by now."""
    return known.id_at_offset is not None and known.ladder is not None and known.ladder.released


def reached(ladder: Ladder, claim: Claim) -> tuple[Reached, ...]:
    """Return the steps that *claim*, which breaks no rule, adds to *ladder*: none when it says what is known.

    What is retrieved or applied is delivered.
    """
    found = []
    if ladder.delivered_at is None:
        found.append(_reached("DELIVERED", claim.heard_at, ladder.delivery_breach_at))
    if ladder.finished_at is None and claim.step == LAST[ladder.about]:
        found.append(_reached(claim.step, claim.heard_at, ladder.finish_breach_at))
    return tuple(found)


def relayed_in_time(limit: Limit, accepted_at: dt.datetime | None, relayed_at: dt.datetime) -> Outcome:
    """Return whether what was accepted was relayed before its breach; what came before there was a record was."""
    return "LATE" if accepted_at is not None and relayed_at >= limit.breach_at(accepted_at) else "REACHED"


def _reached(step: Step, at: dt.datetime, breach_at: dt.datetime | None) -> Reached:
    return Reached(step=step, at=at, outcome="LATE" if breach_at is not None and at >= breach_at else "REACHED")
