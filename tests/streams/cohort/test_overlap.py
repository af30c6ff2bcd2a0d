"""No number of the overlap table, and none that follows from it, is about one to k - 1 persons."""

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import chain, combinations
from random import Random

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from schemas.errors import MisuseError
from schemas.names import AgencyId, SubjectId
from streams.cohort.overlap import NoTable, OverlapTable, _subsets, overlap_table
from streams.cohort.overlap_attack import Cells, Combination, is_safe

UNTIMED = settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
"""The machine is shared: how long an example takes says nothing."""

K = 3
LISTS = ("A", "B", "C")
AGENCIES = {AgencyId(name): name for name in LISTS}
TWO_EACH = {AgencyId(f"{name}{number}"): name for name in LISTS for number in range(2)}

Persons = list[tuple[SubjectId, frozenset[AgencyId]]]


def people(counts: Mapping[frozenset[str], int]) -> Persons:
    """Return persons, so many known to exactly these agencies."""
    each = chain.from_iterable([agencies] * persons for agencies, persons in counts.items())
    return [(SubjectId(f"s{at}"), frozenset(map(AgencyId, agencies))) for at, agencies in enumerate(each)]


def every(lists: tuple[str, ...]) -> list[Combination]:
    return [frozenset(each) for size in range(1, len(lists) + 1) for each in combinations(lists, size)]


def solutions(sums: tuple[int, ...], cells: list[Combination], lists: tuple[str, ...]) -> Iterator[tuple[int, ...]]:
    """Yield every way to put whole numbers into *cells* that gives *sums*: of all, and of those on each list."""
    if not cells:
        if not any(sums):
            yield ()
        return
    moved = (1, *(int(name in cells[0]) for name in lists))
    for value in range(sums[0] + 1):
        rest = tuple(whole - value * step for whole, step in zip(sums, moved, strict=True))
        if min(rest) < 0:
            return
        for tail in solutions(rest, cells[1:], lists):
            yield (value, *tail)


def disclosed(table: OverlapTable, persons: Persons, lists: Mapping[AgencyId, str], k: int) -> list[Combination]:
    """Return the cells of which somebody learns that it has from 1 to k - 1 persons whom they do not know.

    By trying every possible world, for everybody and for each agency, who know the sizes of all lists.
    """
    whole = {agency: next(each for each in table.lists if name in each.split("+")) for agency, name in lists.items()}
    found: list[Combination] = []
    hidden = [cell for cell in every(table.lists) if cell not in table.told]
    for knower in (None, *lists):
        unknown = Counter(
            frozenset(whole[agency] for agency in agencies) for _, agencies in persons if knower not in agencies
        )
        counts = {cell: number for cell, number in unknown.items() if cell in hidden}
        sizes = [sum(number for cell, number in counts.items() if name in cell) for name in table.lists]
        worlds = list(solutions((sum(counts.values()), *sizes), hidden, table.lists))
        found += [cell for at, cell in enumerate(hidden) if all(0 < world[at] < k for world in worlds)]
        found += [cell for cell in table.told if 0 < unknown[cell] < k]
    return found


