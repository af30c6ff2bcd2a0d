"""A person counts once per table, noise is never redrawn, what is told and spent follows from the log alone."""

from dataclasses import replace
from datetime import date, timedelta
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.errors import MisuseError
from schemas.names import SubjectId
from streams.cohort.rows import Tick
from streams.cohort.totals import counting
from streams.cohort.totals.budget import Budget, BudgetExhaustedError, epsilon_of, rho_for
from streams.cohort.totals.counting import (
    Keys,
    Person,
    Step,
    TableRunningError,
    Total,
    advance,
    begin,
    count,
    marks_asked,
    plan,
)
from streams.cohort.totals.state import Totals
from streams.cohort.totals.tables import ELSEWHERE, By, Table
from streams.cohort.totals.weeks import Week, label_of, week_of

DELTA = Fraction(1, 1_000_000)
KEYS = Keys(b"noise" * 7, b"marks" * 7)
START = Week(2026 * 48)
ONE = Table("persons", By.NOTHING, ("RS",), rho_for(Fraction(2), DELTA), horizon=4)
GROUPS = Table("persons-by-group", By.GROUP, ("RS", "BA"), Fraction(1, 10), horizon=6)
UNTIMED = settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
"""The machine is shared: how long an example takes says nothing."""

EMPTY = Totals(Budget.of_epsilon(Fraction(4), DELTA), START)
persons = st.builds(
    Person,
    subject=st.integers(0, 30).map(lambda number: SubjectId(f"s{number}")),
    country=st.sampled_from(["RS", "BA", "HR", None]),
    group=st.sampled_from(["WOMAN", "MAN", "GIRL", "BOY", "UNKNOWN", "OTHER", None]),
)
weeks = st.lists(st.lists(persons, max_size=8), min_size=1, max_size=9)


def running(*tables: Table, budget: Budget = EMPTY.budget) -> Totals:
    totals = replace(EMPTY, budget=budget)
    for table in tables:
        totals = begin(totals, table).totals
    return totals


def exact(totals: Totals, arrived: list[list[Person]]) -> tuple[list[Total], Totals]:
    """Return all that is told when *arrived* come, week by week."""
    told: list[Total] = []
    marks: set[bytes] = set()
    for number, each in enumerate(arrived):
        step = count(totals, each, KEYS.marks, marks)
        marks |= step.marks
        closed = advance(step.totals, Week(START + number + 1), KEYS)
        told += closed.told
        totals = closed.totals
    return told, totals


@UNTIMED
@given(weeks, st.data())
def test_noise_is_never_redrawn_a_crash_and_a_replay_tell_the_same(
    arrived: list[list[Person]], data: st.DataObject
) -> None:
    told, after = exact(running(ONE, GROUPS), arrived)
    crash = data.draw(st.integers(0, len(arrived) - 1))

    before, halfway = exact(running(ONE, GROUPS), arrived[:crash])
    marks = {mark for each in arrived[:crash] for mark in marks_asked(halfway, each, KEYS.marks)}
    totals = Totals.from_json(halfway.to_json())
    rest: list[Total] = []
    for number in range(crash, len(arrived)):
        for person in arrived[number]:
            step = count(totals, [person], KEYS.marks, marks)
            marks |= step.marks
            totals = Totals.from_json(step.totals.to_json())
        closed = advance(totals, Week(START + number + 1), KEYS)
        rest += closed.told
        totals = closed.totals

    assert before + rest == told
    assert totals == after


