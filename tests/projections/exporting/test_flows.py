"""Flows tell of nobody or of at least k persons, each of them and whatever follows from others."""

from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from projections.exporting.flows import NoFlowsError, Year, flows_of
from projections.indicators.catalogue import catalogue
from projections.indicators.figures import K, Row
from tests.projections.exporting.invented import PERIODS, usual

ENTRY = catalogue().get("C.3.1-1")
blocks = st.builds(
    lambda number, month, citizenship, place, status: (
        [
            Row(
                tick=PERIODS[month].first,
                kind="PersonIdentified",
                columns={"citizenship": citizenship, "exploitation_country": place, "status": status},
            )
        ]
        * number
    ),
    st.sampled_from([1, 4, 10, 11, 12, 30]),
    st.integers(0, 23),
    st.sampled_from(["SRB", "ALB", "MDA", "039", "150", None]),
    st.sampled_from(["SRB", "ITA", "039", None]),
    st.sampled_from(["IDENTIFIED", "IDENTIFIED", "NOT_A_VICTIM"]),
)
populations = st.lists(blocks, max_size=12).map(lambda found: [row for rows in found for row in rows])


def flows(rows: list[Row], months: int = 24) -> tuple[Year, ...]:
    return flows_of(ENTRY, rows, PERIODS[:months], K)


@settings(deadline=None)
@given(populations)
def test_each_number_and_each_rest_is_nobody_or_at_least_k(rows: list[Row]) -> None:
    for year in flows(rows):
        for size in range(len(year.flows) + 1):
            for some in combinations([each.persons for each in year.flows], size):
                left = year.total - sum(some)
                assert left == 0 or left >= K, year


@settings(deadline=None)
@given(populations)
def test_nobody_is_counted_twice_and_nobody_who_was_no_victim(rows: list[Row]) -> None:
    truth = sum(row.columns["status"] == "IDENTIFIED" for row in rows)
    assert sum(year.total for year in flows(rows)) <= truth


@settings(deadline=None)
@given(populations)
def test_a_year_that_is_over_stays_as_it_was_told(rows: list[Row]) -> None:
    early = [row for row in rows if row.tick <= PERIODS[11].last]
    assert flows(early, 12) == flows(rows)[:1]


def test_a_year_that_is_not_over_has_no_flows() -> None:
    assert [year.label for year in flows(list(usual().persons), 23)] == ["2024"]


def test_flows_are_as_they_were_counted_by_hand() -> None:
    rows = [
        Row(tick=PERIODS[3].first, kind="PersonIdentified", columns=columns)
        for columns, number in (
            ({"citizenship": "SRB", "exploitation_country": "ITA", "status": "IDENTIFIED"}, 20),
            ({"citizenship": "ALB", "exploitation_country": "ITA", "status": "PRESUMED"}, 10),
            ({"citizenship": "MDA", "exploitation_country": "SRB", "status": "IDENTIFIED"}, 12),
            ({"citizenship": "MDA", "exploitation_country": None, "status": "IDENTIFIED"}, 5),
            ({"citizenship": "NPL", "exploitation_country": "SRB", "status": "IDENTIFIED"}, 6),
        )
        for _ in range(number)
    ]
    year, later = flows(rows)
    assert {(each.region, each.place, each.persons) for each in year.flows} == {("039", "ITA", 30), ("151", "SRB", 12)}
    assert (year.total, year.rest) == (53, 11)
    assert (later.total, later.flows) == (0, ())


@pytest.mark.parametrize("wanted", ["C.2.3.b-1", "C.3.5-1", "C.1.2.a-1"])
def test_what_counts_no_persons_has_no_flows(wanted: str) -> None:
    with pytest.raises(NoFlowsError):
        flows_of(catalogue().get(wanted), (), PERIODS, K)
