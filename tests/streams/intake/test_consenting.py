"""What release gets to know of a consent: random ids, codes and times, and nothing of the person."""

import datetime as dt
import uuid
from typing import Any

import pytest

from schemas.catalogue import contract
from schemas.names import AgencyId, SubjectId, TopicName
from streams.intake.consenting import CONSENTS, consent_output, is_about_consent
from streams.intake.reading import Readable
from streams.pump.records import SourceRecord
from tests.schemas.events import event
from tests.schemas.registries import memory_codec

NOW = dt.datetime(2026, 11, 24, 12, tzinfo=dt.UTC)
CODEC = memory_codec()
AGENCY, PERSON = AgencyId("rs-police"), {SubjectId("b"), SubjectId("a")}


def readable(name: str, **changes: Any) -> Readable:
    source = SourceRecord(TopicName("in.rs-police"), 0, 0, None, b"x")
    record = {**event(name), **changes}
    return Readable(source=source, contract=contract(name), event_id=str(uuid.UUID(int=1)), record=record)


def told(of: Readable) -> dict[str, Any]:
    output = consent_output(of, AGENCY, PERSON, CODEC, NOW)
    assert output.topic == CONSENTS
    return CODEC.decode(output.value).record


def test_a_consent_is_told_with_its_scope_its_end_and_all_ids_of_the_person() -> None:
    until = NOW + dt.timedelta(days=30)
    given = readable("ConsentGiven", recipients=["rs-counselling"], valid_to=until)

    found = told(given)

    assert found == {
        "event_id": given.event_id,
        "agency": "rs-police",
        "consent_id": given.record["consent_id"],
        "withdrawn": False,
        "subject_ids": ["a", "b"],
        "recipients": ["rs-counselling"],
        "purposes": given.record["purposes"],
        "categories": given.record["categories"],
        "valid_until": until,
        "recorded_at": NOW,
    }


def test_a_withdrawal_of_all_names_nothing() -> None:
    found = told(readable("ConsentWithdrawn", consent_id=None, recipients=[], purposes=[], categories=[]))
    assert (found["withdrawn"], found["consent_id"], found["recipients"], found["valid_until"]) == (
        True,
        None,
        [],
        None,
    )


@pytest.mark.parametrize(
    ("name", "is_one"),
    [("ConsentGiven", True), ("ConsentWithdrawn", True), ("ApplicationReceived", False), ("ReferralOffered", False)],
)
def test_only_consents_and_withdrawals_are_told(name: str, is_one: bool) -> None:
    assert is_about_consent(readable(name)) is is_one