@UNTIMED
@given(weeks, st.data())
def test_without_a_person_what_is_told_differs_by_one_in_one_cell_of_a_table_from_their_week_to_the_end_of_its_run(
    arrived: list[list[Person]], data: st.DataObject
) -> None:
    subject = data.draw(st.sampled_from([f"s{number}" for number in range(31)]))
    left = [[each for each in week if each.subject != subject] for week in arrived]
    first = next((at for at, week in enumerate(arrived) if any(each.subject == subject for each in week)), None)

    told, without = (exact(running(ONE, GROUPS), each)[0] for each in (arrived, left))

    for table in (ONE, GROUPS):
        moved = [
            (mine.country, mine.cell, mine.week, mine.value - other.value)
            for mine, other in zip(told, without, strict=True)
            if mine != other and mine.table == table.name
        ]
        assert len({(country, cell) for country, cell, _, _ in moved}) <= 1
        if first is not None:
            over = (first // table.horizon + 1) * table.horizon
            assert [label for _, _, label, _ in moved] == [
                label_of(Week(START + at)) for at in range(first, min(over, len(arrived)))
            ]
        assert {difference for *_, difference in moved} <= {1}


@UNTIMED
@given(weeks)
def test_what_is_told_is_what_was_counted_with_the_noise_of_its_weeks(arrived: list[list[Person]]) -> None:
    told, _ = exact(running(ONE, GROUPS), arrived)
    nobody, _ = exact(running(ONE, GROUPS), [[] for _ in arrived])
    seen: set[tuple[str, SubjectId]] = set()
    truth: dict[tuple[str, str, str, str], int] = {}
    for number, week in enumerate(arrived):
        for table in (ONE, GROUPS):
            for person in week:
                if (table.name, person.subject) in seen:
                    continue
                seen.add((table.name, person.subject))
                country, cell = table.series[table.series_of(person.country, person.group)]
                for at in range(number, len(arrived)):
                    if at // table.horizon == number // table.horizon:
                        key = (table.name, country, cell, label_of(Week(START + at)))
                        truth[key] = truth.get(key, 0) + 1

    counted = {
        (mine.table, mine.country, mine.cell, mine.week): mine.value - noise.value
        for mine, noise in zip(told, nobody, strict=True)
    }
    assert {key: value for key, value in counted.items() if value} == truth


def test_the_noise_that_is_told_is_as_wide_as_it_is_said_to_be() -> None:
    table = replace(ONE, horizon=52, rho=rho_for(Fraction(4), DELTA), countries=tuple(f"X{at}" for at in range(149)))
    totals = replace(running(table), week=Week(START + 51))

    last = advance(totals, Week(START + 52), KEYS).told

    assert {each.standard_deviation for each in last} == {3.26}
    square = sum(each.value**2 for each in last) / len(last)
    assert square**0.5 == pytest.approx(3.26, rel=4 / (2 * 150) ** 0.5)
    assert abs(sum(each.value for each in last) / len(last)) < 4 * 3.26 / 150**0.5


def test_each_country_cell_and_table_has_noise_of_its_own() -> None:
    tables = (ONE, replace(ONE, name="second"), GROUPS, replace(GROUPS, name="second-by-group"))
    told = advance(running(*tables, budget=Budget(Fraction(9), DELTA)), Week(START + 6), KEYS).told
    series: dict[tuple[str, str, str], tuple[int, ...]] = {}
    for each in told:
        key = (each.table, each.country, each.cell)
        series[key] = (*series.get(key, ()), each.value)

    assert len(set(series.values())) == len(series) == 2 * 2 + 2 * 15


def test_every_cell_is_told_every_week_also_where_nobody_ever_was() -> None:
    step = advance(running(ONE, GROUPS), Week(START + 3), KEYS)

    assert len(step.told) == 3 * (2 + 15)
    assert {each.country for each in step.told} == {"RS", "BA", ELSEWHERE}


def test_a_run_that_is_over_begins_anew_at_nobody_and_costs_a_person_nothing_more() -> None:
    person = Person(SubjectId("a"), "RS", "MAN")
    counted = count(running(ONE), [person], KEYS.marks, ())

    step = advance(counted.totals, Week(START + 5), KEYS)
    again = count(step.totals, [person], KEYS.marks, counted.marks)

    assert step.totals.tables["persons"].counts == (0, 0)
    assert step.spent[0].rho_total == ONE.rho
    assert step.told[-1].since == label_of(Week(START + 4))
    assert again == Step(step.totals)


def test_an_old_week_tells_nothing() -> None:
    totals = advance(running(ONE), Week(START + 2), KEYS).totals

    assert advance(totals, Week(START + 1), KEYS) == Step(totals)
    assert advance(totals, Week(START + 2), KEYS) == Step(totals)


def test_tables_that_would_cost_persons_more_than_the_limit_are_refused() -> None:
    totals = running(ONE, budget=Budget(ONE.rho * 2, DELTA))

    assert begin(totals, replace(ONE, name="second")).spent[0].rho_total == ONE.rho * 2
    with pytest.raises(BudgetExhaustedError):
        begin(totals, replace(ONE, name="second", rho=ONE.rho + Fraction(1, 10**9)))
    with pytest.raises(BudgetExhaustedError):
        plan(totals, replace(ONE, rho=ONE.rho * 3))


def test_what_was_spent_stays_spent_although_the_table_is_another_by_now() -> None:
    totals = running(ONE, budget=Budget(ONE.rho * 2, DELTA))
    totals = plan(totals, replace(ONE, rho=ONE.rho / 2)).totals
    totals = advance(totals, Week(START + 8), KEYS).totals

    assert totals.tables["persons"].table.rho == ONE.rho / 2
    with pytest.raises(BudgetExhaustedError):
        begin(totals, replace(ONE, name="second", rho=ONE.rho + Fraction(1, 10**9)))


def test_a_table_that_becomes_dearer_counts_as_the_dearer_one() -> None:
    totals = running(replace(ONE, rho=ONE.rho / 2), budget=Budget(ONE.rho * 2, DELTA))
    planned = plan(totals, ONE)

    assert planned.spent[0].rho_total == ONE.rho
    with pytest.raises(BudgetExhaustedError):
        begin(planned.totals, replace(ONE, name="second", rho=ONE.rho + Fraction(1, 10**9)))


@pytest.mark.parametrize(
    "change", [{"rho": Fraction(1, 99)}, {"countries": ("RS", "BA")}, {"horizon": 5}, {"by": By.GROUP}]
)
def test_nothing_of_a_table_changes_while_it_runs(change: dict[str, object]) -> None:
    other = replace(ONE, **change)  # type: ignore[arg-type]
    totals = running(ONE)

    with pytest.raises(TableRunningError):
        begin(totals, other)
    planned = plan(totals, other)
    early = advance(planned.totals, Week(START + 3), KEYS)
    late = advance(planned.totals, Week(START + 4), KEYS)

    assert early.totals.tables["persons"].table == ONE
    assert late.totals.tables["persons"].table == other
    assert late.told == advance(totals, Week(START + 4), KEYS).told


def test_the_same_table_again_and_the_same_plan_again_do_nothing() -> None:
    totals = running(ONE)
    planned = plan(totals, replace(ONE, horizon=9)).totals

    assert begin(totals, ONE) == Step(totals)
    assert plan(totals, ONE) == Step(totals)
    assert plan(planned, replace(ONE, horizon=9)) == Step(planned)
    with pytest.raises(MisuseError, match="begin it"):
        plan(totals, GROUPS)


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""},
        {"name": "a|b"},
        {"countries": ("RS", "RS")},
        {"countries": ("*",)},
        {"rho": Fraction(0)},
        {"horizon": 0},
        {"horizon": 521},
    ],
)
def test_a_table_that_is_none_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(MisuseError):
        replace(ONE, **wrong)  # type: ignore[arg-type]


