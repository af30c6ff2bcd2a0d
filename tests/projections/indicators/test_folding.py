"""Figures tell of nobody or of at least k persons, also by subtraction; parts add up; the past never changes."""

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from projections.indicators.catalogue import Catalogue, catalogue
from projections.indicators.cells import Told
from projections.indicators.entries import Source
from projections.indicators.figures import (
    NOT_BROKEN_DOWN,
    NOT_REPORTED,
    SEVERAL,
    Figure,
    K,
    Row,
    State,
    Value,
    months,
)
from projections.indicators.folding import fold, persons_counted

PERIODS = months(dt.date(2026, 10, 1), 6)
PERSONS = persons_counted(catalogue())
UNTIMED = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
"""The machine is shared: how long an example takes says nothing."""


def person(period: int = 0, event: str = "PersonIdentified", /, **columns: Value) -> Row:
    return Row(tick=PERIODS[period].first, kind=event, columns={"status": "IDENTIFIED", "group": "WOMAN", **columns})


def figures(persons: Sequence[Row], facts: Sequence[Row] = (), months_: int = 6, k: int = K) -> tuple[Figure, ...]:
    return fold(catalogue(), persons, facts, PERIODS[:months_], k)


def figure(found: Sequence[Figure], wanted: str, period: int = 0) -> Figure:
    return next(each for each in found if (each.indicator, each.period) == (wanted, PERIODS[period].label))


def parts(of: Figure, dimension: str) -> dict[str, float]:
    return {cell.code: cell.numerator for cell in of.cells if cell.dimension == dimension}


blocks = st.builds(
    lambda number, period, **row: [person(period, **row)] * number,
    number=st.sampled_from([1, 3, 9, 11, 12, 25, 40]),
    period=st.integers(0, 5),
    status=st.sampled_from(["PRESUMED", "IDENTIFIED", "NOT_A_VICTIM", None]),
    group=st.sampled_from(["WOMAN", "MAN", "GIRL", "UNKNOWN", None]),
    setting=st.sampled_from(["BORDER", "IN_LAND", None]),
    self_identified=st.sampled_from(["YES", "NO", "NOT_REPORTED", None]),
    trafficked_before=st.sampled_from(["YES", "NO", None]),
    exploitation_forms=st.sampled_from([(), ("SEXUAL",), ("LABOUR",), ("LABOUR", "SEXUAL")]),
    citizenship=st.sampled_from(["ALB", "SRB", "039", "150", None]),
)
services = st.builds(
    lambda number, period, **row: [person(period, "ServiceProvided", **row)] * number,
    number=st.sampled_from([2, 11, 30]),
    period=st.integers(0, 5),
    state=st.sampled_from(["PROVIDED", "OFFERED", None]),
    service=st.sampled_from(["ACCOMMODATION", "LEGAL"]),
)
populations = st.lists(blocks | services, max_size=14).map(lambda found: [row for rows in found for row in rows])


@UNTIMED
@given(populations)
def test_every_counter_of_persons_moves_by_nobody_or_by_k(rows: list[Row]) -> None:
    for each in figures(rows):
        if each.indicator in PERSONS and each.value is not None:
            told = [each.numerator, each.denominator] if not each.extra else list(each.extra.values())
            told += [number for cell in each.cells for number in (cell.numerator, cell.denominator)]
            assert all(number is None or number == 0 or number >= K for number in told), each


@UNTIMED
@given(populations)
def test_the_parts_of_a_figure_add_up_to_it(rows: list[Row]) -> None:
    for each in figures(rows):
        if each.indicator not in PERSONS or each.value is None:
            continue
        for dimension in {cell.dimension for cell in each.cells}:
            cells = [cell for cell in each.cells if cell.dimension == dimension]
            assert sum(cell.numerator for cell in cells) == each.numerator
            if each.denominator is not None:
                assert sum(cell.denominator or 0 for cell in cells) == each.denominator
            assert len({cell.code for cell in cells}) == len(cells)


@UNTIMED
@given(populations, st.integers(1, 5))
def test_what_is_released_later_changes_nothing_of_the_past(rows: list[Row], known: int) -> None:
    early = [row for row in rows if row.tick <= PERIODS[known - 1].last]
    now = figures(early, months_=known)
    assert figures(rows)[: len(now)] == now


