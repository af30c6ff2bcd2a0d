"""The stream: the same bytes for the same seed, exactly as many events as asked for, in memory that does not grow."""

import datetime as dt
import hashlib
import tracemalloc

import orjson
import pytest

from connectors.scenario.stream import Act, Scenario
from tests.connectors.scenario.coherence import envelope
from tests.publishing import people

TOLD = "d62f102b36a7aa73aea2e68b87257cbfad2ae5696cc6eb81425f511cf01a334a"
"""SHA-256 of the first events of seed 7, on every machine; whoever changes the stories writes down the new one."""


def _lines(acts: list[Act]) -> bytes:
    return b"".join(orjson.dumps(act.event, option=orjson.OPT_APPEND_NEWLINE) for act in acts)


def test_the_same_seed_gives_the_same_bytes_on_any_machine() -> None:
    assert hashlib.sha256(_lines(list(Scenario(seed=7).events(3_000)))).hexdigest() == TOLD


def test_another_seed_tells_other_stories() -> None:
    assert _lines(list(Scenario(seed=7).events(50))) != _lines(list(Scenario(seed=8).events(50)))


def test_another_run_tells_the_same_stories_under_ids_and_references_of_its_own() -> None:
    first, second = (list(Scenario(seed=7, run=run).events(1_500)) for run in (1, 2))

    assert [(act.agency, act.at, act.event["event_type"]) for act in first] == [
        (act.agency, act.at, act.event["event_type"]) for act in second
    ]
    assert not _identifiers(first) & _identifiers(second)


def test_ids_are_unique_but_for_the_events_that_are_sent_again() -> None:
    acts = list(Scenario(seed=7).events(5_000))
    ids = [envelope(act)["event_id"] for act in acts if not act.repeated]
    again = [envelope(act)["event_id"] for act in acts if act.repeated]

    assert again
    assert len(set(ids)) == len(ids)
    assert set(again) <= set(ids)


@pytest.mark.parametrize("number", [1, 2, 17, 500, 3_000])
def test_so_many_events_as_asked_for_within_two_years(number: int) -> None:
    acts = list(Scenario(seed=3, start=dt.date(2024, 1, 1)).events(number))

    assert len(acts) == number
    assert dt.datetime(2024, 1, 1, tzinfo=dt.UTC) < acts[0].at <= acts[-1].at < dt.datetime(2025, 12, 31, tzinfo=dt.UTC)


def test_many_events_are_spread_over_the_two_years() -> None:
    acts = Scenario(seed=3).events(30_000)
    months = {f"{act.at:%Y-%m}" for act in acts}

    assert len(months) >= 23
    assert max(months) <= "2025-12"


def test_stories_end_with_the_time_of_the_scenario() -> None:
    scenario = Scenario(seed=7, start=dt.date(2026, 1, 6), days=183)
    acts = list(scenario.stories(100))

    assert {act.story for act in acts} == set(range(100))
    assert acts[-1].at < dt.datetime(2026, 7, 8, tzinfo=dt.UTC)


def test_what_is_told_is_recorded_when_it_is_told() -> None:
    for act in Scenario(seed=7).events(500):
        recorded = dt.datetime.fromisoformat(envelope(act)["recorded_at"])

        assert recorded < act.at if act.repeated else recorded == act.at
        assert dt.datetime.fromisoformat(envelope(act)["occurred_at"]) < recorded


def test_memory_does_not_grow_with_the_number_of_events() -> None:
    _peak_bytes(100)  # tables are read once

    assert _peak_bytes(4_000) - _peak_bytes(1_000) < 60_000


def _peak_bytes(number: int) -> int:
    tracemalloc.start()
    for _ in Scenario(seed=7).events(number):
        pass
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak


def _identifiers(acts: list[Act]) -> set[str]:
    ids = {str(envelope(act)["event_id"]) for act in acts}
    cases = {str(envelope(act)["case_ref"]) for act in acts if "case_ref" in envelope(act)}
    return ids | cases | {str(person["person_ref"]) for act in acts for person in people(act.event)}
