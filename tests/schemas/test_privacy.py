"""The linter finds each kind of unsettled field, and all of them at once."""

import copy
import dataclasses
import datetime as dt
from typing import Any, cast

import pytest

from schemas import privacy_values
from schemas.catalogue import Contract, contract, hub_contracts
from schemas.codelists import Code, Deprecation, code_list
from schemas.privacy import CHECKS, problems_of, problems_of_hub_record

SENSITIVE = {"class": "SENSITIVE", "subject": "person"}
OPERATIONAL = {"class": "OPERATIONAL"}


def schema() -> dict[str, Any]:
    return copy.deepcopy(contract("PersonIdentified").schema)


def with_field(**attributes: Any) -> dict[str, Any]:
    """Return the schema of an event with one more field, which is right but for *attributes*."""
    field = {
        "name": "added",
        "type": "string",
        "doc": "Added.",
        "privacy": SENSITIVE,
        "confluent:tags": ["SENS"],
    }
    changed = schema()
    changed["fields"].append({key: value for key, value in {**field, **attributes}.items() if value is not ...})
    return changed


UNIT = {
    "type": "record",
    "name": "Inner",
    "fields": [
        {
            "name": "part",
            "type": "string",
            "doc": "Part.",
            "privacy": OPERATIONAL,
            "confluent:tags": ["OPERATIONAL"],
        }
    ],
}
BROKEN: dict[str, dict[str, Any]] = {
    "unclassified": {"privacy": ...},
    "unknown-class": {"privacy": {"class": "SECRET"}},
    "unknown-privacy-attribute": {"privacy": {**SENSITIVE, "laddder": "age"}},
    "missing-subject": {"privacy": {"class": "SENSITIVE"}},
    "needless-subject": {"privacy": {**OPERATIONAL, "subject": "person"}, "confluent:tags": ["OPERATIONAL"]},
    "wrong-subject": {"privacy": {"class": "SENSITIVE", "subject": "envelope"}},
    "several-subjects": {"privacy": {"class": "SENSITIVE", "subject": ["person", "agency"]}},
    "missing-ladder": {"privacy": {"class": "QUASI", "subject": "person"}, "confluent:tags": ["QI"]},
    "unknown-ladder": {"privacy": {**SENSITIVE, "ladder": "stairs"}},
    "unfit-for-ladder": {"privacy": {**SENSITIVE, "ladder": "isic", "minimum": "section"}, "codes": "gender"},
    "missing-minimum": {"privacy": {**SENSITIVE, "ladder": "all-or-nothing"}, "codes": "gender"},
    "needless-minimum": {"privacy": {**SENSITIVE, "minimum": "value"}},
    "unknown-minimum": {"privacy": {**SENSITIVE, "ladder": "group", "minimum": "woman"}, "codes": "person_group"},
    "unknown-view": {"privacy": {**SENSITIVE, "views": ["everybody"]}},
    "wrong-container": {"privacy": {"class": "CONTAINER"}, "confluent:tags": ["CONTAINER"]},
    "record-in-clear": {"type": UNIT, "privacy": OPERATIONAL, "confluent:tags": ["OPERATIONAL"]},
    "free-text-in-clear": {"privacy": OPERATIONAL, "confluent:tags": ["OPERATIONAL"]},
    "person-in-unit": {"type": "hub.v1.Person"},
    "differs-from-unit": {"type": {"type": "array", "items": UNIT}},
    "missing-doc": {"doc": ...},
    "missing-unit": {"type": "int"},
    "unknown-code-list": {"codes": "colours"},
    "unfit-for-codes": {"type": "int", "unit": "persons", "codes": "flag"},
    "boolean-flag": {"type": "boolean"},
    "unknown-default": {"codes": "flag", "default": "MAYBE"},
    "missing-default": {"type": ["null", "string"]},
    "unknown-format": {"format": "phone"},
    "unknown-role": {"roles": ["HERO"]},
    "wrong-tags": {"confluent:tags": ["PII"]},
}


def test_every_check_has_a_schema_that_breaks_it() -> None:
    assert BROKEN.keys() == CHECKS.keys()


@pytest.mark.parametrize("rule", sorted(BROKEN))
def test_each_check_finds_what_it_is_for(rule: str) -> None:
    assert rule in {problem.rule for problem in problems_of(with_field(**BROKEN[rule]))}


def test_a_right_field_passes() -> None:
    assert problems_of(with_field()) == ()


def test_all_problems_come_at_once_with_their_paths() -> None:
    changed = with_field(privacy=..., doc=...)
    del changed["fields"][1]["type"]["fields"][0]["privacy"]
    found = {(problem.path, problem.rule) for problem in problems_of(changed)}
    assert found == {
        ("added", "unclassified"),
        ("added", "missing-doc"),
        ("person.person_ref", "unclassified"),
    }


