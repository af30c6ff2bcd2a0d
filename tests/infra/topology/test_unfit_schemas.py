"""A schema with a field that nobody classified does not build, and nothing of it reaches a server."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn, cast

import pytest
from typer.testing import CliRunner

from infra.cli import build
from infra.home import Home
from infra.topology import apply as applying
from infra.topology import check_content
from infra.topology.load import InvalidTopologyError
from infra.topology.model import load_topology
from infra.topology.subjects import UnfitSchemaError, subjects
from schemas import catalogue, recording, review
from schemas.catalogue import contract_of
from schemas.derive import Channel, UnclassifiedFieldError, derive

TOPOLOGY = load_topology()


class NoServer:
    """Stands for the home of the servers; whoever asks it for anything wants to reach one."""

    def __getattr__(self, name: str) -> NoReturn:
        raise AssertionError(f"asked the home for {name}")


@pytest.fixture
def unclassified(monkeypatch: pytest.MonkeyPatch) -> str:
    """Take the class from two fields of an event type, and return its name."""
    schema = cast("Any", copy.deepcopy(catalogue.contract("SuspectArrested").schema))
    for entry in schema["fields"][2:4]:
        del entry["privacy"]
    draft, known, landed = contract_of(schema), catalogue.contract, catalogue.contracts()
    monkeypatch.setattr(catalogue, "contract", lambda name: draft if name == draft.name else known(name))
    for module in (review, recording):
        monkeypatch.setattr(
            module, "contracts", lambda: tuple(draft if each.name == draft.name else each for each in landed)
        )
    return draft.name


CALLS: list[Callable[[Home], object]] = [
    lambda home: applying.apply(home, TOPOLOGY),
    lambda home: applying.plan_for(home, TOPOLOGY),
    lambda home: applying.register(home, TOPOLOGY, ["SuspectArrested"]),
]


@pytest.mark.parametrize("call", CALLS, ids=["apply", "plan", "register"])
def test_a_schema_with_an_unclassified_field_is_refused_before_any_server_is_asked(
    unclassified: str, call: Callable[[Home], object]
) -> None:
    with pytest.raises(InvalidTopologyError) as caught:
        call(cast("Home", NoServer()))
    found = [problem for problem in caught.value.problems if problem.rule == "unclassified"]
    assert len(found) == 2
    assert all(problem.path.startswith(f"{unclassified}.") for problem in found)
    assert set(caught.value.problems) == set(check_content.CONTENT_CHECKS["settled-privacy"](TOPOLOGY))


def test_every_reason_is_listed_and_nothing_is_recorded(unclassified: str, tmp_path: Path) -> None:
    answer = CliRunner().invoke(build(), ["schema", "check", "--json"])
    assert answer.exit_code == 1
    found = json.loads(answer.stdout)
    assert {each["schema"] for each in found["problems"]} == {unclassified}
    assert [each["rule"] for each in found["problems"]].count("unclassified") == 2
    with pytest.raises(review.UnfitSchemaError, match="unclassified"):
        recording.record(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_schema_with_an_unclassified_field_does_not_build(unclassified: str) -> None:
    for channel in Channel:
        if channel is not Channel.SOURCE:
            with pytest.raises(UnclassifiedFieldError, match="hub schema check"):
                derive(catalogue.contract(unclassified), channel)
    with pytest.raises((UnclassifiedFieldError, UnfitSchemaError)):
        subjects(TOPOLOGY)
