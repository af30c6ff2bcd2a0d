"""Every broken rule is reported, all at once, with its path and never with a value."""

import io
from datetime import date, datetime, timedelta, timezone
from typing import Any

import fastavro
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.catalogue import contract
from schemas.errors import MisuseError
from schemas.shapes import Record, Scalar, inner_record, shape_of
from schemas.validation import problems
from tests.schemas.events import change, event, found
from tests.schemas.strategies import NAMES, NOW, any_valid_event

CANARY = "Canary Zlatanova"
PERSON = contract("PersonIdentified")


@given(any_valid_event())
def test_a_valid_event_has_no_problem(drawn: tuple[str, dict[str, Any]]) -> None:
    name, record = drawn
    assert problems(record, contract(name), NOW) == ()


@given(any_valid_event())
def test_a_valid_event_survives_the_way_over_the_wire(drawn: tuple[str, dict[str, Any]]) -> None:
    name, record = drawn
    parsed = fastavro.parse_schema(contract(name).schema, named_schemas={})
    wire = io.BytesIO()
    fastavro.schemaless_writer(wire, parsed, record)
    wire.seek(0)
    assert fastavro.schemaless_reader(wire, parsed, None) == record


WRONG: dict[Scalar, list[Any]] = {
    Scalar.STRING: [7, CANARY.encode(), [CANARY], f"{CANARY}\0", f"{CANARY}\ud800", CANARY * 1000, ""],
    Scalar.INT: [CANARY, -1, True, 2**31, 1.5],
    Scalar.DOUBLE: [CANARY, -0.5, True, float("nan"), float("inf")],
    Scalar.DATE: [CANARY, date(1899, 12, 31), date(2200, 1, 2), NOW],
    Scalar.TIMESTAMP: [
        datetime.max.replace(tzinfo=timezone(timedelta(hours=-14))),
        datetime.min.replace(tzinfo=timezone(timedelta(hours=14))),
        CANARY,
        datetime(1899, 12, 31, tzinfo=NOW.tzinfo),
        datetime(2026, 1, 1),  # noqa: DTZ001
        5,
    ],
}


def leaves(shape: Record, value: Any, path: str = "") -> list[tuple[str, Any, Any, Any]]:
    """Return (path, holder, key, scalar) of every leaf of the record *value*."""
    out: list[tuple[str, Any, Any, Any]] = []
    for entry in shape.fields:
        here, item = f"{path}{entry.name}", value[entry.name]
        inner = inner_record(entry.shape)
        items: list[tuple[str, Any, Any]] = (
            [(f"{here}[{i}]", item, i) for i in range(len(item))]
            if isinstance(item, list)
            else [(here, value, entry.name)]
        )
        scalar = getattr(entry.shape, "items", entry.shape)
        for item_path, holder, key in items:
            if inner is None:
                out.append((item_path, holder, key, scalar))
            elif holder[key] is not None:
                out += leaves(inner, holder[key], f"{item_path}.")
    return out


@given(any_valid_event(), st.data())
def test_one_wrong_value_anywhere_is_found_at_its_path_and_never_repeated(
    drawn: tuple[str, dict[str, Any]], data: st.DataObject
) -> None:
    name, record = drawn
    path, holder, key, scalar = data.draw(st.sampled_from(leaves(shape_of(contract(name)), record)))
    holder[key] = data.draw(st.sampled_from(WRONG[scalar]))
    wrong = problems(record, contract(name), NOW)
    assert path in {problem.path for problem in wrong}
    assert not any(part in str(problem) for problem in wrong for part in CANARY.split())


@given(any_valid_event(), st.data())
def test_a_missing_mandatory_field_is_found_at_its_path(drawn: tuple[str, dict[str, Any]], data: st.DataObject) -> None:
    name, record = drawn
    holder, shape, path = data.draw(
        st.sampled_from(
            [(record, shape_of(contract(name)), ""), (record["envelope"], envelope_shape(name), "envelope.")]
        )
    )
    missing = data.draw(st.sampled_from([entry.name for entry in shape.fields if entry.mandatory]))
    del holder[missing]
    assert (f"{path}{missing}", "mandatory") in found(record, name)


