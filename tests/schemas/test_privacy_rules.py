"""What may leave on a non-personal channel: no rule lets out what names, reaches or links somebody, or is too fine."""

from collections.abc import Iterator
from typing import Any

import pytest

from schemas.catalogue import contract, contracts
from schemas.generalising import EVERYTHING, ladder
from schemas.privacy_rules import NEVER_LEAVES, RULE_CHECKS, problem_of_key, problems_of_rule
from schemas.shapes import NO_DEFAULT, Field, Scalar, inner_record, shape_of, walk

SENSITIVE = {"class": "SENSITIVE", "subject": "person"}
WEEK = {"class": "TIME", "subject": "person", "ladder": "date", "minimum": "week"}


def field(shape: Scalar = Scalar.STRING, **attributes: Any) -> Field:
    return Field(name="added", shape=shape, nullable=False, default=NO_DEFAULT, attributes=attributes)


def found(entry: Field, level: str | None = None) -> set[str]:
    return {problem.rule for problem in problems_of_rule("added", entry, level)}


BROKEN: dict[str, tuple[Field, str | None]] = {
    "unclassified": (field(codes="flag"), None),
    "never-leaves": (field(privacy={"class": "NARRATIVE", "subject": "person"}), None),
    "held-back": (field(codes="flag", privacy={**SENSITIVE, "views": ["personal"]}), None),
    "linkable": (field(format="uuid", privacy={"class": "OPERATIONAL"}), None),
    "missing-level": (field(Scalar.DATE, privacy=WEEK), None),
    "needless-level": (field(codes="flag", privacy=SENSITIVE), "value"),
    "unknown-level": (field(Scalar.DATE, privacy=WEEK), "fortnight"),
    "too-fine": (field(Scalar.DATE, privacy=WEEK), "day"),
    "says-nothing": (field(Scalar.DATE, privacy=WEEK), EVERYTHING),
    "open-text": (field(privacy=SENSITIVE), None),
    "exact-figure": (field(Scalar.INT, privacy=SENSITIVE), None),
}


def test_every_check_has_a_rule_that_breaks_it() -> None:
    assert BROKEN.keys() == RULE_CHECKS.keys()


@pytest.mark.parametrize("name", sorted(BROKEN))
def test_each_check_finds_what_it_is_for_and_nothing_else_does(name: str) -> None:
    entry, level = BROKEN[name]
    assert found(entry, level) - {"open-text"} == {name} - {"open-text"}
    assert name in found(entry, level)


RIGHT: list[tuple[Field, str | None]] = [
    (field(Scalar.DATE, privacy=WEEK), "week"),
    (field(Scalar.TIMESTAMP, privacy=WEEK), "year"),
    (field(codes="flag", privacy=SENSITIVE), None),
    (field(codes="flag", privacy={**SENSITIVE, "views": ["personal", "stage"]}), None),
    (field(Scalar.INT, privacy={"class": "PUBLIC"}), None),
    (field(format="label", privacy={"class": "PUBLIC"}), None),
]


@pytest.mark.parametrize(("entry", "level"), RIGHT)
def test_a_right_rule_passes(entry: Field, level: str | None) -> None:
    assert found(entry, level) == set()


def test_a_field_without_a_minimum_leaves_on_no_level() -> None:
    privacy = {name: value for name, value in WEEK.items() if name != "minimum"}
    assert found(field(Scalar.DATE, privacy=privacy), "year") == {"too-fine"}


def fields() -> Iterator[tuple[str, str, Field]]:
    for each in contracts():
        for path, _, entry in walk(shape_of(each)):
            yield each.name, path, entry


def test_no_field_that_names_reaches_or_links_anybody_leaves_on_any_level() -> None:
    names = [(path, entry) for _, path, entry in fields() if entry.privacy["class"] in NEVER_LEAVES]
    assert len(names) > 50
    for path, entry in names:
        for level in (None, EVERYTHING, "value"):
            assert "never-leaves" in {problem.rule for problem in problems_of_rule(path, entry, level)}


def test_every_field_with_a_ladder_leaves_on_its_minimum_and_no_finer_level() -> None:
    for name, path, entry in fields():
        if "ladder" not in entry.privacy or entry.privacy["minimum"] == EVERYTHING or "views" in entry.privacy:
            continue
        levels = ladder(str(entry.privacy["ladder"])).levels
        place = levels.index(str(entry.privacy["minimum"]))
        for number, level in enumerate(levels[:-1]):
            rules = {problem.rule for problem in problems_of_rule(path, entry, level)}
            assert rules == (set() if number >= place else {"too-fine"}), (name, path, level)


def test_a_problem_names_its_field_and_says_what_to_do() -> None:
    (problem,) = problems_of_rule("person.full_name", field(codes="flag", privacy={"class": "IDENTITY"}), None)
    assert problem.path == "person.full_name"
    assert "remove the rule" in problem.advice


@pytest.mark.parametrize("each", contracts(), ids=lambda each: each.name)
def test_a_key_is_made_only_of_what_is_about_nobody(each: Any) -> None:
    root = shape_of(each)
    for path, _, entry in walk(root):
        if "[]" in path or inner_record(entry.shape) is not None:
            continue
        problem = problem_of_key(root, path)
        assert (problem is None) == (entry.privacy["class"] in ("OPERATIONAL", "PUBLIC")), path


def test_a_key_is_a_value_of_a_field_that_is_there() -> None:
    root = shape_of(contract("PersonIdentified"))
    for path in ("hair", "envelope", "envelope.event_id.version", "envelope.legal_basis"):
        assert problem_of_key(root, path) is not None
