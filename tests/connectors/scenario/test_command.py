"""`hub scenario`: lines that `hub publish` takes, counts that agree with them, misuse that says what to do."""

import json

import pytest
from typer.testing import CliRunner, Result

from connectors.scenario.cast import AGENCIES
from connectors.scenario.stream import Scenario
from infra.cli import build
from schemas.errors import MisuseError


def _run(*arguments: str) -> Result:
    return CliRunner().invoke(build(), ["scenario", *arguments])


def test_lines_are_the_events_of_the_stream() -> None:
    lines = _run("--seed", "3", "--events", "40", "--json-lines").stdout.splitlines()

    assert [json.loads(line) for line in lines] == [act.event for act in Scenario(seed=3).events(40)]


def test_an_agency_gets_its_own_events_and_together_they_are_all() -> None:
    every = _run("--events", "200", "--json-lines").stdout.splitlines()
    of_each = {agency: _run("--events", "200", "--json-lines", "--agency", agency).stdout for agency in AGENCIES}

    assert sorted(line for lines in of_each.values() for line in lines.splitlines()) == sorted(every)
    assert json.loads(of_each["rs-police"].splitlines()[0])["envelope"]["agency"] == "rs-police"


def test_counts_agree_with_the_stream() -> None:
    counts = json.loads(_run("--events", "500", "--run", "4", "--json").stdout)
    acts = list(Scenario(seed=7, run=4).events(500))

    assert (counts["seed"], counts["run"], counts["events"]) == (7, 4, 500)
    assert counts["repeats"] == sum(act.repeated for act in acts)
    for breakdown in ("families", "types", "agencies", "months"):
        assert sum(counts[breakdown].values()) == 500


def test_people_get_a_table() -> None:
    shown = _run("--events", "300", "--start", "2020-06-01").stdout

    assert "rs-police" in shown
    assert "2020-07" in shown
    assert "300 events" in shown


@pytest.mark.parametrize(
    "arguments",
    [("--agency", "rs-nobody"), ("--json", "--json-lines"), ("--start", "yesterday"), ("--start", "1066-10-14")],
)
def test_misuse_says_what_to_do(arguments: tuple[str, ...]) -> None:
    assert isinstance(_run("--events", "5", *arguments).exception, MisuseError)
