"""What an event of the ledger says of questions: that one is asked, answered, or over. Pure.

Read is only what the ledger has in clear: ids, codes and moments.
"""

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import cast

from infra.topology.answers import Answers, Speaker
from schemas.codec import Record
from streams.delivery.questions import Asked, Parties, Question


def said_in(name: str, record: Record, answers: Answers, country_of: Mapping[str, str]) -> Iterator[Question]:
    """Yield what the event *name* of the ledger says of questions of *answers*; its speaker is who published it."""
    at = cast("dt.datetime", record["received_at"])
    if name == answers.question:
        parties = _parties(record, answers, "ASKER")
        yield Question(parties=parties, asked=_asked(record, answers, at))
    if name == answers.answered_by and _may_answer(record, answers, country_of):
        yield Question(parties=_parties(record, answers, "ADDRESSEE"), answered_at=at)
    for ending in answers.ended_by:
        if ending.event == name:
            for speaker in ending.said_by:
                yield Question(parties=_parties(record, answers, speaker), ended_at=at)


def _asked(record: Record, answers: Answers, at: dt.datetime) -> Asked:
    urgency = None if answers.urgency is None else cast("str | None", record.get(answers.urgency))
    warn_at, breach_at = answers.limits(at, urgency, cast("dt.datetime | None", record.get(answers.due)))
    envelope = cast("Record", record["envelope"])
    return Asked(
        at=at, id=str(envelope["event_id"]), agency=str(envelope["agency"]), warn_at=warn_at, breach_at=breach_at
    )


def _parties(record: Record, answers: Answers, speaker: Speaker) -> Parties:
    """Return whose question *record* is about when its publisher is the *speaker*; states are named in every event."""
    if answers.between == "STATES":
        asker, addressee = str(record["requesting_state"]), str(record["requested_state"])
    else:
        own, other = _agency(record), str(record["to_agency"])
        asker, addressee = (own, other) if speaker == "ASKER" else (other, own)
    return Parties(answers.question, str(record[answers.reference]).lower(), asker, addressee)


def _may_answer(record: Record, answers: Answers, country_of: Mapping[str, str]) -> bool:
    """Whether the publisher answers for whom it says: for a state any agency of it does, and no other."""
    return answers.between == "AGENCIES" or country_of.get(_agency(record)) == record["requested_state"]


def _agency(record: Record) -> str:
    return str(cast("Record", record["envelope"])["agency"])