OUTSIDE: list[Any] = [
    {"type": "enum", "name": "Colour", "symbols": ["RED"]},
    {"type": "map", "values": "string"},
    {"type": "fixed", "name": "Hash", "size": 4},
    {"type": "int", "logicalType": "time-millis"},
    {"type": "array", "items": ["null", "string"]},
    ["string", "int"],
    "hub.v1.Unheard",
    "null",
    [],
    None,
]


@pytest.mark.parametrize("kind", OUTSIDE)
def test_a_type_outside_the_language_is_refused(kind: Any) -> None:
    found = [(problem.path, problem.rule) for problem in problems_of(with_field(type=kind))]
    assert [(path.removesuffix("[]"), rule) for path, rule in found] == [("added", "unsupported-type")]


def unclassified(name: str, kind: Any = "string") -> dict[str, Any]:
    return {"name": name, "type": kind, "doc": "A field.", "default": None}


def inner(name: str, *fields: dict[str, Any]) -> dict[str, Any]:
    return {"type": "record", "name": name, "fields": list(fields)}


def test_what_nobody_classified_is_found_in_every_branch_map_value_and_nested_record_at_once() -> None:
    changed = with_field(privacy=...)
    deepest = inner("Deepest", unclassified("depth", {"type": "map", "values": ["null", "string", "int"]}))
    changed["fields"] += [
        unclassified("either", ["null", inner("One", unclassified("first")), inner("Other", unclassified("second"))]),
        unclassified("labelled", {"type": "map", "values": inner("Value", unclassified("content"))}),
        unclassified("nested", inner("Outer", unclassified("middle", {"type": "array", "items": deepest}))),
        unclassified("colour", {"type": "enum", "name": "Hue", "symbols": ["RED"]}),
    ]

    found = {(problem.path, problem.rule) for problem in problems_of(changed)}

    assert {path for path, rule in found if rule == "unsupported-type"} == {
        "either",
        "labelled",
        "colour",
        "nested.middle[].depth",
        "nested.middle[].depth{}",
    }
    assert {path for path, rule in found if rule == "unclassified"} == {
        *("added", "colour", "either", "either.first", "either.second", "labelled", "labelled.content"),
        *("nested", "nested.middle", "nested.middle.depth"),
    }


FITTING: list[dict[str, Any]] = [
    {"privacy": {**SENSITIVE, "ladder": "age", "minimum": "5 years"}, "codes": "age_band"},
    {"privacy": {**SENSITIVE, "ladder": "age", "minimum": "*"}, "type": "int", "unit": "years"},
    {"privacy": {**SENSITIVE, "ladder": "country", "minimum": "region"}, "codes": "m49"},
    {"privacy": {**SENSITIVE, "ladder": "place", "minimum": "region"}},
    {
        "privacy": {**SENSITIVE, "ladder": "date", "minimum": "week"},
        "type": {"type": "int", "logicalType": "date"},
        "unit": "days since 1970-01-01",
    },
]


@pytest.mark.parametrize("attributes", FITTING)
def test_a_ladder_takes_the_values_that_are_on_its_steps(attributes: dict[str, Any]) -> None:
    assert problems_of(with_field(**attributes)) == ()


def test_an_event_needs_envelope_family_and_doc() -> None:
    changed = schema() | {"family": "weather", "doc": ""}
    changed["fields"] = changed["fields"][1:2]
    rules = {problem.rule for problem in problems_of(changed)}
    assert rules == {"missing-envelope", "unknown-family", "missing-doc"}


def test_a_default_that_is_deprecated_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    old = Code(
        code="PERHAPS",
        label="perhaps",
        verified=False,
        deprecated=Deprecation(since=dt.date(2026, 1, 1), instead=("NOT_REPORTED",)),
    )
    flag = dataclasses.replace(code_list("flag"), codes={**code_list("flag").codes, "PERHAPS": old})
    monkeypatch.setattr(privacy_values, "code_list", lambda _name: flag)

    (problem,) = problems_of(with_field(codes="flag", default="PERHAPS"))

    assert problem.rule == "unknown-default"
    assert "NOT_REPORTED" in problem.advice


@pytest.mark.parametrize("each", hub_contracts(), ids=lambda each: each.name)
def test_every_field_of_what_the_hub_writes_is_settled(each: Contract) -> None:
    assert problems_of_hub_record(each.schema) == ()


def test_an_unclassified_field_of_a_record_of_the_hub_is_found() -> None:
    changed = copy.deepcopy(cast("Any", hub_contracts()[0].schema))
    del changed["fields"][0]["privacy"]
    changed["fields"][1]["privacy"] = {"class": "SECRET"}
    found = {(problem.path, problem.rule) for problem in problems_of_hub_record(changed)}
    names = [entry["name"] for entry in changed["fields"]]
    assert found >= {(names[0], "unclassified"), (names[1], "unknown-class")}