@UNTIMED
@given(populations, st.integers())
def test_the_order_of_rows_within_a_batch_changes_nothing(rows: list[Row], seed: int) -> None:
    shuffled = list(rows)
    Random(seed).shuffle(shuffled)  # noqa: S311 - an order, no secret
    assert figures(shuffled) == figures(rows)


@UNTIMED
@given(populations)
def test_no_person_is_counted_twice(rows: list[Row]) -> None:
    truth = sum(row.kind == "ServiceProvided" and row.columns["state"] == "PROVIDED" for row in rows)
    steps = [each for each in figures(rows) if each.indicator == "C.3.3.a-1"]
    assert sum(each.numerator or 0 for each in steps) <= truth


@UNTIMED
@given(populations)
def test_a_figure_that_is_full_in_every_step_counts_everybody(rows: list[Row]) -> None:
    for wanted, meets in {
        "C.3.3.a-1": lambda row: row.kind == "ServiceProvided" and row.columns["state"] == "PROVIDED",
        "C.3.1-1": lambda row: row.kind == "PersonIdentified" and row.columns["status"] in {"PRESUMED", "IDENTIFIED"},
    }.items():
        steps = [each for each in figures(rows) if each.indicator == wanted]
        if all(each.state is State.FULL for each in steps):
            assert sum(each.numerator or 0 for each in steps) == sum(map(meets, rows))


@UNTIMED
@given(
    st.lists(st.integers(1, 30), min_size=1, max_size=8),
    st.lists(st.sets(st.integers(0, 7)), max_size=10),
    st.integers(2, 11),
)
def test_no_told_set_differs_from_another_by_fewer_than_k(sizes: list[int], wanted: list[set[int]], k: int) -> None:
    told = Told(k)
    for group, size in enumerate(sizes):
        told.add(group, size)
    sets = [frozenset(each & set(range(len(sizes)))) for each in wanted]
    accepted = [each for each in sets[::2] if told.tell([each])]
    accepted += [told.tell_most([each])[0] for each in sets[1::2]]

    def small(groups: frozenset[int]) -> bool:
        return 0 < sum(sizes[group] for group in groups) < k

    assert not any(map(small, accepted))
    for one, other in combinations(accepted, 2):
        assert not any(map(small, (one - other, other - one, one & other)))
    for one, other, third in combinations(accepted, 3):
        assert not any(
            map(small, (one - other - third, one & other & third, (one | other) - third, one & other - third))
        )


def test_of_a_part_as_much_is_told_as_may_be() -> None:
    told = Told(10)
    for group, size in enumerate((30, 15, 40, 5)):
        told.add(group, size)
    assert told.tell([frozenset({0, 1})])
    assert told.tell([frozenset({2, 3})])
    assert told.tell_most([frozenset({0, 3})]) == (frozenset({0}),)


def test_several_sets_are_told_together_or_not_at_all() -> None:
    told = Told(10)
    told.add(0, 30)
    told.add(1, 5)
    told.add(2, 30)
    assert not told.tell([frozenset({0, 1}), frozenset({1})])
    assert told.tell([frozenset({0}), frozenset({1, 2})])


def test_who_is_left_when_one_indicator_is_taken_from_another_is_never_fewer_than_k() -> None:
    rows = [person(setting="BORDER")] * 95 + [person(setting="IN_LAND")] * 5
    found = figures(rows, months_=1)
    assert figure(found, "C.3.1-1").value == 100
    assert figure(found, "C.2.3.d-1").state is State.WAITING


def test_what_waits_is_part_of_a_later_step_when_no_total_of_it_was_told() -> None:
    few, more = [person(0, "IncidentReported", kind="THREAT")] * 6, [person(1, "IncidentReported", kind="THREAT")] * 9
    found = figures(few + more, months_=2)
    assert figure(found, "C.3.3.b-1", 0).value is None
    assert figure(found, "C.3.3.b-1", 0).reason
    assert figure(found, "C.3.3.b-1", 1).value == 15


def test_too_few_of_a_past_total_stay_untold_but_do_not_hold_up_those_who_come_later() -> None:
    rows = [person(setting="BORDER")] * 6 + [person(setting="IN_LAND")] * 50
    later = [person(1, setting="BORDER")] * 20 + [person(1, setting="IN_LAND")] * 50
    found = figures(rows + later, months_=2)
    assert figure(found, "C.2.3.d-1", 0).value is None
    step = figure(found, "C.2.3.d-1", 1)
    assert (step.value, step.state) == (20, State.PARTIAL)