def test_short_keys_and_budgets_that_are_none_are_refused() -> None:
    with pytest.raises(MisuseError):
        Keys(b"short", b"marks" * 7)
    with pytest.raises(MisuseError):
        Budget(Fraction(0), DELTA)
    with pytest.raises(MisuseError):
        Budget(Fraction(1), Fraction(1))
    with pytest.raises(MisuseError):
        rho_for(Fraction(1, 10**6), DELTA)


@given(st.integers(1, 4000))
def test_a_budget_of_an_epsilon_allows_no_more_than_that_epsilon(hundredths: int) -> None:
    epsilon = Fraction(hundredths + 4, 100)
    rho = rho_for(epsilon, DELTA)

    assert epsilon_of(rho, DELTA) <= epsilon < epsilon_of(rho + Fraction(2, 10**6), DELTA) + 1e-9


@given(st.integers(-200_000, 200_000))
def test_weeks_are_those_of_the_ladder_of_dates(day: int) -> None:
    day_of = date(1970, 1, 1) + timedelta(days=day)
    label = label_of(week_of(Tick(day)))

    assert label == f"{day_of.year}-{day_of.month:02}-W{min((day_of.day - 1) // 7, 3) + 1}"
    assert week_of(Tick(day)) <= week_of(Tick(day + 1)) <= week_of(Tick(day)) + 1


def test_neither_marks_nor_totals_name_anybody() -> None:
    step = count(running(ONE), [Person(SubjectId("subject-17"), "RS", "MAN")], KEYS.marks, ())

    assert "subject-17" not in step.totals.to_json()
    assert len(next(iter(step.marks))) == 16
    assert step.marks == marks_asked(running(ONE), [Person(SubjectId("subject-17"), None, None)], KEYS.marks)
    assert counting.marks_asked(running(), [Person(SubjectId("subject-17"), None, None)], KEYS.marks) == frozenset()