def populations(agencies: Mapping[AgencyId, str], most: int, cells: int = 8) -> st.SearchStrategy[Persons]:
    known = st.frozensets(st.sampled_from(sorted(agencies)), min_size=1)
    return st.dictionaries(known, st.integers(1, most), min_size=cells // 2, max_size=cells).map(people)  # type: ignore[arg-type]


@UNTIMED
@given(populations(AGENCIES, 9))
def test_nobody_bounds_a_cell_to_a_few_persons_in_any_possible_world(persons: Persons) -> None:
    table = overlap_table(2026, persons, AGENCIES, K)

    assert isinstance(table, NoTable) or not disclosed(table, persons, AGENCIES, K)


@UNTIMED
@given(populations(TWO_EACH, 3, cells=12))
def test_nor_does_an_agency_that_shares_its_list_with_another(persons: Persons) -> None:
    table = overlap_table(2026, persons, TWO_EACH, 2)

    assert isinstance(table, NoTable) or not disclosed(table, persons, TWO_EACH, 2)


def test_withholding_small_cells_alone_would_disclose_and_the_attacker_sees_it() -> None:
    counts = {frozenset("A"): 30, frozenset("B"): 25, frozenset("C"): 20, frozenset("AB"): 9, frozenset("BC"): 2}
    persons = people(counts)
    naive = OverlapTable(2026, K, LISTS, {cell: n for cell, n in counts.items() if n >= K}, 2)

    assert frozenset("BC") in disclosed(naive, persons, AGENCIES, K)
    assert not is_safe(Cells.of(Counter(known for _, known in persons), AGENCIES, K), frozenset(naive.told))


def test_one_withheld_cell_more_does_not_help_when_the_lists_tell_them_apart() -> None:
    counts = {frozenset("A"): 30, frozenset("B"): 25, frozenset("C"): 20, frozenset("AB"): 9, frozenset("C"): 2}
    persons = people(counts)
    merged = OverlapTable(2026, K, LISTS, {cell: n for cell, n in counts.items() if n > 9}, 11)

    assert frozenset("C") in disclosed(merged, persons, AGENCIES, K)
    assert not is_safe(Cells.of(Counter(known for _, known in persons), AGENCIES, K), frozenset(merged.told))


PAIRS = {frozenset(pair): persons for pair, persons in [("AB", 2), ("CD", 2), ("EF", 9), ("GH", 9)]}
TOLD = {frozenset(name): 40 for name in "ABCDEFGH"}
OWN = {frozenset("AB"): 5, frozenset("AC"): 5, frozenset("AD"): 5}


@pytest.mark.parametrize(
    ("hidden", "own", "why"),
    [
        ({frozenset("AB"): 2, frozenset("CD"): 2}, {}, "all others are four persons"),
        (PAIRS, {}, "two of the others are on the list A"),
        ({frozenset("A" + name): 9 for name in "BCD"} | {frozenset("BCD"): 4}, {}, "four of the others are not on A"),
        ({**OWN, frozenset("AB"): 6, frozenset("ACD"): 1}, OWN, "one agency lacks but two of the others"),
    ],
)
def test_sums_of_hidden_cells_are_not_of_a_few_persons_either(
    hidden: dict[Combination, int], own: dict[Combination, int], why: str
) -> None:
    """No cell of these can be bounded by itself; each case breaks one rule, and is safe with twenty more in each."""
    lists = tuple(sorted(frozenset().union(*hidden)))
    told = {cell: persons for cell, persons in TOLD.items() if cell <= set(lists)}
    of_agencies = {AgencyId("a"): own} if own else {}

    def safe(others: dict[Combination, int], known: dict[AgencyId, dict[Combination, int]]) -> bool:
        return is_safe(Cells(5, lists, told | others, known), frozenset(told))

    assert not safe(hidden, of_agencies), why
    assert safe({cell: persons + 20 for cell, persons in hidden.items()}, of_agencies)


@UNTIMED
@given(populations(TWO_EACH, 40), st.integers(2, 11))
def test_every_number_is_nobody_or_at_least_k_and_they_add_up(persons: Persons, k: int) -> None:
    table = overlap_table(2026, persons, TWO_EACH, k)

    if isinstance(table, OverlapTable):
        assert all(number >= k for number in table.told.values())
        assert table.others == 0 or table.others >= k
        assert sum(table.told.values()) + table.others == len(persons)
        assert table.told


@UNTIMED
@given(populations(AGENCIES, 40))
def test_told_cells_are_the_truth_and_the_same_in_any_order(persons: Persons) -> None:
    table = overlap_table(2026, persons, AGENCIES, K)
    turned = overlap_table(2026, list(reversed(persons)), AGENCIES, K)

    assert table == turned
    if isinstance(table, OverlapTable) and table.lists == LISTS:
        truth = Counter(known for _, known in persons)
        assert {cell: truth[frozenset(map(AgencyId, cell))] for cell in table.told} == table.told


def test_where_every_combination_is_large_or_empty_all_is_told() -> None:
    counts = {frozenset("A"): 30, frozenset("BC"): 25, frozenset("ABC"): 20}

    table = overlap_table(2026, people(counts), AGENCIES, K)

    assert table.to_plain() == {  # type: ignore[union-attr]
        "year": 2026,
        "k": K,
        "lists": ["A", "B", "C"],
        "cells": [
            {"lists": ["A"], "persons": 30},
            {"lists": ["A", "B", "C"], "persons": 20},
            {"lists": ["B", "C"], "persons": 25},
        ],
        "others": 0,
    }


def test_with_two_lists_whose_sizes_are_known_a_small_overlap_leaves_no_table() -> None:
    lists = {AgencyId("A"): "A", AgencyId("B"): "B"}

    assert overlap_table(
        2026, people({frozenset("A"): 30, frozenset("B"): 30, frozenset("AB"): 2}), lists, K
    ) == NoTable(2026, K)


def test_a_list_too_small_to_tell_is_joined_with_the_next() -> None:
    counts = {frozenset("A"): 30, frozenset("B"): 40, frozenset("AB"): 20, frozenset("C"): 5, frozenset("AC"): 4}

    table = overlap_table(2026, people(counts), AGENCIES, 5)

    assert isinstance(table, OverlapTable)
    assert table.lists == ("A+C", "B")
    assert table.told == {frozenset(["A+C"]): 39, frozenset("B"): 40, frozenset(["A+C", "B"]): 20}


def test_a_person_named_twice_counts_once_with_all_agencies() -> None:
    persons = people({frozenset("A"): 5, frozenset("AB"): 5})
    split = [(subject, frozenset([agency])) for subject, known in persons for agency in known]

    assert overlap_table(2026, split, AGENCIES, K) == overlap_table(2026, persons, AGENCIES, K)


def test_an_agency_that_would_take_its_own_persons_from_a_joined_list_leaves_no_table() -> None:
    counts = {frozenset("A"): 30, frozenset("B"): 40, frozenset("AB"): 20, frozenset("C"): 1, frozenset("AC"): 4}

    assert isinstance(overlap_table(2026, people(counts), AGENCIES, 4), NoTable)


def test_of_more_lists_than_eight_the_smallest_become_one() -> None:
    lists = {AgencyId(str(at)): str(at) for at in range(10)}
    counts = {frozenset(str(at)): 20 + at for at in range(10)}

    table = overlap_table(2026, people(counts), lists, K)

    assert isinstance(table, OverlapTable)
    assert table.lists == ("0+1", "2+3", "4", "5", "6", "7", "8", "9")
    assert table.told[frozenset(["2+3"])] == 22 + 23


def test_lists_that_cannot_be_are_refused() -> None:
    with pytest.raises(MisuseError):
        overlap_table(2026, [], AGENCIES, 1)
    with pytest.raises(MisuseError):
        overlap_table(2026, people({frozenset("D"): 5}), AGENCIES, K)


@given(st.lists(st.integers(0, 9), max_size=6).map(sorted))
def test_sets_of_cells_to_hide_are_tried_from_the_lightest_and_each_once(weights: list[int]) -> None:
    sets = list(_subsets(weights))
    sums = [sum(weights[at] for at in each) for each in sets]

    assert len(set(sets)) == len(sets) == 2 ** len(weights)
    assert sums == sorted(sums)


def test_a_linear_attacker_learns_of_no_small_cell_in_a_table_of_six_lists() -> None:
    """Bounds by linear programming, which is another way than the integer programming of the rule."""
    chance, names = Random(11), [f"L{at}" for at in range(6)]  # noqa: S311 - a simulation
    lists = {AgencyId(f"{name}-{number}"): name for name in names for number in range(3)}
    known = [
        frozenset(AgencyId(f"{name}-{chance.randrange(3)}") for name in names if chance.random() < 0.18)
        for _ in range(3000)
    ]
    persons = [(SubjectId(f"s{at}"), each) for at, each in enumerate(known) if each]
    table = overlap_table(2026, persons, lists, 11)

    assert isinstance(table, OverlapTable)
    assert len(table.lists) == 6
    truth = Counter(frozenset(lists[agency] for agency in each) for _, each in persons)
    hidden = [cell for cell in every(table.lists) if cell not in table.told]
    matrix = np.array([[1] * len(hidden), *[[int(name in cell) for cell in hidden] for name in names]])
    sums = matrix @ [truth[cell] for cell in hidden]
    small = [at for at, cell in enumerate(hidden) if 0 < truth[cell] < 11]
    assert small
    for at in small:
        goal = np.eye(len(hidden))[at]
        least = linprog(goal, A_eq=matrix, b_eq=sums)
        most = linprog(-goal, A_eq=matrix, b_eq=sums)
        assert least.fun < 1e-7 or -most.fun >= 11