def test_nobody_and_too_few_look_the_same() -> None:
    none = figures([person(setting="IN_LAND")] * 50, months_=1)
    few = figures([person(setting="IN_LAND")] * 47 + [person(setting="BORDER")] * 3, months_=1)
    assert figure(none, "C.2.3.d-1") == figure(few, "C.2.3.d-1")


def test_a_small_part_is_not_broken_down_and_takes_a_greater_one_with_it() -> None:
    rows = [person(group="WOMAN")] * 40 + [person(group="MAN")] * 30 + [person(group="BOY")] * 4
    found = parts(figure(figures(rows, months_=1), "C.3.1-1"), "group")
    assert sum(found.values()) == 74
    assert "BOY" not in found
    assert found[NOT_BROKEN_DOWN] >= K


def test_what_is_not_reported_and_what_is_several_forms_have_their_own_parts() -> None:
    forms = [("SEXUAL",)] * 20 + [("LABOUR", "SEXUAL")] * 15 + [()] * 12
    found = parts(figure(figures([person(exploitation_forms=each) for each in forms], months_=1), "C.3.1-1"), "form")
    assert found == {"SEXUAL": 20, SEVERAL: 15, NOT_REPORTED: 12}


def test_countries_are_told_by_sub_region_and_what_is_coarser_is_not_broken_down() -> None:
    rows = [person(citizenship=each) for each in ["ALB"] * 8 + ["SRB"] * 8 + ["039"] * 4 + ["150"] * 12]
    found = parts(figure(figures(rows, months_=1), "C.3.1-1"), "citizenship_region")
    assert found == {"039": 20, NOT_BROKEN_DOWN: 12}


def test_a_share_is_of_those_of_whom_it_is_known() -> None:
    rows = [person(trafficked_before=each) for each in ["YES"] * 20 + ["NO"] * 60 + [None] * 20]
    found = figure(figures(rows, months_=3), "C.3.5-1", 2)
    assert (found.value, found.numerator, found.denominator) == (25, 20, 80)
    assert found.completeness == 0.8
    assert found.state is State.PARTIAL


def test_a_ratio_compares_two_counts_of_the_period() -> None:
    granted = [person(1, "ProtectionGranted:REFLECTION_PERIOD", kind="REFLECTION_PERIOD")] * 30
    assisted = [person(2, "ServiceProvided", state="PROVIDED", service="LEGAL")] * 60
    found = figure(figures(granted + assisted, months_=3), "C.3.2-1", 2)
    assert (found.value, found.numerator, found.denominator) == (50, 30, 60)


def test_a_mean_is_taken_from_bands_and_leaves_out_a_band_with_too_few() -> None:
    entry = catalogue().get("C.4.3-4")
    chapter = replace(catalogue().chapters[3], indicators=(entry,))
    months_served = ["0-11"] * 20 + ["24-59"] * 20 + ["120+"] * 4
    rows = [person(0, "VerdictDelivered", verdict="CONVICTED", sentence=each) for each in months_served]
    [found] = [each for each in fold(Catalogue(chapters=(chapter,)), rows, (), PERIODS[:3]) if each.value is not None]
    assert found.value == (20 * 6 + 20 * 42) / 40
    assert found.extra == {"0-11": 20, "24-59": 20}


def control(period: int = 0, /, **columns: Value) -> Row:
    said: dict[str, Value] = {"kind": "LABOUR_INSPECTION", "level": "IN_LAND", **columns}
    return Row(tick=PERIODS[period].first, kind="ControlCampaign", columns=said)


def returned(indicator: str, value: float | None, period: int = 0, /, **columns: Value) -> Row:
    said: dict[str, Value] = {"framework": "GUIDELINES_D", "sex": "TOTAL", "age": "TOTAL", "value_state": "EXACT"}
    return Row(
        tick=PERIODS[period].first,
        kind="IndicatorReturned",
        columns={**said, "indicator": indicator, "value": value, "period_end": "2025-12-31", **columns},
    )


