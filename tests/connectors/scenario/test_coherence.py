"""The stories: every event valid when it is told, permitted to its agency, and in keeping with what was told before."""

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.scenario.cast import AGENCIES
from connectors.scenario.stream import Act, Scenario
from infra.topology.model import load_topology
from schemas.catalogue import contracts
from schemas.errors import InvalidEventError
from schemas.json_form import read_event
from tests.connectors.scenario.coherence import envelope, incoherent, kind
from tests.publishing import people

SEEDS = st.integers(min_value=0, max_value=2**63)
A_FEW_THOUSAND = 4_000


@settings(max_examples=15, deadline=None)
@given(seed=SEEDS)
def test_every_event_is_valid_when_it_is_told_and_permitted_to_its_agency(seed: int) -> None:
    topology = load_topology()
    kinds = {agency.id: agency.kind for agency in topology.agencies}

    for act in Scenario(seed=seed).events(300):
        assert not _problems(act)
        assert envelope(act)["agency"] == act.agency
        assert kind(act) in topology.event_types[kinds[act.agency]]


@settings(max_examples=15, deadline=None)
@given(seed=SEEDS)
def test_stories_are_coherent_and_told_in_order(seed: int) -> None:
    acts = list(Scenario(seed=seed).events(800))

    assert not incoherent(acts)
    assert [act.at for act in acts] == sorted(act.at for act in acts)


@pytest.mark.parametrize("seed", [1, 7, 2026])
def test_all_types_and_agencies_appear_within_a_few_thousand_events(seed: int) -> None:
    acts = list(Scenario(seed=seed).events(A_FEW_THOUSAND))

    assert {kind(act) for act in acts} == {contract.name for contract in contracts()}
    assert {act.agency for act in acts} == set(AGENCIES) == {str(each.id) for each in load_topology().agencies}


def test_agencies_report_one_person_without_knowing_of_each_other() -> None:
    reports: dict[str, set[tuple[str, str]]] = {}
    for act in Scenario(seed=7).events(A_FEW_THOUSAND):
        if kind(act) == "PersonIdentified":
            for person in people(act.event):
                reports.setdefault(str(person["full_name"]), set()).add((act.agency, str(person["person_ref"])))

    several = [each for each in reports.values() if len(each) > 1]
    assert several
    assert all(len({agency for agency, _ in each}) == len({reference for _, reference in each}) for each in several)


def test_some_events_are_corrected() -> None:
    corrections = [act for act in Scenario(seed=7).events(A_FEW_THOUSAND) if "corrects" in envelope(act)]

    assert corrections


def test_nobody_takes_a_person_or_number_for_a_real_one() -> None:
    for act in Scenario(seed=7).events(A_FEW_THOUSAND):
        for name, text in _texts(act.event):
            if name in ("full_name", "aliases", "name", "survey", "narrative", "details", "plan"):
                assert text.startswith("Invented")
            elif name in ("number", "value", "registration_no"):
                assert text.startswith("INVENTED")


def _problems(act: Act) -> list[str]:
    try:
        read_event(act.event, act.at)
    except InvalidEventError as error:
        return [f"{problem.path}: {problem.rule}" for problem in error.problems]
    return []


def _texts(value: object, name: str = "") -> Iterator[tuple[str, str]]:
    """Yield every text in *value* with the name of its field."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _texts(inner, key)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner, name)
    elif isinstance(value, str):
        yield name, value
