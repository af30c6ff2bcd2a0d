"""A folding or a release with one of its conditions turned off, or with a smaller k: an attack on tables succeeds."""

from collections.abc import Callable
from pathlib import Path

import pytest

from projections.indicators import cells, persons
from projections.indicators.figures import K
from streams.cohort.parameters import OPEN
from tests.attacks.mutants import mutants, unchanged
from tests.attacks.score_table import score
from tests.attacks.tables.attacks import Published, small_numbers, succeeds
from tests.attacks.tables.populations import PERIODS, released
from tests.attacks.tables.snapshots import small_classes, twins

pytestmark = pytest.mark.shared
SMALL = 20
YEAR = PERIODS[:12]
RULES = ("Told.tell", "Told.tell_most", "Told._cut", "Told._move")
EQUIVALENT: dict[str, str] = {}
"""Mutants that tell no more than the original does, each with the reason."""


def test_a_condition_of_the_folding_turned_off_is_noticed(
    shared_data: Path, monkeypatch: pytest.MonkeyPatch, record_property: Callable[[str, object], None]
) -> None:
    rows = released(shared_data / "data", SMALL).rows()
    monkeypatch.setattr(persons, "Told", unchanged(cells).Told)
    assert succeeds(Published(rows, YEAR)) == ""
    survived, killed = [], 0
    for mutant in mutants(cells, *RULES):
        if mutant.label not in EQUIVALENT:
            monkeypatch.setattr(persons, "Told", mutant.module.Told)
            if succeeds(Published(rows, YEAR)):
                killed += 1
            else:
                survived.append(mutant.label)
    record_property(
        *score("conditions turned off in the folding of tables: mutants killed", killed, killed + len(survived))
    )
    assert survived == []
    assert killed >= 4


@pytest.mark.parametrize("k", [1, 3, 10])
def test_a_folding_with_a_smaller_k_is_noticed(k: int, shared_data: Path) -> None:
    assert any(True for _ in small_numbers(Published(released(shared_data / "data", SMALL).rows(), k=k)))


@pytest.mark.parametrize("k", [5, 10])
def test_a_release_with_a_smaller_k_is_noticed(k: int, shared_data: Path) -> None:
    batches = released(shared_data / "data", SMALL, k=k, net=k // 2).batches
    assert any(True for pair in twins(batches, OPEN.lag) for _ in small_classes(*pair, K))
