"""Questions: only the addressee answers, once, and whatever the order in which the ledger is read."""

import datetime as dt
import random
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.topology.answers import Answers
from infra.topology.clocks import load_clocks
from schemas.codec import Record
from streams.delivery.asking import said_in
from streams.delivery.questions import Answered, Parties, Question, answer_told, gathered, joined

NOW = dt.datetime(2026, 3, 3, 8, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
REFERRAL, EXTRADITION, ASSISTANCE = load_clocks().answers
AGENCIES = ["rs-police", "bg-police", "rs-counselling"]
COUNTRY_OF = {"rs-police": "SRB", "bg-police": "BGR", "rs-counselling": "SRB"}
REFERENCES = [str(uuid.UUID(int=number)) for number in range(2)]


@dataclass(frozen=True)
class Said:
    """An event of the ledger, in the fields that matter."""

    name: str
    agency: str
    to: str
    reference: str
    hours: int
    urgency: str = "IMMEDIATE"
    due_hours: int | None = None
    event_id: str = REFERENCES[0]

    @property
    def at(self) -> dt.datetime:
        return NOW + self.hours * HOUR

    @property
    def record(self) -> Record:
        due_at = None if self.due_hours is None else NOW + self.due_hours * HOUR
        return {
            "envelope": {"event_id": self.event_id, "agency": self.agency},
            "received_at": self.at,
            "referral_id": self.reference.upper(),
            "request_id": self.reference,
            "to_agency": self.to,
            "requesting_state": "SRB",
            "requested_state": self.to,
            "urgency": self.urgency,
            "answer_due_at": due_at,
            "deadline_at": due_at,
        }

    def questions(self, answers: Answers = REFERRAL) -> list[Question]:
        return list(said_in(self.name, self.record, answers, COUNTRY_OF))


SAID = st.builds(
    Said,
    st.sampled_from(["ReferralOffered", "ReferralAnswered", "ReferralRevoked", "ReferralClosed", "ServiceProvided"]),
    st.sampled_from(AGENCIES),
    st.sampled_from(AGENCIES),
    st.sampled_from(REFERENCES),
    st.integers(0, 20),
    st.sampled_from(["IMMEDIATE", "URGENT", "OF_A_LATER_VERSION"]),
    st.one_of(st.none(), st.integers(-5, 30)),
    st.uuids().map(str),
)


def read(batches: Sequence[Sequence[Question]]) -> tuple[dict[Parties, Question], list[Answered]]:
    """Return what is known after *batches*, and every answer that was told."""
    known: dict[Parties, Question] = {}
    told: list[Answered] = []
    for batch in batches:
        for parties, said in gathered(batch).items():
            before = known.get(parties)
            after = known[parties] = said if before is None else joined(before, said)
            if (answer := answer_told(before, after)) is not None:
                told.append(answer)
    return known, told


@given(st.lists(SAID, max_size=12), st.randoms(), st.integers(1, 5))
def test_in_whatever_order_and_batches_the_ledger_is_read_the_questions_are_the_same(
    events: list[Said], chance: random.Random, size: int
) -> None:
    said = [each for event in events for each in event.questions()]
    one, _ = read([said])
    chance.shuffle(said)
    other, told = read([said[begin : begin + size] for begin in range(0, len(said), size)])
    assert one == other
    assert read([said, said])[0] == one, "what is read again changes nothing"
    assert len({(each.id, each.recipient) for each in told}) == len(told), "each answer once"


@given(st.lists(SAID, max_size=12))
def test_only_the_addressee_answers_and_only_the_parties_end_a_question(events: list[Said]) -> None:
    known, _ = read([[each for event in events for each in event.questions()]])
    asked = {parties: each for parties, each in known.items() if each.asked is not None}
    offers = [each for each in events if each.name == "ReferralOffered"]
    assert set(asked) == {Parties("ReferralOffered", each.reference, each.agency, each.to) for each in offers}
    for (_, reference, asker, addressee), found in asked.items():
        about = [each for each in events if each.reference == reference]
        first = min(e.at for e in about if (e.name, e.agency, e.to) == ("ReferralOffered", asker, addressee))
        assert found.asked is not None
        assert found.asked.at == first
        answers = [e.at for e in about if (e.name, e.agency, e.to) == ("ReferralAnswered", addressee, asker)]
        assert found.answered_at == min(answers, default=None)
        ends = [e.at for e in about if (e.name, e.agency, e.to) == ("ReferralRevoked", asker, addressee)]
        ends += [e.at for e in about if e.name == "ReferralClosed" and {e.agency, e.to} == {asker, addressee}]
        assert found.ended_at == min(ends, default=None)


@pytest.mark.parametrize(("hours", "outcome"), [(7, "REACHED"), (8, "LATE"), (9, "LATE")])
def test_an_answer_is_told_in_time_or_late_even_when_it_is_read_first(hours: int, outcome: str) -> None:
    offered = Said("ReferralOffered", "rs-police", "bg-police", REFERENCES[0], 0)
    answered = Said("ReferralAnswered", "bg-police", "rs-police", REFERENCES[0], hours)
    (question,), (answer,) = offered.questions(), answered.questions()
    for order in ([[question], [answer]], [[answer], [question]], [[question, answer]]):
        _, told = read([*order, [answer], [question]])
        (only,) = told
        assert (only.outcome, only.at, only.recipient) == (outcome, answered.at, "bg-police")
        assert (only.id, only.agency, only.about) == (offered.event_id, "rs-police", "QUESTION")


def test_an_answer_of_somebody_else_is_not_told_and_one_reference_of_two_agencies_is_two_questions() -> None:
    offers = [
        Said("ReferralOffered", asker, "rs-counselling", REFERENCES[0], 0, event_id=str(uuid.uuid4()))
        for asker in ("rs-police", "bg-police")
    ]
    answers = [
        Said("ReferralAnswered", "bg-police", "rs-police", REFERENCES[0], 1),
        Said("ReferralAnswered", "rs-counselling", "bg-police", REFERENCES[0], 2),
    ]
    known, told = read([[each for event in (*offers, *answers) for each in event.questions()]])
    assert [each.id for each in told] == [offers[1].event_id]
    assert [each.answered_at for each in known.values() if each.asked is not None] == [None, answers[1].at]


@pytest.mark.parametrize("ending", ["ReferralRevoked", "ReferralClosed"])
def test_an_answer_after_the_end_is_not_told_and_one_before_it_is(ending: str) -> None:
    (question,) = Said("ReferralOffered", "rs-police", "bg-police", REFERENCES[0], 0).questions()
    ended = Said(ending, "rs-police", "bg-police", REFERENCES[0], 2).questions()
    for hours, times in ((1, 1), (3, 0)):
        (answer,) = Said("ReferralAnswered", "bg-police", "rs-police", REFERENCES[0], hours).questions()
        assert len(read([[question], ended, [answer]])[1]) == times


@pytest.mark.parametrize(
    ("answers", "asks", "answering"),
    [
        (EXTRADITION, "ExtraditionRequested", "ExtraditionDecided"),
        (ASSISTANCE, "LegalAssistanceRequested", "LegalAssistanceAnswered"),
    ],
)
def test_for_a_state_any_agency_of_it_answers_and_no_other(answers: Answers, asks: str, answering: str) -> None:
    question = Said(asks, "rs-police", "BGR", REFERENCES[0], 0).questions(answers)
    assert not Said(answering, "rs-police", "BGR", REFERENCES[0], 1).questions(answers)
    assert not Said(answering, "of-nowhere", "BGR", REFERENCES[0], 1).questions(answers)
    answer = Said(answering, "bg-police", "BGR", REFERENCES[0], 1).questions(answers)
    (told,) = read([answer, question])[1]
    assert (told.recipient, told.event_type, told.agency) == ("BGR", asks, "rs-police")


def test_an_event_of_an_older_version_has_no_moment_and_counts_by_the_hours() -> None:
    event = Said("ReferralOffered", "rs-police", "bg-police", REFERENCES[0], 0, urgency="URGENT")
    record = {name: value for name, value in event.record.items() if name != "answer_due_at"}
    (question,) = said_in(event.name, record, REFERRAL, COUNTRY_OF)
    assert question.asked is not None
    assert question.asked.breach_at == NOW + 72 * HOUR
