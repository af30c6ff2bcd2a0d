"""A folding or a release with one of its conditions turned off, or with a smaller k: an attack on tables succeeds."""

from collections.abc import Callable
from pathlib import Path

import pytest

from projections.indicators import cells, persons
from projections.indicators.figures import K
from streams.cohort.parameters import OPEN
from tests.attacks.mutants import mutants, unchanged
from tests.attacks.score_table import score
from tests.attacks.tables.attacks import ATTACKS, Published, succeeds
from tests.attacks.tables.populations import PERIODS, invented, released
from tests.attacks.tables.snapshots import small_classes, twins

SMALL = 20
RULES = ("Told.tell", "Told.tell_most", "Told._cut", "Told._move")
EQUIVALENT = {
    "Told.tell never all((self._cut(each, undo) for each in sets))": "nothing is ever told",
    "Told._cut without atom != UNTOLD": "it also refuses what would leave a few of whom nothing was told",
    "Told._cut without 0 < rest < self._k": "it refuses to cut anything twice",
}
"""Mutants that tell less than the original does, never more."""


def test_a_condition_of_the_folding_turned_off_is_noticed(
    monkeypatch: pytest.MonkeyPatch, record_property: Callable[[str, object], None]
) -> None:
    rows = invented(8)
    monkeypatch.setattr(persons, "Told", unchanged(cells).Told)
    assert succeeds(Published(rows, PERIODS[:8])) == ""
    survived, killed = [], 0
    for mutant in mutants(cells, *RULES):
        if mutant.label not in EQUIVALENT:
            monkeypatch.setattr(persons, "Told", mutant.module.Told)
            if succeeds(Published(rows, PERIODS[:8])):
                killed += 1
            else:
                survived.append(mutant.label)
    record_property(
        *score("conditions turned off in the folding of tables: mutants killed", killed, killed + len(survived))
    )
    assert survived == []
    assert killed >= 7


@pytest.mark.parametrize("k", [1, 3, 10])
def test_a_folding_with_a_smaller_k_is_noticed(k: int) -> None:
    assert succeeds(Published(invented(), k=k, periods=PERIODS[:12])) == "small_numbers"


@pytest.mark.parametrize("k", [2, 5])
def test_each_of_the_attacks_notices_a_folding_with_a_smaller_k(k: int) -> None:
    published = Published(invented(8), k=k, periods=PERIODS[:8])
    unnoticed = {name for name, attack in ATTACKS.items() if not any(True for _ in attack(published))}
    assert unnoticed == {"by_subtraction"}, "that one needs parts that are hidden: see the tables that hide no more"


@pytest.mark.shared
@pytest.mark.parametrize("k", [5, 10])
def test_a_release_with_a_smaller_k_is_noticed(k: int, shared_data: Path) -> None:
    batches = released(shared_data / "data", SMALL, k=k, net=k // 2).batches
    assert any(True for pair in twins(batches, OPEN.lag) for _ in small_classes(*pair, K))
