"""Grouping: what leaves is a class, what is due leaves, nothing is lost, and nothing depends on order."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from streams.cohort.grouping import grouped
from streams.cohort.rows import Row, RowId, Tick
from tests.streams.cohort.population import AGENCIES, COUNTRY, GROUP, RULE, A, B, pools, row

AXES = (GROUP, COUNTRY)
NOW = Tick(6)


def others_of_each(rows: list[Row]) -> list[int]:
    return [sum(agency not in each.agencies for each in rows) for agency in AGENCIES]


@given(pools())
def test_a_class_has_k_persons_and_net_of_them_are_not_from_any_one_agency(pool: list[Row]) -> None:
    cohorts, _ = grouped(pool, AXES, RULE, NOW)
    for cohort in cohorts:
        assert len({each.id.subject for each in cohort.rows}) == len(cohort.rows) >= RULE.k
        assert min(others_of_each(list(cohort.rows))) >= RULE.net


@given(pools())
def test_a_label_is_the_lowest_that_holds_all_rows_of_the_class_and_no_label_comes_twice(pool: list[Row]) -> None:
    cohorts, _ = grouped(pool, AXES, RULE, NOW)
    assert len({cohort.label for cohort in cohorts}) == len(cohorts)
    for cohort in cohorts:
        for at, axis in enumerate(AXES):
            chains = [set(axis.paths[each.values[at]]) for each in cohort.rows]
            assert max(set.intersection(*chains), key=lambda node: len(axis.paths[node])) == cohort.label[at]


@given(pools())
def test_what_is_due_leaves_or_is_suppressed_and_only_where_the_whole_pool_is_no_class(pool: list[Row]) -> None:
    cohorts, dropped = grouped(pool, AXES, RULE, NOW)
    due = {each.id for each in pool if each.age(NOW) >= RULE.deadline - 1}
    left = {each.id for cohort in cohorts for each in cohort.rows}
    assert due <= left | {each.id for each in dropped}
    if dropped:
        able = [each for each in pool if each.age(NOW) >= RULE.embargo]
        assert {each.id for each in dropped} == due
        assert not left
        assert len(able) < RULE.k or min(others_of_each(able)) < RULE.net


@given(pools())
def test_nothing_leaves_under_embargo(pool: list[Row]) -> None:
    cohorts, dropped = grouped(pool, AXES, RULE, Tick(3))
    leaving = [*dropped, *(each for cohort in cohorts for each in cohort.rows)]
    assert all(each.age(Tick(3)) >= RULE.embargo for each in leaving)


@given(pools(), st.randoms())
def test_the_order_in_which_rows_are_given_changes_nothing(pool: list[Row], chance: st.DataObject) -> None:
    mixed = list(pool)
    chance.shuffle(mixed)  # type: ignore[attr-defined]
    assert grouped(mixed, AXES, RULE, NOW) == grouped(pool, AXES, RULE, NOW)


def test_a_rest_that_is_ok_stays_together_under_the_coarser_label() -> None:
    women = [row(at, agency=AGENCIES[at % 3], values=(GROUP.node_of["WOMAN"], 4)) for at in range(4)]
    mixed = ["MAN", "MAN", "GIRL", "BOY", "BOY", "GIRL"]
    others = [row(9 + at, agency=AGENCIES[at % 3], values=(GROUP.node_of[code], 4)) for at, code in enumerate(mixed)]
    cohorts, _ = grouped([*women, *others], AXES, RULE, NOW)
    assert (
        sorted((GROUP.codes[cohort.label[0]], len(cohort.rows)) for cohort in cohorts)
        == [
            ("MINOR", 4),
            ("WOMAN", 4),
        ]
        or sum(len(cohort.rows) for cohort in cohorts) == 10
    )


def test_a_due_row_is_taken_back_up_to_the_class_that_is_ok() -> None:
    romanian = [row(at, agency=AGENCIES[at % 3], values=(4, COUNTRY.node_of["RO"])) for at in range(6)]
    lone = row(9, agency=B, values=(4, COUNTRY.node_of["TH"]))
    cohorts, dropped = grouped([*romanian, lone], AXES, RULE, NOW)
    assert not dropped
    assert lone.id in {each.id for cohort in cohorts for each in cohort.rows}


def test_of_a_wide_class_only_so_many_leave_as_it_takes() -> None:
    due = [row(at, agency=AGENCIES[at % 3], values=(1 + at % 5, 1 + at % 6)) for at in range(2)]
    young = [
        replace(row(10 + at, agency=AGENCIES[at % 3], values=(1 + at % 5, 1 + at % 6)), arrived=Tick(4))
        for at in range(12)
    ]
    cohorts, _ = grouped([*due, *young], AXES, replace(RULE, hold=0), NOW)
    left = [each for cohort in cohorts for each in cohort.rows]
    assert {each.id for each in due} <= {each.id for each in left}
    assert len(left) < 14


def test_of_two_rows_of_one_person_only_the_oldest_takes_part() -> None:
    pool = [row(at, agency=AGENCIES[at % 3]) for at in range(6)]
    again = replace(pool[0], id=RowId(pool[0].id.subject, pool[0].id.kind), agencies=frozenset({A}))
    again = replace(again, place=pool[5].place._replace(position=99))
    cohorts, _ = grouped([*pool, again], AXES, RULE, NOW)
    assert [len(cohort.rows) for cohort in cohorts] == [6]
