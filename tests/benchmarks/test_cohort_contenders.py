"""What stands beside cohort release is what it is said to be; and the real file leaves as is promised."""

import random
from collections import Counter
from pathlib import Path

import pytest

from benchmarks._castle import Castle
from benchmarks._mondrian import mondrian
from benchmarks.cohort import released
from streams.cohort.axes import Axis
from streams.cohort.parameters import Parameters

AXES = (Axis.of("a", dict.fromkeys("wxyz", "*")), Axis.of("b", {"p": "*", "q": "*", "1": "p", "2": "p", "3": "q"}))


def rows() -> list[tuple[int, ...]]:
    chance = random.Random(3)  # noqa: S311 - the same in every run
    return [(chance.randrange(2, 6), chance.randrange(4, 7)) for _ in range(600)]


def test_castle_lets_each_row_out_once_under_a_label_that_holds_it() -> None:
    given, method = rows(), Castle(AXES, k=5, delta=60)
    out = [left for number, row in enumerate(given) for left in method.take(number, row)]
    assert max(Counter(number for number, _ in out).values()) == 1
    assert len(out) > 400
    for number, label in out:
        nodes = zip(AXES, given[number], label, strict=True)
        assert all(shown in axis.paths[value] for axis, value, shown in nodes)


def test_mondrian_leaves_no_part_below_k_and_loses_no_row() -> None:
    found = mondrian(rows(), AXES, 20)
    assert sum(found.values()) == 600
    assert min(found.values()) >= 20
    assert len(found) > 4


@pytest.mark.shared
@pytest.mark.parametrize("stress", [False, True])
def test_of_the_real_file_nothing_leaves_that_one_agency_could_subtract(shared_data: Path, stress: bool) -> None:
    from benchmarks._cohort_population import layout, persons

    space = layout()
    people = persons(shared_data / "data", space, stress=stress)[:6000]
    found = released(people, space, Parameters(), 45)
    assert (found["classes < k"], found["residuals of one"], found["suppressed"], found["delay max"]) == (0, 0, 0, 13)
    assert found["classes"] > 100
