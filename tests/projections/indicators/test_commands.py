"""`hub indicator` says what the catalogue says, for people and for scripts."""

import json

import pytest
from typer.testing import CliRunner

from infra.cli import build
from projections.indicators.catalogue import catalogue

RUN = CliRunner()


def output(*arguments: str) -> str:
    found = RUN.invoke(build(), ["indicator", *arguments])
    assert found.exit_code == 0, found.output
    return found.stdout


def test_the_list_for_scripts_has_every_indicator_with_its_source() -> None:
    listed = json.loads(output("list", "--json"))["indicators"]
    assert [each["id"] for each in listed] == [entry.id for entry in catalogue().indicators]
    assert {each["source"] for each in listed} == {"computed", "returned", "neither"}


def test_the_list_can_be_narrowed() -> None:
    listed = json.loads(output("list", "--section", "C.2", "--source", "neither", "--json"))["indicators"]
    assert [each["id"] for each in listed] == ["C.2.3-1", "C.2.3.c-1", "C.2.3.c-2"]


@pytest.mark.parametrize("wanted", ["C.3.1-1", "C.3.1-2", "C.1.4-1", "C.3.1.b-1", "GLOTIP.detected", "C.2.3.b-1"])
def test_an_indicator_is_shown_with_its_words_and_its_definition(wanted: str) -> None:
    shown = " ".join(output("show", wanted).split())
    assert catalogue().get(wanted).wording in shown
    assert catalogue().get(wanted).definition in shown


def test_people_see_the_counts_below_the_list() -> None:
    assert output("list", "--framework", "GUIDELINES_D").rstrip().endswith("46 computed, 99 returned, 14 neither")
