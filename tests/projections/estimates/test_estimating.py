"""Estimates agree with those published, cover the truth of simulated populations, or say why there are none."""

import json

import pytest

from projections.estimates.choosing import Criterion, choose
from projections.estimates.describing import in_plain, in_words
from projections.estimates.estimating import Estimate, NoEstimate, estimate, estimate_published
from projections.estimates.fitting import HIDDEN, fit
from projections.estimates.tables import BadTableError, Table
from schemas.names import AgencyId, SubjectId
from streams.cohort.overlap import OverlapTable, overlap_table
from tests.projections.estimates.populations import UK_LISTS, joined, simulated, table, uk_2013

POPULATIONS = 20


def made(of: Table, criterion: Criterion = Criterion.AIC) -> Estimate:
    found = estimate(of, criterion=criterion)
    assert isinstance(found, Estimate)
    return found


def test_the_published_table_is_whole() -> None:
    assert sum(uk_2013().values()) == 2744
    assert frozenset().union(*uk_2013()) == set(UK_LISTS)


def test_the_uk_of_2013_has_the_ten_to_thirteen_thousand_that_were_published() -> None:
    """Home Office, "Modern Slavery: an application of multiple systems estimation", 2014: 10,000 to 13,000 in all."""
    found = made(table(uk_2013(), 1))

    assert round(found.detected + found.undetected, -2) == 11_400
    assert round(found.detected + found.low, -3) == 10_000
    assert round(found.detected + found.high, -3) == 13_000


def test_with_small_overlaps_hidden_the_uk_of_2013_has_nearly_the_same() -> None:
    cells = joined(uk_2013(), "NCA", "PF")

    whole, hidden = made(table(cells, 1)), made(table(cells, 11))

    assert hidden.others == 19
    assert HIDDEN in hidden.model
    assert hidden.undetected == pytest.approx(whole.undetected, rel=0.05)
    assert hidden.low == pytest.approx(whole.low, rel=0.05)
    assert hidden.high == pytest.approx(whole.high, rel=0.05)


@pytest.mark.parametrize("ties", [(), ((0, 1, 3.0),), ((0, 1, 3.0), (2, 3, 0.3))])
@pytest.mark.parametrize("k", [1, 11])
def test_intervals_cover_the_true_size_of_simulated_populations(
    k: int, ties: tuple[tuple[int, int, float], ...]
) -> None:
    """Of 20 intervals of 95 % fewer than 16 cover the truth once in 400; seeds are fixed."""
    size, covered, ratios = 4000, 0, []
    for seed in range(POPULATIONS):
        found = made(table(simulated(seed, size, (0.12, 0.1, 0.15, 0.08), ties), k))
        covered += found.detected + found.low <= size <= found.detected + found.high
        ratios.append((found.detected + found.undetected) / size)

    assert covered >= 16
    assert sum(ratios) / POPULATIONS == pytest.approx(1, abs=0.08)


def test_a_model_without_the_interaction_that_is_there_would_not_cover_the_truth() -> None:
    """The control of the test above: independence assumed of lists that share persons makes the estimate too small."""
    sizes = [
        fit(counted, ()).undetected + counted.detected
        for counted in (
            table(simulated(seed, 4000, (0.12, 0.1, 0.15, 0.08), ((0, 1, 9.0),)), 1) for seed in range(POPULATIONS)
        )
    ]

    assert max(sizes) < 4000


def test_an_interaction_that_is_there_is_found() -> None:
    choice = choose(table(simulated(1, 6000, (0.15, 0.15, 0.15), ((0, 1, 5.0),)), 11), Criterion.BIC)

    assert choice.chosen.model == (("L0", "L1"),)
    assert choice.chosen in choice.considered
    assert min(each.bic for each in choice.considered) == choice.chosen.bic


CELLS = {frozenset("A"): 50, frozenset("B"): 40, frozenset("C"): 30, frozenset("AB"): 12, frozenset("AC"): 11}


