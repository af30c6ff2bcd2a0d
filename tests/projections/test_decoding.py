"""What projections are given of a record: what stands in clear, and all that their rows need."""

import json
import uuid
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from projections.catalogue import PROJECTIONS
from projections.decoding import EventReader, event_of, in_clear
from projections.national_cases import NATIONAL_CASES, SUBJECT
from projections.projection import Projection
from schemas.catalogue import Contract, contracts, hub_contract
from schemas.derive import Channel, derive
from schemas.errors import MalformedRecordError, UnknownSchemaError
from schemas.field_steps import persons
from schemas.names import TopicName
from tests.projections.events import CASES, COUNTRIES, Placed, logs
from tests.schemas.registries import memory_codec
from tests.schemas.sealed import events, keys_for, sealed

LEDGER = TopicName("ledger")
CODEC = memory_codec()
KEY = CASES[0].encode()
every_projection = pytest.mark.parametrize("projection", PROJECTIONS, ids=lambda each: each.name)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(drawn=events(), subjects=st.lists(st.uuids(), min_size=3, max_size=3))
def test_the_rows_of_the_narrow_form_are_those_of_the_whole_record(
    drawn: tuple[Contract, dict[str, Any]], subjects: list[uuid.UUID]
) -> None:
    found, event = drawn
    record = sealed(found, Channel.LEDGER, event, keys_for(found, event))
    for number, person in enumerate(_persons(record)):
        person["subject"] = str(subjects[number % len(subjects)])
    value = CODEC.writer(found.fullname, derive(found, Channel.LEDGER).schema).encode(record)
    whole, reader = event_of(CODEC, LEDGER, 7, KEY, value), EventReader(CODEC)
    narrow = reader.event(LEDGER, 7, KEY, value, reader.known(LEDGER, value))
    assert (narrow.name, narrow.offset, narrow.key) == (whole.name, whole.offset, whole.key)
    for projection in PROJECTIONS:
        assert projection.apply([narrow], COUNTRIES) == projection.apply([whole], COUNTRIES)
    assert {person for (_, person) in NATIONAL_CASES.apply([narrow], COUNTRIES).get(SUBJECT, {})} == {
        person["subject"] for person in persons(found, record).values()
    }


@pytest.mark.parametrize("found", contracts(), ids=lambda each: each.name)
def test_nothing_that_is_sealed_is_in_the_narrow_form(found: Contract) -> None:
    text = json.dumps(in_clear(found).schema)
    assert '"ct"' not in text
    assert '"kid"' not in text


@every_projection
@settings(deadline=None)
@given(log=logs())
def test_what_a_projection_says_that_it_does_not_read_adds_nothing(projection: Projection, log: list[Placed]) -> None:
    others = [event for topic, _, event in log if not projection.reads(event.name) and topic == LEDGER]
    assert not projection.apply(others, COUNTRIES)


def test_a_record_of_another_topic_is_recognised_without_decoding_it() -> None:
    content = {
        "agency": "rs-police",
        "event_type": None,
        "outcome": "ACCEPTED",
        "received_at": 0,
        "source_topic": "in.rs-police",
        "source_partition": 0,
        "source_offset": 1,
        "problems": [],
    }
    receipt = CODEC.writer("r", hub_contract("Receipt").schema).encode(content)
    with pytest.raises(UnknownSchemaError, match="does not belong"):
        EventReader(CODEC).known(LEDGER, receipt)


@pytest.mark.parametrize("value", [None, b"", b"\x00Ana", b"\x00\x00\x00\xff\xff1234"])
def test_bytes_that_are_no_record_are_refused_when_they_are_decoded(value: bytes | None) -> None:
    reader = EventReader(CODEC)
    assert reader.known(LEDGER, value) is None
    with pytest.raises((MalformedRecordError, UnknownSchemaError)):
        reader.event(LEDGER, 0, KEY, value, None)


def _persons(value: object) -> list[dict[str, Any]]:
    if isinstance(value, list):
        return [found for item in value for found in _persons(item)]
    if not isinstance(value, dict):
        return []
    own = [value] if "subject" in value else []
    return own + [found for item in value.values() for found in _persons(item)]
