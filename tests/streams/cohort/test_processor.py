"""Cohort release on a real database: what leaves, what waits sealed, and that nothing makes a second copy."""

import json
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from infra.home import Home
from infra.vault.holders import holder_of_subject
from schemas.names import SubjectId
from streams.cohort.populations import prepared
from streams.cohort.release import LaddersChangedError
from streams.cohort.saved import rule_of, rule_to_json
from tests.running import rows
from tests.streams.cohort.staged import AGENCIES, Stage

RULE = {"k": 4, "net": 2, "embargo_ticks": 1, "deadline_ticks": 3}


@pytest.fixture
async def stage(home: Home) -> AsyncIterator[Stage]:
    """Yield a population of its own, with the rule k 4, net 2, deadline 3."""
    made = Stage(home, **RULE)
    yield made
    rows(home, "DELETE FROM streams.cohort WHERE population = %s RETURNING 1", made.name)


def persons_(count: int) -> list[str]:
    return [str(uuid.uuid4()) for _ in range(count)]


async def told(stage: Stage, people: list[str], **changes: object) -> None:
    """Let different agencies tell of *people*, one identification each."""
    for number, subject in enumerate(people):
        await stage.tells("PersonIdentified", subject, AGENCIES[number % len(AGENCIES)], **changes)


async def test_rows_leave_in_classes_and_the_public_gets_them_six_days_later(stage: Stage) -> None:
    stage.day(100)
    await told(stage, persons_(12))
    stage.day(101)
    stage.day(102)
    await stage.read(stage.log)
    assert len(stage.rows()) == 12
    assert stage.rows("open") == []
    (head,) = stage.heads()
    assert (head["k"], head["net"], head["rows"]) == (4, 2, 12)
    await stage.read([stage.day(tick) for tick in range(103, 110)])
    assert len(stage.rows("open")) == 12
    assert stage.rows("open")[0].keys() < stage.rows()[0].keys()
    (entry,) = stage.sent("cohorts")
    assert sum(each["size"] for each in entry["classes"]) == 12
    assert len(entry["marks"]) == 12
    times = {each.timestamp_ms for each in stage.outputs if each.topic.startswith("anon.")}
    assert all(time is not None and time % 86_400_000 == 0 for time in times), "the time of a record is its tick"


async def test_every_published_row_is_in_a_class_of_at_least_k_persons(stage: Stage) -> None:
    stage.day(100)
    await told(stage, persons_(9), person__group="WOMAN")
    await told(stage, persons_(3), person__group="BOY", person__date_of_birth=None, person__age_band="9-17")
    for tick in range(101, 106):
        stage.day(tick)
    await stage.read(stage.log)
    axes = ("group", "age", "citizenship", "exploitation_country")
    found = Counter(tuple(row[name] for name in axes) for row in stage.rows())
    assert found
    assert min(found.values()) >= 4


async def test_what_waits_is_sealed_and_goes_with_the_key_of_the_person(stage: Stage, home: Home) -> None:
    people = persons_(12)
    stage.day(100)
    await told(stage, people, person__group="GIRL")
    await stage.read(stage.log)
    kept = rows(home, "SELECT subject_id::text, ct FROM streams.cohort_row WHERE population = %s", stage.name)
    assert {subject for subject, _ in kept} == set(people)
    assert len({len(bytes(ct)) for _, ct in kept}) == 1, "all are equally long"
    assert not [ct for _, ct in kept if b"SEXUAL" in bytes(ct) or b"[" in bytes(ct)[:1]]
    gone = people[0]
    stage.vault.destroy_keys(holder_of_subject(SubjectId(gone)))
    await stage.read([stage.day(101), stage.day(102)])
    assert len(stage.rows()) == 11, "her row never leaves"
    left = rows(home, "SELECT count(*) FROM streams.cohort_row WHERE population = %s", stage.name)
    assert left == [(0,)]


async def test_who_is_erased_while_their_row_is_written_is_in_no_cohort(stage: Stage) -> None:
    people = persons_(12)
    stage.day(100)
    await told(stage, people)
    real, gone = stage.vault.open, people[0]

    async def erased_meanwhile(*arguments: Any, **named: Any) -> Any:
        found = await real(*arguments, **named)
        stage.vault.destroy_keys(holder_of_subject(SubjectId(gone)))
        return found

    stage.vault.open = erased_meanwhile  # type: ignore[method-assign]
    await stage.read(stage.log)
    await stage.read([stage.day(101), stage.day(102)])
    assert len(stage.rows()) == 11


