"""The distributions: each table cites its source, adds up, is what was published, and is what the stories show."""

from collections import Counter
from pathlib import Path

import pytest

from connectors.scenario.distributions import ASSUMPTION, tables
from connectors.scenario.draws import DRAWS, WHOLE, Shares
from connectors.scenario.stream import Scenario
from tests.connectors.scenario.coherence import kind
from tests.connectors.scenario.published import COMPUTED

CITED = sorted(name for name, table in tables().items() if not table["source"].startswith(ASSUMPTION))


def test_every_table_names_its_source_and_holds_one_thing() -> None:
    for name, table in tables().items():
        assert len(table["source"]) > len(ASSUMPTION) + 10, name
        assert len(table.keys() & {"shares", "rates", "tenths", "days"}) == 1, name
        assert sum(table.get("shares", {"": WHOLE}).values()) == WHOLE, name
        assert all(0 <= rate <= WHOLE for rate in table.get("rates", {}).values()), name
        assert len(table.get("tenths", range(10))) == 10, name
        assert all(least < most for least, most in table.get("days", {}).values()), name


def test_every_share_that_cites_a_publication_can_be_computed_again() -> None:
    assert sorted(COMPUTED) == CITED


@pytest.mark.shared
@pytest.mark.parametrize("name", CITED)
def test_a_share_is_what_was_published(name: str, shared_data: Path) -> None:
    table = tables()[name]
    cited = table.get("shares") or table.get("rates") or table["tenths"]

    assert COMPUTED[name](shared_data) == cited


def test_draws_meet_the_shares() -> None:
    table = Shares({"A": 1, "B": 9_900, "C": 99})
    found = Counter(table.pick(draw) for draw in range(DRAWS))

    assert {code: round(number * WHOLE / DRAWS) for code, number in found.items()} == {"A": 1, "B": 9_900, "C": 99}


@pytest.mark.parametrize(("country", "prefix"), [("SRB", "rs"), ("BGR", "bg")])
def test_the_stories_show_the_published_groups_and_forms(country: str, prefix: str) -> None:
    groups: Counter[str] = Counter()
    forms: Counter[str] = Counter()
    for act in Scenario(seed=11).events(20_000):
        event = act.event
        if kind(act) == "PersonIdentified" and act.agency.startswith(prefix) and not act.repeated:
            person, found = event["person"], event["exploitation_forms"]
            assert isinstance(person, dict)
            assert isinstance(found, list)
            groups[person["group"]] += 1
            forms[found[0] if found[0] in ("SEXUAL", "FORCED_LABOUR") else "OTHER"] += 1

    for counted, name in ((groups, f"victims.{country}"), (forms, f"forms.{country}")):
        for code, share in tables()[name]["shares"].items():
            assert abs(counted[code] / counted.total() - share / WHOLE) < 0.06, (name, code)