@pytest.mark.parametrize(
    ("cells", "others", "lists", "reason"),
    [
        ({frozenset("A"): 50, frozenset("B"): 40, frozenset("AB"): 12}, 0, "AB", "too-few-lists"),
        (CELLS | {frozenset("BC"): 10}, 0, "ABC", "cell-below-k"),
        (CELLS, 4, "ABC", "cell-below-k"),
        (CELLS | {frozenset("D"): 40}, 0, "ABCD", "overlaps-below-k"),
        (
            {frozenset("A"): 50, frozenset("B"): 40, frozenset("C"): 30, frozenset("ABC"): 12},
            0,
            "ABC",
            "overlaps-below-k",
        ),
        ({frozenset("AB"): 50, frozenset("BC"): 40}, 0, "ABC", "no-fit"),
    ],
)
def test_where_an_estimate_would_mean_nothing_there_is_a_reason_instead(
    cells: dict[frozenset[str], int], others: int, lists: str, reason: str
) -> None:
    found = estimate(Table(2026, 11, tuple(lists), cells, others))

    assert isinstance(found, NoEstimate)
    assert found.reason == reason
    assert "no estimate" in in_words(found)
    assert in_plain(found)["kind"] == "no-estimate"


def test_an_estimate_says_in_words_that_it_is_one_and_how_it_was_made() -> None:
    found = made(table(joined(uk_2013(), "NCA", "PF"), 11))
    words = in_words(found)

    assert "ESTIMATE, not a count: about 8300 persons were not detected" in words
    assert "95% interval 6900 to 10000, beside 2744 who were" in words
    assert "LA with NG" in words
    assert "all pairs without a told overlap in the same way" in words
    assert f"AIC {found.aic:.1f}" in words
    assert "19 are in overlaps too small to be told" in words


def test_an_estimate_is_plain_data_with_all_that_its_words_say() -> None:
    found = made(table(uk_2013(), 1))
    plain = json.loads(json.dumps(in_plain(found)))

    assert plain["kind"] == "estimate"
    assert plain["total"] == plain["detected"] + plain["undetected"]
    assert plain["low"] < plain["undetected"] < plain["high"]
    assert [list(pair) for pair in found.model] == plain["model"]
    assert {"aic", "bic", "criterion", "lists", "level", "method", "interval", "assumptions"} <= plain.keys()
    assert len(plain["alternatives"]) == len(found.alternatives)
    assert all(each["aic"] <= found.aic + 2 for each in plain["alternatives"])


def test_an_estimate_is_made_of_what_the_cohort_room_publishes_and_of_nothing_else() -> None:
    cells = simulated(2, 8000, (0.12, 0.1, 0.15, 0.08), ())
    persons = [
        (SubjectId(f"{number}-{at}"), frozenset(AgencyId(f"{name}-{at % 3}") for name in cell))
        for number, (cell, count) in enumerate(sorted(cells.items(), key=lambda each: sorted(each[0])))
        for at in range(count)
    ]
    lists = {AgencyId(f"L{name}-{at}"): f"L{name}" for name in range(4) for at in range(3)}
    published = overlap_table(2026, persons, lists, 11)
    assert isinstance(published, OverlapTable)

    found = estimate_published(json.loads(json.dumps({**published.to_plain(), "reason": ""})))

    assert isinstance(found, Estimate)
    assert found.detected == len(persons)
    assert found.low < 8000 - len(persons) < found.high


def test_a_year_without_a_table_has_no_estimate_for_the_reason_of_the_table() -> None:
    nothing = {"year": 2026, "k": 11, "lists": [], "cells": [], "others": None, "reason": "overlaps-too-small"}

    found = estimate_published(nothing)

    assert isinstance(found, NoEstimate)
    assert (found.year, found.reason) == (2026, "overlaps-too-small")


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"year": 2026, "k": 11, "lists": ["A"], "cells": [{"lists": ["B"], "persons": 12}], "others": 0},
        {"year": 2026, "k": 11, "lists": ["A", "A"], "cells": [], "others": 0},
        {"year": 2026, "k": 11, "lists": ["A"], "cells": [{"lists": [], "persons": 12}], "others": 0},
        {"year": 2026, "k": 11, "lists": ["A"], "cells": [{"lists": ["A"], "persons": -1}], "others": 0},
        {"year": 2026, "k": 11, "lists": ["A"], "cells": [{"lists": ["A"], "persons": "many"}], "others": 0},
    ],
)
def test_what_is_no_overlap_table_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(BadTableError):
        Table.from_plain(wrong)