async def test_who_withdraws_is_in_no_cohort_and_who_has_left_stays(stage: Stage) -> None:
    first, later = persons_(6), persons_(6)
    stage.day(100)
    await told(stage, first)
    stage.day(101)
    stage.day(102)
    await told(stage, later)
    stage.withdrawn(later[0], later[1])
    stage.withdrawn(first[0])
    for tick in range(103, 107):
        stage.day(tick)
    await stage.read(stage.log)
    assert len(stage.rows()) == 6 + 4


async def test_who_withdrew_is_brought_back_by_no_later_event_and_under_no_other_id(stage: Stage) -> None:
    people = [SubjectId(each) for each in persons_(13)]
    gone, other_id = people[0], people[12]
    stage.vault.same[gone] = frozenset({other_id})
    stage.day(100)
    await told(stage, list(map(str, people[:12])))
    stage.withdrawn(other_id)
    await stage.tells("PersonIdentified", gone, "bg-police")
    await stage.tells("ServiceProvided", gone)
    stage.day(101)
    stage.day(102)
    await stage.read(stage.log)
    assert len(stage.rows()) == 11
    later = await stage.tells("PersonIdentified", other_id)
    await stage.read([later, *[stage.day(tick) for tick in range(103, 108)]])
    assert len(stage.rows()) == 11


async def test_a_kind_never_leaves_finer_than_its_own_rule_whatever_another_told(stage: Stage) -> None:
    people = persons_(12)
    stage.day(100)
    await told(stage, people, person__date_of_birth=None, person__age_band="27-29")
    for number, subject in enumerate(people):
        await stage.tells("IdentificationDecided", subject, AGENCIES[number % 3])
    for tick in range(101, 105):
        stage.day(tick)
    await stage.read(stage.log)
    assert {row["age"] for row in stage.rows() if "decided_by" in row} == {"ADULT"}


async def test_suppressed_rows_of_one_person_are_one_person(stage: Stage) -> None:
    alone = str(uuid.uuid4())
    services = ("ACCOMMODATION", "HEALTH", "SOCIAL_CARE", "INTERPRETATION", "EDUCATION", "LIVELIHOOD")
    stage.day(100)
    for number, service in enumerate(services):
        await stage.tells("ServiceProvided", alone, AGENCIES[number % 3], service=service)
    await stage.read([*stage.log, *[stage.day(tick) for tick in range(101, 106)]])
    assert stage.heads() == []


async def test_a_population_takes_other_columns_once_nothing_waits(stage: Stage) -> None:
    people = persons_(12)
    stage.day(100)
    await told(stage, people)
    await stage.read(stage.log)
    population = stage.topology.populations[0]
    narrower = replace(stage.topology, populations=(replace(population, axes=population.axes[:2]),))
    usual, stage.topology = stage.topology, narrower
    stage.restarted()
    with pytest.raises(LaddersChangedError, match="until nothing waits"):
        await stage.read([stage.day(101)])
    stage.topology = usual
    stage.restarted()
    await stage.read([stage.day(tick) for tick in range(101, 111)])
    stage.topology = narrower
    stage.restarted()
    await told(stage, people)
    await stage.read(stage.log[-12:])
    await stage.read([stage.day(tick) for tick in range(111, 115)])
    assert len(stage.rows()) == 12, "nobody leaves again under the other columns"


async def test_a_batch_that_was_rolled_back_leaves_again_as_it_was_and_once(stage: Stage) -> None:
    stage.day(100)
    await told(stage, persons_(12))
    stage.day(101)
    stage.day(102)
    lost = await stage.read(stage.log, fails=True)
    kept = await stage.read(stage.log)
    anonymous = [(each.topic, each.value, each.key) for each in lost if each.topic.startswith("anon.")]
    assert anonymous
    assert anonymous == [(each.topic, each.value, each.key) for each in kept if each.topic.startswith("anon.")]
    stage.restarted()
    assert await stage.read([stage.day(103)]) == []


