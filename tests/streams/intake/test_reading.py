"""One record by itself: what may enter, and what is said of what may not."""

import datetime as dt
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.catalogue import contract, contracts
from schemas.codec import HEADER
from schemas.derive import Channel, derive
from schemas.names import AgencyId, TopicName
from streams.intake.reading import PROBLEMS_MAX, Readable, Refused, Sender, read
from streams.pump.records import SourceRecord
from tests.schemas.events import change, event
from tests.schemas.registries import memory_codec
from tests.schemas.sealed import events
from tests.schemas.strategies import NOW

CODEC = memory_codec()
TYPES = frozenset(known.name for known in contracts())
AGENCY = AgencyId(event()["envelope"]["agency"])
NAME = "PersonIdentified"


class Everybody:
    """A topology in which every organisation that a drawn event names takes part."""

    def __contains__(self, _name: object) -> bool:
        return True


def encoded(record: Any, name: str = NAME) -> bytes:
    found = contract(name)
    return CODEC.writer(found.fullname, found.schema).encode(record)


EVERYBODY = Everybody()


def answer(
    value: bytes | None, agency: str = AGENCY, types: Any = TYPES, organisations: Any = EVERYBODY
) -> Readable | Refused:
    source = SourceRecord(topic=TopicName(f"in.{agency}"), partition=0, offset=3, key=None, value=value)
    sender = Sender(agency=AgencyId(agency), event_types=types, organisations=organisations)
    return read(source, sender, CODEC, NOW)


def rules(value: bytes | None, **sender: Any) -> set[tuple[str, str]]:
    found = answer(value, **sender)
    assert isinstance(found, Refused)
    return {(problem.path, problem.rule) for problem in found.problems}


@given(events())
@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow])
def test_a_valid_event_of_its_agency_may_enter(case: Any) -> None:
    found, record = case
    entered = answer(encoded(record, found.name), agency=record["envelope"]["agency"])
    assert isinstance(entered, Readable)
    assert entered.record == record
    assert entered.event_id == record["envelope"]["event_id"]
    assert entered.contract is found


@pytest.mark.parametrize("value", [None, b"", b"\1\0\0\0\1x", b"{}", encoded(event()) + b"x", encoded(event())[:-1]])
def test_what_is_not_a_record_is_malformed(value: bytes | None) -> None:
    assert rules(value) == {("$", "malformed-record")}


def test_a_schema_that_the_registry_does_not_have_is_unknown() -> None:
    assert rules(HEADER.pack(0, 999_999) + b"x") == {("$", "unknown-schema")}


@pytest.mark.parametrize("channel", [channel for channel in Channel if channel is not Channel.SOURCE])
def test_a_schema_of_another_channel_is_not_allowed(channel: Channel) -> None:
    derived = derive(contract(NAME), channel)
    header = CODEC.writer(derived.fullname, derived.schema).header
    assert rules(header + b"\0" * 60) <= {("$", "schema-not-allowed"), ("$", "malformed-record")}


def test_another_schema_of_the_same_name_is_not_allowed() -> None:
    found = contract(NAME)
    other = {**found.schema, "doc": "as somebody else understands it"}
    codec = memory_codec()
    value = codec.writer(found.fullname, other).encode(event())
    source = SourceRecord(topic=TopicName("in.x"), partition=0, offset=0, key=None, value=value)
    refused = read(source, Sender(agency=AGENCY, event_types=TYPES), codec, NOW)
    assert isinstance(refused, Refused)
    assert [problem.rule for problem in refused.problems] == ["schema-not-allowed"]


def test_an_event_of_another_agency_is_refused_with_its_id() -> None:
    found = answer(encoded(event()), agency="bg-police")
    assert isinstance(found, Refused)
    assert [(problem.path, problem.rule) for problem in found.problems] == [("envelope.agency", "agency-not-owner")]
    assert found.event_id == event()["envelope"]["event_id"]
    assert AGENCY not in str(found.problems)


def test_an_event_type_that_the_agency_may_not_publish_is_refused() -> None:
    assert rules(encoded(event()), types=TYPES - {NAME}) == {("$", "event-type-not-permitted")}


def test_all_problems_are_told_at_once() -> None:
    record = change(NAME, {"person.role": "HERO", "person.citizenships": ["XXX"], "envelope.tlp": "PINK"})
    assert rules(encoded(record), agency="bg-police", types=frozenset()) == {
        ("envelope.agency", "agency-not-owner"),
        ("$", "event-type-not-permitted"),
        ("person.role", "unknown-code"),
        ("person.citizenships[0]", "unknown-code"),
        ("envelope.tlp", "unknown-code"),
    }


@pytest.mark.parametrize(("minutes", "enters"), [(4, True), (6, False)])
def test_a_clock_may_be_five_minutes_ahead(minutes: int, *, enters: bool) -> None:
    ahead = NOW + dt.timedelta(minutes=minutes)
    record = change(NAME, {"envelope.recorded_at": ahead})
    assert isinstance(answer(encoded(record)), Readable) is enters
    if not enters:
        assert rules(encoded(record)) == {("envelope.recorded_at", "in-the-future")}


@pytest.mark.parametrize("text", ["no uuid", "MILICA PETROVIC", "A" * 36, "{0}"])
def test_an_id_that_is_no_uuid_is_not_repeated(text: str) -> None:
    found = answer(encoded(change(NAME, {"envelope.event_id": text})))
    assert isinstance(found, Refused)
    assert found.event_id is None
    assert text not in str(found.problems)


def test_a_record_with_countless_problems_has_a_short_answer() -> None:
    record = change(NAME, {"person.citizenships": [f"x{i}" for i in range(PROBLEMS_MAX + 50)]})
    found = answer(encoded(record))
    assert isinstance(found, Refused)
    assert len(found.problems) == PROBLEMS_MAX + 1


@given(st.binary(max_size=300), st.booleans())
def test_whatever_comes_has_an_answer_without_its_content(garbage: bytes, with_header: bool) -> None:
    found = answer((encoded(event())[: HEADER.size] if with_header else b"") + garbage)
    assert isinstance(found, Readable | Refused)


def test_an_event_shows_nothing_of_its_content() -> None:
    found = answer(encoded(event()))
    assert event()["person"]["full_name"] not in repr(found)


@pytest.mark.parametrize(
    ("name", "path"), [("PersonIdentified", "envelope.on_behalf_of"), ("ReferralOffered", "to_agency")]
)
def test_an_organisation_that_takes_no_part_is_refused_because_its_name_stays_in_clear(name: str, path: str) -> None:
    record = change(name, {path: "invented-maria"})
    found = answer(encoded(record, name), agency=record["envelope"]["agency"], organisations=frozenset({"rs-police"}))

    assert isinstance(found, Refused)
    assert (path, "unknown-organisation") in {(problem.path, problem.rule) for problem in found.problems}
    assert "maria" not in str(found.problems)