def envelope_shape(name: str) -> Record:
    shape = inner_record(shape_of(contract(name)).fields[0].shape)
    assert shape is not None
    return shape


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.dates() | st.datetimes(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(any_valid_event(), JUNK, st.data())
def test_no_junk_in_any_place_makes_validation_fail(
    drawn: tuple[str, dict[str, Any]], junk: Any, data: st.DataObject
) -> None:
    name, record = drawn
    holder = data.draw(st.sampled_from([value for value in (record, *record.values()) if isinstance(value, dict)]))
    holder[data.draw(st.sampled_from([*holder, "made up"]))] = junk
    problems(record, contract(name), NOW)
    problems(junk, contract(name), NOW)


ASKS_FOR_MORE = {
    "IdentificationDecided": {"decision": "CLOSED_WITHOUT_DECISION"},
    "IndicatorReturned": {"value_state": "NOT_AVAILABLE"},
}
"""What the examples say asks for optional fields; this does not."""


@pytest.mark.parametrize("name", NAMES)
def test_optional_fields_may_be_left_out(name: str) -> None:
    record = event(name) | ASKS_FOR_MORE.get(name, {})
    bare = {entry.name: record[entry.name] for entry in shape_of(contract(name)).fields if entry.mandatory}
    assert problems(bare, contract(name), NOW) == ()


def test_a_day_that_something_ends_may_be_in_the_future_and_a_day_of_a_fact_may_not() -> None:
    tomorrow = NOW.date() + timedelta(days=1)
    licence = event("LicenceDecided")
    assert found(licence | {"valid_until": tomorrow}, "LicenceDecided") == set()
    assert found(licence | {"decided_on": tomorrow}, "LicenceDecided") == {("decided_on", "in-the-future")}


def test_a_misspelt_field_is_told_what_is_near_it_and_not_repeated() -> None:
    record = event() | {"statuss": CANARY, CANARY.split(maxsplit=1)[0]: 1}
    (problem,) = problems(record, contract("PersonIdentified"), NOW)
    assert problem.rule == "unknown-field"
    assert "2 field(s); did you mean status?" in problem.advice
    assert not any(part in str(problem) for part in CANARY.split())


def test_all_problems_come_at_once() -> None:
    record = event()
    record["status"] = CANARY
    record["entry_date"] = date(1899, 1, 1)
    record["person"]["citizenships"] = ["SRB", CANARY]
    record["envelope"]["recorded_at"] = NOW + timedelta(minutes=6)
    del record["envelope"]["purpose"]
    assert found(record) == {
        ("status", "unknown-code"),
        ("entry_date", "before-1900"),
        ("person.citizenships[1]", "unknown-code"),
        ("envelope.recorded_at", "in-the-future"),
        ("envelope.purpose", "mandatory"),
    }


def test_a_made_up_field_is_counted_and_not_named() -> None:
    record = event()
    record["person"][CANARY] = 1
    record[CANARY] = 1
    wrong = problems(record, PERSON, NOW)
    assert {(problem.path, problem.rule) for problem in wrong} == {
        ("person", "unknown-field"),
        ("$", "unknown-field"),
    }
    assert CANARY not in str(wrong)


def test_an_unknown_code_says_which_list_and_where_it_is() -> None:
    record = event()
    record["setting"] = CANARY
    (problem,) = problems(record, PERSON, NOW)
    assert "identification_setting" in problem.advice
    assert "schemas/codes/identification_setting.toml" in problem.advice


def test_the_hours_in_which_the_region_is_a_day_ahead_of_utc_are_allowed() -> None:
    record = change("ControlFinding", {"visited_on": date(2026, 11, 25)})
    late = datetime(2026, 11, 24, 22, tzinfo=NOW.tzinfo)
    assert problems(record, contract("ControlFinding"), late) == ()
    assert found(record, "ControlFinding") == {("visited_on", "in-the-future")}


def test_now_needs_a_time_zone() -> None:
    with pytest.raises(MisuseError, match="time zone"):
        problems(event(), PERSON, datetime(2026, 11, 24))  # noqa: DTZ001