async def test_a_processor_that_remembers_nothing_goes_on_where_the_other_was(stage: Stage, home: Home) -> None:
    other = Stage(home, **RULE)
    people = persons_(20)
    for each in (stage, other):
        each.day(100)
        await told(each, people)
        for tick in range(101, 106):
            each.day(tick)
            await told(each, people[tick - 101 :: 7])
    await stage.read(stage.log)
    for record in other.log:
        other.restarted()
        await other.read([record])
    assert Counter(map(str, stage.rows())) == Counter(map(str, other.rows()))
    assert len(stage.rows()) == 20


async def test_a_person_is_grouped_as_when_first_told_of(stage: Stage) -> None:
    people = persons_(12)
    stage.day(100)
    await told(stage, people, person__group="WOMAN")
    for number, subject in enumerate(people):
        await stage.tells("FollowUpRecorded", subject, AGENCIES[number % 3], person__group="MAN")
    for tick in range(101, 105):
        stage.day(tick)
    await stage.read(stage.log)
    found = [row for row in stage.rows() if "has_job" in row]
    assert len(found) == 12
    assert {row["group"] for row in found} == {"WOMAN"}


async def test_two_services_of_a_person_are_two_kinds_and_the_person_counts_once(stage: Stage) -> None:
    people = persons_(8)
    stage.day(100)
    for number, subject in enumerate(people):
        for service in ("ACCOMMODATION", "HEALTH", "HEALTH"):
            agency = AGENCIES[number % 3]
            await stage.tells("ServiceProvided", subject, agency, service=service, person__group="WOMAN")
    for tick in range(101, 105):
        stage.day(tick)
    await stage.read(stage.log)
    found = Counter(row["service"] for row in stage.rows() if "service" in row)
    assert found == {None: 8, "ACCOMMODATION": 8, "HEALTH": 8}


async def test_two_ids_that_turn_out_to_be_one_person_count_once(stage: Stage) -> None:
    people = [SubjectId(each) for each in persons_(13)]
    one, other, *_, left = people
    stage.day(100)
    await told(stage, list(map(str, people[:12])))
    await stage.read(stage.log)
    stage.vault.same[one] = frozenset({other})
    await stage.read([stage.day(101), stage.day(102)])
    assert len(stage.rows()) == 11
    stage.vault.same[people[2]] = frozenset({left})
    await stage.read([await stage.tells("PersonIdentified", left)])
    await stage.read([stage.day(tick) for tick in range(103, 107)])
    assert len(stage.rows()) == 11, "what has left of one id has left of both"


async def test_a_record_that_was_parked_and_is_tried_again_still_counts(stage: Stage) -> None:
    stage.day(100)
    early = await stage.tells("PersonIdentified", str(uuid.uuid4()))
    await told(stage, persons_(11))
    await stage.read([record for record in stage.log if record is not early])
    await stage.read([early])
    await stage.read([stage.day(tick) for tick in range(101, 105)])
    assert len(stage.rows()) == 12


async def test_a_stale_day_and_a_stale_ticker_release_nothing(stage: Stage, home: Home) -> None:
    stage.day(100, term=2)
    await told(stage, persons_(12))
    stage.day(100, term=2)
    stage.day(103, term=1)
    await stage.read(stage.log)
    assert stage.rows() == []
    query = "SELECT told FROM streams.cohort_notice WHERE population = %s ORDER BY told"
    assert [name for (name,) in rows(home, query, stage.name)] == ["stale-tick", "stale-ticker"]
    await stage.read([stage.day(102, term=2)])
    assert len(stage.rows()) == 12


async def test_a_weaker_rule_waits_for_what_was_promised_more(stage: Stage) -> None:
    population = prepared(stage.topology, stage.topology.populations[0])
    weaker = rule_of({**rule_to_json(population.rule), "k": 3})
    stage.day(100)
    await told(stage, persons_(3))
    content = {
        "population": stage.name,
        "rule": json.dumps(rule_to_json(weaker)),
        "layout": population.layout.fingerprint,
        "changed_by": "operator",
    }
    stage.order("ReleaseRuleChanged", content)
    for tick in range(101, 105):
        stage.day(tick)
    await told(stage, persons_(3))
    for tick in range(105, 110):
        stage.day(tick)
    await stage.read(stage.log)
    assert len(stage.rows()) == 3, "the three of before were suppressed, those of after left by the new rule"
    assert {head["k"] for head in stage.heads()} == {3}
