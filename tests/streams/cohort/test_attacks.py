"""Every attacker goes over what was released and finds nothing; with any one rule turned off, one of them does."""

# ruff: noqa: ARG005 - a rule that is turned off does not look at what it is given

import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.names import SubjectId
from streams.cohort import batches, grouping, ticking
from streams.cohort.records import Arrived, Fact, Record, Ticked, Withdrawn
from streams.cohort.rows import Tick
from tests.streams.cohort.attackers import ATTACKERS, own_rows
from tests.streams.cohort.population import AGENCIES, COUNTRY, GROUP, IDENTIFIED, PROTECTED, Release, logs

DAYS, PERSONS = 60, 900


def simulated() -> list[Record]:
    """Return two months of a population with one large agency, common and rare values, and linked facts."""
    chance = random.Random(7)  # noqa: S311 - the same in every run
    records: list[Record] = []
    for day in range(1, DAYS + 1):
        records.append(Ticked(len(records), Tick(day), 1))
        for number in range(PERSONS * (day - 1) // DAYS, PERSONS * day // DAYS):
            agency = chance.choices(AGENCIES, [70, 20, 10])[0]
            values = (
                chance.choices(range(1, len(GROUP.codes)), [2, 1, 1, 2, 3, 9, 9][: len(GROUP.codes) - 1])[0],
                chance.choices(range(1, len(COUNTRY.codes)), [2, 1, 1, 9, 2, 2, 9, 9][: len(COUNTRY.codes) - 1])[0],
            )
            subject, form = SubjectId(f"s{number}"), chance.choices(["SEXUAL", "LABOUR", None], [8, 1, 1])[0]
            facts = [Fact(subject, IDENTIFIED, values, (form,))]
            if chance.random() < 0.5:
                facts.append(Fact(subject, PROTECTED, values, ()))
            records.append(Arrived(len(records), agency, tuple(facts)))
    return records


def findings(run: Release) -> dict[str, int]:
    return {name: len(found) for name, attack in ATTACKERS.items() if (found := attack(run))}


def test_no_attacker_finds_anything_in_what_was_released(seen: Release) -> None:
    seen.take(simulated())
    assert len(seen.drafts) > DAYS // 2
    assert {batch.tier for batch in seen.batches} == {"partner", "open"}
    assert findings(seen) == {}


def test_two_agencies_together_find_what_is_measured_and_not_promised(seen: Release) -> None:
    seen.take(simulated())
    assert own_rows(seen, together=2)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(records=logs())
def test_no_attacker_finds_anything_in_any_small_population(seen: Release, records: list[Record]) -> None:
    seen.__post_init__()
    for kept in (seen.spent, seen.batches, seen.steps, seen.drafts):
        kept.clear()  # type: ignore[attr-defined]
    seen.take(records)
    assert not seen.state.halted
    assert findings(seen) == {}


Rule = Callable[..., Any]
MUTANTS: dict[str, tuple[object, str, Rule, str, set[str]]] = {
    "k": (grouping, "has_k", lambda persons, rule: persons >= 1, "k", {"differencing", "linked_facts"}),
    "net": (grouping, "has_net", lambda persons, largest, rule: True, "net", {"own_rows"}),
    "withhold": (batches, "is_withheld", lambda cells, strict: False, "withhold", {"sure_of_cells"}),
    "strict": (
        batches,
        "is_withheld",
        lambda cells, strict, real=batches.is_withheld: real(cells, strict=False),
        "withhold",
        {"sure_of_cells"},
    ),
    "due": (grouping, "is_due", lambda row, now, rule: False, "", {"late"}),
    "embargo": (grouping, "may_leave", lambda row, now, rule: True, "embargo", {"early"}),
    "shuffle": (batches, "shuffled", lambda items, *rest: list(items), "order", {"in_order_of_arrival"}),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_with_a_rule_turned_off_an_attacker_succeeds(name: str, seen: Release, monkeypatch: pytest.MonkeyPatch) -> None:
    module, what, without, _, expected = MUTANTS[name]
    monkeypatch.setattr(module, what, without)
    seen.checked = False
    seen.take(simulated())
    assert expected & findings(seen).keys()


@pytest.mark.parametrize("name", sorted(MUTANTS.keys() - {"due"}))
def test_with_a_rule_turned_off_the_second_opinion_halts_before_anything_leaves(
    name: str, seen: Release, monkeypatch: pytest.MonkeyPatch
) -> None:
    module, what, without, said, _ = MUTANTS[name]
    monkeypatch.setattr(module, what, without)
    seen.take(simulated())
    assert said in seen.state.halted.split(",")
    broken_at = seen.drafts[-1][0]
    assert all(entry.tick < broken_at for step in seen.steps for entry in step.entries)


def test_without_the_second_opinion_a_broken_rule_is_not_stopped_by_anything_else(
    seen: Release, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grouping, "has_k", lambda persons, rule: persons >= 1)
    seen.checked = False
    seen.take(simulated())
    assert not seen.state.halted
    assert ticking.checking.problems == seen.watch


@settings(max_examples=40, deadline=None)
@given(records=logs(), number=st.integers(0, 80))
def test_an_erasure_changes_nothing_that_has_left_and_nothing_until_the_next_tick(
    records: list[Record], number: int
) -> None:
    kept, erased = Release(), Release()
    half = len(records) // 2
    kept.take(records[:half])
    erased.take(records[:half])
    before = list(erased.batches), erased.state.embargoed
    step = erased.take([Withdrawn(half, SubjectId(f"s{number}"))])
    assert (step.leaving, step.entries) == ((), ())
    assert (erased.batches, erased.state.embargoed) == before
    assert all(row.subject != f"s{number}" for row in erased.state.pending)
    assert kept.batches == erased.batches
