"""What may land and what may not: made-up changes of a real contract, each with the reason."""

import json
from typing import Any

import pytest

from schemas.catalogue import contract
from schemas.differences import differences, renamed
from schemas.privacy import problems_of
from schemas.review import UnreadableSchemaError, findings_of, read_contract, review
from schemas.upcasters import moved
from tests.schemas.evolutions import (
    DATE,
    MISSING,
    OF_ONESELF,
    OF_THE_PERSON,
    OPERATIONAL,
    Edit,
    add,
    alter,
    changed,
    remove,
    rename,
    turn_round,
)

BASE = contract("PersonIdentified")
FLAG = {**OF_THE_PERSON, "codes": "flag"}
ENUM = {"type": "enum", "name": "Colour", "symbols": ["RED", "BLUE"]}
LESS = {"type": "enum", "name": "Colour", "symbols": ["RED"]}

STORY = {"class": "TIME", "subject": "person", "ladder": "date", "minimum": "month"}
FITTING: dict[str, list[Edit]] = {
    "an optional field": [add("hair", ["null", "string"], None, **OF_THE_PERSON)],
    "a list": [add("marks", {"type": "array", "items": "string"}, [], **OF_THE_PERSON)],
    "a flag that nobody answered yet": [add("armed", "string", "NOT_REPORTED", **FLAG)],
    "a date": [add("found_on", ["null", DATE], None, unit="days since 1970-01-01", **OPERATIONAL)],
    "an optional field of a person": [add("hair", ["null", "string"], None, record="Person", **OF_ONESELF)],
    "an optional field of the envelope": [
        add("channel", ["null", "string"], None, record="Envelope", format="code", **OPERATIONAL)
    ],
    "an optional field less": [remove("place")],
    "a coarser level for what leaves": [alter("trafficked_from", privacy={**STORY, "minimum": "year"})],
    "a list less": [remove("indicators")],
    "a flag less": [remove("trafficked_before")],
    "a field of a person less": [remove("aliases", "Person")],
    "a better sentence": [alter("status", doc="How far the identification went.")],
    "another order": [turn_round],
    "a field more and another less": [remove("place"), add("hair", ["null", "string"], None, **OF_THE_PERSON)],
}

UNFIT: dict[str, tuple[list[Edit], set[tuple[str, str]]]] = {
    "a field without a default": ([add("hair", "string", **OF_THE_PERSON)], {("hair", "no-default")}),
    "a field without a default in a person": (
        [add("hair", "string", record="Person", **OF_ONESELF)],
        {("person.hair", "no-default")},
    ),
    "a mandatory field less": ([remove("status")], {("status", "removed-without-default")}),
    "a mandatory field renamed": (
        [rename("status", "state")],
        {("status", "removed-without-default"), ("state", "no-default"), ("state", "renamed")},
    ),
    "an optional field renamed": ([rename("place", "town")], {("town", "renamed")}),
    "a list becomes a text": ([alter("acts", type="string", default="")], {("acts", "type-changed")}),
    "a text becomes a number": (
        [alter("identified_by", type="int", codes=MISSING, unit="bodies")],
        {("identified_by", "type-changed")} | {("identified_by", f"{a}-changed") for a in ("codes", "unit")},
    ),
    "a text becomes bytes, as Avro allows": (
        [alter("place", type=["null", "bytes"])],
        {("place", "type-changed")},
    ),
    "a date becomes a number, as Avro allows": (
        [alter("entry_date", type=["null", "int"])],
        {("entry_date", "type-changed")},
    ),
    "an optional field becomes mandatory": (
        [alter("place", type="string", default=MISSING)],
        {("place", "no-longer-optional")},
    ),
    "a mandatory field becomes optional": (
        [alter("status", type=["null", "string"], default=None)],
        {("status", "became-optional")},
    ),
    "another code list": ([alter("setting", codes="control_level")], {("setting", "codes-changed")}),
    "another unit": ([alter("entry_date", unit="weeks since 1970-01-01")], {("entry_date", "unit-changed")}),
    "fewer roles": ([alter("person", roles=["VICTIM"])], {("person", "roles-narrowed")}),
    "no class": ([add("hair", ["null", "string"], None, note="none")], {("hair", "unclassified")}),
    "a looser class": ([alter("status", **OPERATIONAL)], {("status", "class-changed")}),
    "a name that is no identity any more": (
        [alter("full_name", "Person", **OF_ONESELF)],
        {("person.full_name", "carried-further")},
    ),
    "a place on channels that did not carry it": (
        [alter("place", privacy={"class": "PLACE", "subject": "person", "ladder": "place", "minimum": "region"})],
        {("place", "carried-further")},
    ),
    "a finer level for what leaves": (
        [alter("trafficked_from", privacy={**STORY, "minimum": "week"})],
        {("trafficked_from", "minimum-lowered")},
    ),
    "another ladder": (
        [alter("trafficked_from", privacy={**STORY, "ladder": "age", "minimum": "5 years"})],
        {("trafficked_from", "ladder-changed")},
    ),
    "a stricter class": ([alter("identified_by", **OF_THE_PERSON)], {("identified_by", "class-changed")}),
}


