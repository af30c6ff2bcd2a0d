"""An event written by hand in JSON becomes the record that goes over the wire, and back."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.catalogue import contract
from schemas.errors import InvalidEventError
from schemas.examples import example
from schemas.field_steps import persons
from schemas.json_form import from_json, read_event, to_json
from schemas.opening import ERASED
from schemas.validation import problems
from tests.schemas.strategies import NAMES, NOW, any_valid_event


@pytest.mark.parametrize("name", NAMES)
def test_every_example_is_a_valid_event_of_invented_persons(name: str) -> None:
    found, record = read_event(example(name), NOW)
    assert (found.name, problems(record, found, NOW)) == (name, ())
    assert "nvented" in json.dumps(example(name)) or not persons(found, record)


@given(any_valid_event())
def test_json_and_back_is_the_same_event(drawn: tuple[str, dict[str, Any]]) -> None:
    name, record = drawn
    written = json.loads(json.dumps(to_json(record, contract(name).schema)))
    assert from_json(written, contract(name)) == (record, ())
    assert written["event_type"] == name


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(JSON)
def test_any_json_is_either_read_or_refused(obj: Any) -> None:
    with pytest.raises(InvalidEventError):
        read_event(obj, NOW)
    with pytest.raises(InvalidEventError):
        read_event({**example("PersonIdentified"), "person": obj, "envelope": obj}, NOW)


def test_left_out_fields_get_their_defaults_each_event_its_own() -> None:
    one, _ = from_json(example("ReferralOffered"), contract("ReferralOffered"))
    other, _ = from_json(example("ReferralOffered"), contract("ReferralOffered"))
    assert one["person"]["aliases"] == []  # type: ignore[index]
    assert one["person"]["aliases"] is not other["person"]["aliases"]  # type: ignore[index]


def test_null_for_a_flag_means_not_reported() -> None:
    record, _ = from_json({**example("PersonIdentified"), "trafficked_before": None}, contract("PersonIdentified"))
    assert record["trafficked_before"] == "NOT_REPORTED"


@pytest.mark.parametrize(
    "written",
    ["2026-02-30", "20260201", "2026-W01-1", "01.02.2026", "2026-02-01T00:00:00Z", "\u0662" + "026-02-01"],
)
def test_a_date_in_another_form_is_refused_at_its_path(written: str) -> None:
    with pytest.raises(InvalidEventError) as refused:
        read_event({**example("PersonIdentified"), "entry_date": written}, NOW)
    assert [(problem.path, problem.rule) for problem in refused.value.problems] == [("entry_date", "not-a-date")]
    assert written not in str(refused.value)


@pytest.mark.parametrize(
    "written",
    ["2026-03-05", "2026-03-05T10:00:00", "2026-03-05 10:00Z", "0001-01-01T00:00:00+14:00", "1741170000000"],
)
def test_a_moment_without_zone_or_in_another_form_is_refused_at_its_path(written: str) -> None:
    with pytest.raises(InvalidEventError) as refused:
        read_event({**example("ReferralOffered"), "answer_due_at": written}, NOW)
    assert [(problem.path, problem.rule) for problem in refused.value.problems] == [
        ("answer_due_at", "not-a-timestamp")
    ]


def test_a_moment_of_another_zone_becomes_utc() -> None:
    changed = {**example("ReferralOffered"), "answer_due_at": "2026-12-05T10:00:00.123456+02:00"}
    _, record = read_event(changed, NOW)
    written = to_json(record, contract("ReferralOffered").schema)["answer_due_at"]
    assert written == "2026-12-05T08:00:00.123Z"


@pytest.mark.parametrize("obj", [[], "text", 7, None])
def test_what_is_not_an_object_is_refused(obj: object) -> None:
    with pytest.raises(InvalidEventError, match=r"\$: type"):
        read_event(obj, NOW)


@pytest.mark.parametrize("name", [None, "PersonFound", 7, ["PersonIdentified"]])
def test_an_unknown_event_type_is_refused_with_those_there_are(name: object) -> None:
    with pytest.raises(InvalidEventError, match="ControlFinding, ExtraditionDecided, ExtraditionRequested"):
        read_event({**example("PersonIdentified"), "event_type": name}, NOW)


def test_another_event_type_than_the_contract_is_refused() -> None:
    _, wrong = from_json(example("ReferralOffered"), contract("PersonIdentified"))
    assert [(problem.path, problem.rule) for problem in wrong] == [("event_type", "wrong-event-type")]


def test_sealed_bytes_and_erased_values_have_a_json_form() -> None:
    record = {"narrative": ERASED, "place": {"kid": "k", "ct": b"\x00\x01"}}
    assert to_json(record, {"type": "record", "name": "hub.v1.Some"}) == {
        "event_type": "Some",
        "narrative": {"erased": True},
        "place": {"kid": "k", "ct": "AAE="},
    }
