"""The rules of questions, pure: what belongs to one, whose word counts, and what is told of its answer.

What each event says of a question is a question of which little is known; two that are about the same become one, in
whatever order they are read: of several askings the first one counts, of several answers, and of endings, too.

Rule 1: only the addressee answers. What anybody else says is of another pair of parties, and meets no question.
Rule 2: between agencies a reference of two askers is two questions: ids are unique to their agency alone.
Rule 3: a question that has ended never warns again, and an answer that came after the end is not told.
"""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, NamedTuple

from streams.delivery.ladder import Outcome


class Parties(NamedTuple):
    """Who asks whom what: the name of a question."""

    event_type: str
    reference: str
    """A UUID."""
    asker: str
    """An agency, or the code of a state."""
    addressee: str


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Asked:
    """The event that asks; the first of several, by the hub's clock, is the least."""

    at: dt.datetime
    id: str
    agency: str
    warn_at: dt.datetime
    breach_at: dt.datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """All that has been read of one question."""

    parties: Parties
    asked: Asked | None = None
    """None when only answers and endings have been read."""
    answered_at: dt.datetime | None = None
    ended_at: dt.datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """That a question has its answer; told like a step on a ladder."""

    recipient: str
    id: str
    about: Literal["QUESTION"] = "QUESTION"
    event_type: str
    agency: str
    outcome: Outcome
    at: dt.datetime


def joined(one: Question, other: Question) -> Question:
    """Return what both say together of the same question."""
    return Question(
        parties=one.parties,
        asked=min(filter(None, (one.asked, other.asked)), default=None),
        answered_at=_first(one.answered_at, other.answered_at),
        ended_at=_first(one.ended_at, other.ended_at),
    )


def gathered(several: Iterable[Question]) -> dict[Parties, Question]:
    """Return what *several* say together, by parties."""
    found: dict[Parties, Question] = {}
    for each in several:
        before = found.get(each.parties)
        found[each.parties] = each if before is None else joined(before, each)
    return found


def answer_told(before: Question | None, after: Question) -> Answered | None:
    """Return the answer that *after* has and *before* had not, None when there is nothing to tell.

    Of a question that had ended before its answer nobody waits for one.
    """
    if after.asked is None or after.answered_at is None:
        return None
    if before is not None and before.asked is not None and before.answered_at is not None:
        return None
    if after.ended_at is not None and after.ended_at <= after.answered_at:
        return None
    return Answered(
        recipient=after.parties.addressee,
        id=after.asked.id,
        event_type=after.parties.event_type,
        agency=after.asked.agency,
        outcome="LATE" if after.answered_at >= after.asked.breach_at else "REACHED",
        at=after.answered_at,
    )


def _first(*moments: dt.datetime | None) -> dt.datetime | None:
    return min((each for each in moments if each is not None), default=None)