@pytest.mark.parametrize("edits", FITTING.values(), ids=FITTING)
def test_a_change_that_every_version_understands_may_land(edits: list[Edit]) -> None:
    assert review(changed(BASE, *edits), [BASE], {}) == ()


@pytest.mark.parametrize(("edits", "expected"), UNFIT.values(), ids=UNFIT)
def test_a_change_that_not_every_version_understands_may_not_land(edits: list[Edit], expected: Any) -> None:
    found = review(changed(BASE, *edits), [BASE], {})
    assert {(each.problem.path, each.problem.rule) for each in found} >= expected
    assert {path for path, _ in expected} >= {each.problem.path for each in found}
    assert all(len(each.problem.advice) > 20 for each in found)


def test_an_enum_is_no_part_of_the_language_and_loses_no_symbol() -> None:
    old = changed(BASE, add("colour", ENUM, "RED"))
    new = changed(BASE, add("colour", LESS, "RED"))
    rules = {(each.problem.path, each.problem.rule) for each in review(new, [old], {})}
    assert rules >= {("colour", "unsupported-type"), ("colour", "symbol-removed")}


def test_a_version_is_held_against_every_one_before_and_not_the_last_alone() -> None:
    second = changed(BASE, remove("place"))
    third = changed(second, add("place", ["null", "int"], None, unit="kilometres", **OPERATIONAL))
    assert review(second, [BASE], {}) == ()
    assert review(third, [second], {}) == ()
    found = {(each.against, each.problem.path, each.problem.rule) for each in review(third, [BASE, second], {})}
    assert found == {("version 1", "place", "type-changed")}


def test_an_upcaster_lets_a_meaning_move_but_no_type() -> None:
    renamed_field = changed(BASE, rename("place", "town"))
    known = {BASE.fingerprint: moved("place", "town")}
    assert review(renamed_field, [BASE], {})
    assert review(renamed_field, [BASE], known) == ()
    number = changed(BASE, alter("identified_by", type="int", codes=MISSING, unit="bodies"))
    assert review(number, [BASE], known)


def test_a_field_that_came_and_one_that_went_are_a_rename_only_when_they_are_alike() -> None:
    new = changed(BASE, remove("place"), add("town", ["null", "string"], None, **OF_THE_PERSON))
    assert renamed(BASE.schema, new.schema) == ()
    assert renamed(BASE.schema, changed(BASE, rename("place", "town")).schema) == (("place", "town"),)


def test_a_difference_names_field_attribute_before_and_after() -> None:
    new = changed(
        BASE,
        remove("place"),
        add("hair", ["null", "string"], None, record="Person", **OF_ONESELF),
        alter("setting", codes="control_level", privacy={"class": "SENSITIVE", "subject": "person"}),
    )
    found = {(d.path, d.change, d.attribute, d.before, d.after) for d in differences(BASE.schema, new.schema)}
    assert found == {
        ("place", "removed", "type", "string or null", "—"),
        ("person.hair", "added", "type", "—", "string or null"),
        ("setting", "changed", "codes", "identification_setting", "control_level"),
        ("setting", "changed", "privacy.class", "QUASI", "SENSITIVE"),
        ("setting", "changed", "privacy.ladder", "all-or-nothing", "—"),
        ("setting", "changed", "privacy.minimum", "value", "—"),
    }
    assert differences(BASE.schema, BASE.schema) == ()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "not JSON"),
        ("[]", "one Avro record"),
        ('{"type": "record", "name": "X", "fields": [{"name": "a", "type": "colour"}]}', "not a schema of Avro"),
        ('{"type": "record", "name": "Person", "namespace": "hub.v1", "fields": []}', "every event type"),
    ],
)
def test_a_file_without_a_schema_is_refused_with_what_to_do(text: str, says: str) -> None:
    with pytest.raises(UnreadableSchemaError, match=says):
        read_contract(text)


def test_a_file_is_held_against_what_landed_under_its_name() -> None:
    found = read_contract(json.dumps(changed(BASE, add("hair", "string", **OF_THE_PERSON)).schema))
    assert {each.problem.rule for each in findings_of(found)} == {"no-default"}
    assert findings_of(read_contract(json.dumps(BASE.schema))) == ()
    assert problems_of(found.schema) == ()


def test_no_schema_escapes_the_rules_of_privacy_by_its_family() -> None:
    schema = {**changed(BASE, add("hair", ["null", "string"], None, note="none")).schema, "family": "hub"}
    rules = {each.problem.rule for each in findings_of(read_contract(json.dumps(schema)))}
    assert rules >= {"unclassified", "unknown-family"}
