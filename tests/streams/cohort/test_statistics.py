"""Weekly totals and the overlaps of a year on a real database: told once, with noise that no repetition takes off."""

import datetime as dt
import uuid
from dataclasses import replace

import pytest

from infra.clock import tick_of
from infra.home import Home
from schemas.codec import Record
from tests.running import rows
from tests.streams.cohort.staged import Stage

NEW_YEAR = tick_of(dt.datetime(2027, 1, 1, tzinfo=dt.UTC))
KINDS = ("rs-police", "rs-counselling", "rs-labour-inspectorate")


@pytest.fixture
def stage(home: Home) -> Stage:
    """Return a population of its own, with the rule k 4, net 2, deadline 3."""
    return Stage(home, k=4, net=2, embargo_ticks=1, deadline_ticks=3)


def told(stage: Stage, field: str) -> list[Record]:
    return [each for each in stage.sent("totals.open") if field in each]


async def test_every_week_is_told_once_for_every_country_whoever_came(stage: Stage) -> None:
    await stage.read([stage.day(NEW_YEAR + day) for day in range(22)])
    found = [each for each in told(stage, "standard_deviation") if each["table"] == "persons"]
    assert [(each["country"], each["week"]) for each in found] == [
        (country, f"2027-01-W{week}") for week in (1, 2, 3) for country in ("BGR", "SRB", "*")
    ]
    assert {each["table"] for each in told(stage, "rho")} == {"persons", "persons-by-group"}
    assert told(stage, "rho")[-1]["epsilon_total"] <= 4


async def test_totals_follow_the_persons_that_came_and_never_show_their_number(stage: Stage) -> None:
    await stage.read([stage.day(NEW_YEAR)])
    for number in range(300):
        await stage.tells("PersonIdentified", str(uuid.uuid4()), KINDS[number % 3])
    await stage.read(stage.log[1:])
    await stage.read([stage.day(NEW_YEAR + 7)])
    (serbia,) = [each for each in told(stage, "value") if each["table"] == "persons" and each["country"] == "SRB"]
    assert abs(serbia["value"] - 300) < 6 * serbia["standard_deviation"]
    assert serbia["standard_deviation"] > 1


async def test_a_week_that_was_rolled_back_is_told_with_the_same_noise(stage: Stage) -> None:
    days = [stage.day(NEW_YEAR + day) for day in range(9)]
    lost = await stage.read(days, fails=True)
    kept = await stage.read(days)
    assert [each.value for each in lost] == [each.value for each in kept]
    stage.restarted()
    assert await stage.read([stage.day(NEW_YEAR + 9)]) == []


async def test_exact_counts_are_sealed_at_rest(stage: Stage, home: Home) -> None:
    await stage.read([stage.day(NEW_YEAR), await stage.tells("PersonIdentified", str(uuid.uuid4()))])
    ((ct,),) = rows(home, "SELECT ct FROM streams.cohort_totals WHERE population = %s", stage.name)
    assert b"counts" not in bytes(ct)


async def test_overlaps_of_a_year_are_told_when_it_is_over_and_forgotten(stage: Stage, home: Home) -> None:
    await stage.read([stage.day(NEW_YEAR - 20)])
    everybody = [str(uuid.uuid4()) for _ in range(60)]
    for number, subject in enumerate(everybody):
        on = KINDS if number < 20 else KINDS[number % 3 :][:1]
        for agency in on:
            await stage.tells("PersonIdentified", subject, agency)
    stage.withdrawn(everybody[59])
    await stage.read(stage.log[1:])
    await stage.read([stage.day(NEW_YEAR - 20 + day) for day in range(1, 6)])
    await stage.read([stage.withdrawn(everybody[0])])
    await stage.tells("PersonIdentified", everybody[1], "bg-police")
    await stage.read(stage.log[-1:])
    assert told(stage, "cells") == []
    await stage.read([stage.day(NEW_YEAR + 1), stage.day(NEW_YEAR + 2)])
    (table,) = told(stage, "cells")
    assert table["year"] == 2026
    assert all(cell["persons"] >= 4 for cell in table["cells"])
    released = sum(head["rows"] for head in stage.heads())
    assert released == 59
    assert sum(cell["persons"] for cell in table["cells"]) + (table["others"] or 0) in (0, released), "no difference"
    assert rows(home, "SELECT count(*) FROM streams.cohort_list WHERE population = %s", stage.name) == [(0,)]


async def test_what_a_planned_table_costs_is_told_once(stage: Stage) -> None:
    await stage.read([stage.day(NEW_YEAR)])
    begun = len(told(stage, "rho"))
    stage.topology = replace(
        stage.topology,
        agencies=tuple(
            replace(each, country="ROU" if each.country == "BGR" else each.country) for each in stage.topology.agencies
        ),
    )
    stage.restarted()
    await stage.read([stage.day(NEW_YEAR + 1)])
    await stage.read([stage.day(NEW_YEAR + 2)])
    planned = told(stage, "rho")[begun:]
    assert sorted(str(each["table"]) for each in planned) == ["persons", "persons-by-group"]
    assert all(str(each["week"]) > "2027" for each in planned), "the weeks in which they take over"