def test_enterprises_controlled_are_a_percentage_of_those_registered_over_campaigns_that_say_both() -> None:
    facts = [
        control(enterprises_controlled=30, enterprises_registered=100, isic_section="F"),
        control(1, enterprises_controlled=20, enterprises_registered=100, isic_section="I"),
        control(enterprises_controlled=7, enterprises_registered=None),
        control(kind="VISA", enterprises_controlled=1, enterprises_registered=1),
    ]
    found = figure(figures([], facts, 3), "C.2.3.b-1", 2)
    assert (found.value, found.numerator, found.denominator) == (25, 50, 200)
    assert found.completeness == pytest.approx(2 / 3)
    assert parts(found, "sector") == {"F": 30, "I": 20}


def test_returned_figures_are_summed_or_the_latest_or_put_together_from_their_parts() -> None:
    facts = [
        returned("C.1.1.b-5", 4, agency="A"),
        returned("C.1.1.b-5", 3, 1, agency="B"),
        returned("C.1.2.a-1", 0, agency="A"),
        returned("C.1.2.a-1", 1, 2, agency="A", period_end="2026-06-30"),
        returned("C.1.3-1", 50, agency="A", numerator=10.0, denominator=20.0),
        returned("C.1.3-1", 10, agency="B", numerator=2.0, denominator=20.0),
        returned("C.1.4.c-2", 10, agency="A"),
        returned("C.1.4.c-2", 20, agency="B"),
        returned("C.1.5-1", None, value_state="SUPPRESSED", agency="A"),
    ]
    found = figures([], facts, 3)
    assert figure(found, "C.1.1.b-5", 2).value == 7
    assert figure(found, "C.1.2.a-1", 2).value == 1
    assert figure(found, "C.1.3-1", 2).value == 30
    assert "numerator and denominator" in figure(found, "C.1.4.c-2", 2).reason
    assert figure(found, "C.1.5-1", 2).state is State.SUPPRESSED


def test_a_figure_that_no_channel_carries_may_be_returned_meanwhile() -> None:
    found = figures([], [returned("C.4.2-3", 12, agency="A")], 3)
    assert figure(found, "C.4.2-3", 2).value == 12
    assert figure(found, "C.4.2.a-1", 2).value == 12


def test_what_is_returned_after_a_year_has_ended_is_of_the_next_year() -> None:
    late = returned("C.1.1.b-5", 4, 3, agency="A")
    found = figures([], [late], 6)
    assert figure(found, "C.1.1.b-5", 2).state is State.MISSING


def test_a_survey_gives_its_share() -> None:
    said: dict[str, Value] = {"indicator": "C.2.1.a-1", "population": "GENERAL_PUBLIC", "respondents": 400}
    asked = Row(
        tick=PERIODS[1].first, kind="SurveyReturned", columns={**said, "positive": 100, "period_end": "2026-11-30"}
    )
    assert figure(figures([], [asked], 3), "C.2.1.a-1", 2).value == 25


def test_the_catalogue_says_how_many_of_its_figures_are_full_and_whether_they_came_regularly() -> None:
    facts = [returned("C.1.2.a-1", 1, agency="A"), returned("C.1.2.b-1", 1, agency="A")]
    found = figures([person(0, setting="BORDER")] * 50, facts, 3)
    share = figure(found, "C.1.4-1", 2)
    assert share.denominator == 159 - 3
    assert share.numerator is not None
    assert share.numerator >= 2
    assert figure(found, "C.1.4-2", 2).value == 0, "November had no figure"
    assert figure(found, "C.1.4.b-2", 2).value == 0


@UNTIMED
@given(populations)
def test_every_indicator_has_a_value_or_a_stated_reason(rows: list[Row]) -> None:
    found = figures(rows, months_=3)
    assert all(each.value is not None or each.reason for each in found)
    told: dict[str, set[str]] = defaultdict(set)
    for each in found:
        told[each.period].add(each.indicator)
    assert told[PERIODS[2].label] == {entry.id for entry in catalogue().indicators}


def test_computed_means_that_it_is_folded_from_rows_or_from_the_catalogue_itself() -> None:
    computed = {each.id for each in catalogue().indicators if catalogue().source_of(each) is Source.COMPUTED}
    assert computed - PERSONS == {"C.2.3.b-1", "C.1.4-1", "C.1.4-2", "C.1.4.b-2"}
