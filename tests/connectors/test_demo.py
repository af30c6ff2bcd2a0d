"""The slice of the scenario that is demonstrated: all families, two countries, mistakes that break one rule each."""

import datetime as dt
from random import Random

import pytest

from connectors.demo.careless import CHANGES, act_id, encode, mistakes, reused_id
from connectors.demo.command import STORIES
from connectors.demo.run import Plan
from schemas.catalogue import contract, contracts
from schemas.errors import MisuseError
from schemas.validation import problems
from tests.schemas.registries import memory_codec

START = dt.date(2026, 1, 6)


def _plan(seed: int, *, run: int = 1, stories: int = STORIES) -> Plan:
    return Plan(run=run, seed=seed, stories=stories, start=START)


@pytest.mark.parametrize("seed", [1, 7, 42])
def test_all_families_are_told_by_agencies_of_two_countries(seed: int) -> None:
    acts = _plan(seed).acts()

    families = {contract(str(act.event["event_type"])).family for act in acts}
    assert families == {each.family for each in contracts()}
    assert len({act.agency for act in acts}) >= 12
    assert {act.agency[:2] for act in acts} == {"rs", "bg"}
    assert any(act.repeated for act in acts)


def test_another_run_is_new_to_the_hub() -> None:
    first, second = ({act_id(act) for act in _plan(7, run=run).acts()} for run in (1, 2))

    assert not first & second


def test_too_few_stories_are_misuse_and_not_a_crash() -> None:
    with pytest.raises(MisuseError, match="more"):
        [_plan(seed, stories=1).acts() for seed in range(20)]


def test_a_careless_client_breaks_the_rule_that_is_expected_of_it() -> None:
    codec = memory_codec()
    first = next(act for act in _plan(7).acts() if act.event["event_type"] == "PersonIdentified")
    made = {mistake.rule: mistake for mistake in mistakes(first, codec, Random(7))}  # noqa: S311 - no secret

    for rule in CHANGES:
        record = codec.decode(made[rule].value).record
        broken = {problem.rule for problem in problems(record, contract("PersonIdentified"), first.at)}
        other = record["envelope"]["agency"] != made[rule].agency  # what intake says of it, no rule of the contract
        assert broken == (set() if rule == "agency-not-owner" else {rule})
        assert other == (rule == "agency-not-owner")
    assert len(made) == len(CHANGES) + 2


def test_a_reused_id_is_that_of_another_event() -> None:
    codec = memory_codec()
    first = _plan(7).acts()[0]
    reused = reused_id(first, codec)

    assert codec.decode(reused.value).record["envelope"]["event_id"] == act_id(first)
    assert reused.value != encode(first, codec)
