"""What an export of figures says: a number or why there is none, and never more than was told before."""

import csv
import io
import json
from collections.abc import Mapping
from dataclasses import replace

import pytest

from projections.exporting.choosing import (
    Choice,
    NoPeriodError,
    UnknownFrameworkError,
    WrongMonthError,
    chosen_indicators,
    chosen_periods,
    spans,
)
from projections.exporting.figure_files import figure_files
from projections.exporting.told import HELD_BACK, NOT_CARRIED, figures_of
from projections.indicators.catalogue import UnknownIndicatorError, catalogue
from projections.indicators.figures import NOT_BROKEN_DOWN, K, Row, State
from projections.indicators.folding import persons_counted
from tests.projections.exporting.invented import OUT, PERIODS, Invented, files, invented, told, usual

VALUED = {"full", "partial"}


def table(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode(), newline="")))


def tidy(tier: str = "partner", **choice: object) -> list[dict[str, str]]:
    return table(files("tidy-csv", tier, choice=Choice(**choice))["figures.any"])  # type: ignore[arg-type]


@pytest.mark.parametrize("tier", ["partner", "open"])
def test_every_row_has_a_number_or_says_why_there_is_none(tier: str) -> None:
    rows = tidy(tier)
    assert {row["indicator"] for row in rows} == {entry.id for entry in catalogue().indicators}
    for row in rows:
        assert (row["value"] != "") == (row["state"] in VALUED), row
        assert row["value"] != "" or row["reason"], row


@pytest.mark.parametrize("tier", ["partner", "open"])
def test_what_is_withheld_is_empty_and_never_zero(tier: str) -> None:
    withheld = [row for row in tidy(tier) if row["state"] in {"waiting", "suppressed"}]
    assert withheld
    assert {(row["value"], row["numerator"], row["denominator"]) for row in withheld} == {("", "", "")}


def test_the_numbers_are_those_that_were_folded() -> None:
    folded = {
        (figure.indicator, figure.period, cell.dimension, cell.code): cell.numerator
        for figure in told("partner")
        for cell in figure.cells
    }
    rows = tidy()
    found = {
        (row["indicator"], row["period"] if row["frequency"] == "month" else f"{row['period']}-12", *key): float(
            row["numerator"]
        )
        for row in rows
        if (key := (row["dimension"], row["code"])) != ("TOTAL", "TOTAL")
    }
    assert found == folded
    assert len(found) > 1_000


def test_every_row_carries_what_its_numbers_mean() -> None:
    row = next(row for row in tidy() if (row["indicator"], row["code"]) == ("C.3.1-1", "WOMAN"))
    entry = catalogue().get("C.3.1-1")
    assert (
        row
        | {
            "framework": "GUIDELINES_D",
            "section": "C.3.1",
            "wording": entry.wording,
            "definition": entry.definition,
            "unit": "COUNT",
            "source": "computed",
            "label": "woman",
            "k": "11",
            "net": "5",
            "tier": "partner",
            "period": "2024-01",
            "period_begin": "2024-01-01",
            "period_end": "2024-01-31",
            "parameters_hash": "5f" * 32,
            "log_position": f"anon.partner:{len(usual().persons)} facts.partner:{len(usual().told)}",
        }
        == row
    )


def test_a_yearly_figure_covers_its_year() -> None:
    row = next(row for row in tidy() if row["indicator"] == "C.2.3.b-1")
    assert [row[name] for name in ("frequency", "period", "period_begin", "period_end")] == [
        "year",
        "2024",
        "2024-01-01",
        "2024-12-31",
    ]


def test_the_metadata_beside_say_the_same() -> None:
    said = json.loads(files("tidy-csv")["figures.any.metadata.json"])
    rows = tidy()
    assert said["rows"] == len(rows)
    assert list(said["columns"]) == list(rows[0])
    assert said["log_position"] == {"anon.partner": len(usual().persons), "facts.partner": len(usual().told)}
    assert said["states"].keys() == {str(state) for state in State}
    assert said["indicators"].keys() == {entry.id for entry in catalogue().indicators}
    assert (said["k"], said["net"], said["embargo_days"], said["deadline_days"]) == (11, 5, 1, 14)


def test_a_part_beside_which_others_are_not_broken_down_is_at_least_so_many() -> None:
    rows = tidy()
    left = {(row["indicator"], row["period"], row["dimension"]) for row in rows if row["code"] == NOT_BROKEN_DOWN}
    parts = [row for row in rows if (row["indicator"], row["period"], row["dimension"]) in left]
    assert parts
    assert {row["state"] for row in parts} == {"partial"}


def test_what_is_asked_for_changes_no_number() -> None:
    def numbers(rows: list[dict[str, str]]) -> Mapping[tuple[str, ...], str]:
        return {(row["indicator"], row["period"], row["dimension"], row["code"]): row["value"] for row in rows}

    whole = numbers(tidy())
    part = numbers(tidy(since="2024-05", until="2024-09", indicators=("C.3.1-1",)))
    assert part == {
        key: value
        for key, value in whole.items()
        if key[0] == "C.3.1-1" and key[1] in {"2024-05", "2024-06", "2024-07", "2024-08", "2024-09"}
    }


def test_the_public_sees_a_part_of_what_partners_were_told_and_no_other_number() -> None:
    partner = {(each.indicator, each.period): each for each in told("partner")}
    shown = 0
    for figure in told("open"):
        theirs = partner[figure.indicator, figure.period]
        if figure.value is not None:
            assert replace(figure, cells=()) == replace(theirs, cells=())
            assert set(figure.cells) <= set(theirs.cells)
            shown += len(figure.cells)
    assert shown > 100


def test_a_column_that_the_public_does_not_get_is_in_none_of_its_figures() -> None:
    persons = persons_counted(catalogue())
    dimensions = {cell.dimension for figure in told("open") if figure.indicator in persons for cell in figure.cells}
    assert "group" in dimensions
    assert not dimensions & {"actor", "level_of_control"}
    assert {figure.reason for figure in told("open") if figure.indicator == "C.3.1-3"} == {NOT_CARRIED}


def test_a_number_that_rests_on_a_column_of_which_the_public_gets_less_is_held_back() -> None:
    source = invented(a_month=150, withheld=frozenset({"status"}))
    shown = [each for each in figures_of(catalogue(), source, "open") if each.indicator == "C.3.1-1"]
    assert {(each.state, each.value, each.cells, each.reason) for each in shown} == {
        (State.SUPPRESSED, None, (), HELD_BACK)
    }


def test_no_open_figure_is_broken_down_by_a_column_of_which_the_public_gets_less() -> None:
    partner = {(each.indicator, each.period): each for each in told("partner")}
    own = invented(withheld=frozenset({"exploitation_forms"}))
    figures = [each for each in figures_of(catalogue(), own, "open") if each.indicator == "C.3.1-1"]
    assert {cell.dimension for each in figures for cell in each.cells} == {"group", "citizenship_region"}
    assert any(cell.dimension == "form" for each in figures for cell in partner[each.indicator, each.period].cells)


def test_every_count_of_persons_is_nobody_or_at_least_k() -> None:
    persons = persons_counted(catalogue())
    for tier in ("partner", "open"):
        for row in tidy(tier):
            if row["indicator"] in persons and row["numerator"]:
                assert float(row["numerator"]) == 0 or float(row["numerator"]) >= K, row


def test_k_below_that_of_the_design_is_not_believed() -> None:
    source = invented(a_month=60, said={"k": 2, "hash": "00"})
    rows = table(figure_files(source, "partner", Choice(indicators=("C.3.1-1",)), "tidy-csv", OUT)[OUT])
    assert {row["k"] for row in rows} == {"11"}
    assert all(float(row["numerator"]) >= K for row in rows if row["value"])


def test_months_and_years_can_be_asked_for() -> None:
    def asked(**choice: str) -> tuple[str, str, int]:
        found = chosen_periods(PERIODS, Choice(**choice))
        return found[0].label, found[-1].label, len(found)

    assert asked() == ("2024-01", "2025-12", 24)
    assert asked(since="2024-11", until="2025-02") == ("2024-11", "2025-02", 4)
    assert asked(since="2025") == ("2025-01", "2025-12", 12)
    assert asked(until="2024") == ("2024-01", "2024-12", 12)
    assert asked(since="2024-12", until="2024-12") == ("2024-12", "2024-12", 1)


@pytest.mark.parametrize("choice", [{"since": "2024-13"}, {"until": "last"}, {"since": "2025-02", "until": "2025-01"}])
def test_what_is_no_time_is_refused(choice: dict[str, str]) -> None:
    with pytest.raises(WrongMonthError):
        chosen_periods(PERIODS, Choice(**choice))


def test_a_time_without_a_closed_period_is_refused() -> None:
    with pytest.raises(NoPeriodError):
        chosen_periods(PERIODS, Choice(since="2026-01"))


def test_what_nobody_knows_is_refused() -> None:
    with pytest.raises(UnknownIndicatorError):
        chosen_indicators(catalogue(), Choice(indicators=("C.9.9-9",)))
    with pytest.raises(UnknownFrameworkError):
        chosen_indicators(catalogue(), Choice(frameworks=("UNKNOWN",)))


def test_the_first_year_of_a_log_that_begins_in_it_covers_what_there_is() -> None:
    found = spans(PERIODS[5:], yearly=True)
    assert [(label, f"{span.first:%Y-%m-%d}", f"{span.last:%Y-%m-%d}") for label, span in found.items()] == [
        ("2024-12", "2024-06-01", "2024-12-31"),
        ("2025-12", "2025-01-01", "2025-12-31"),
    ]


def test_of_a_mean_the_persons_of_each_band_are_told_as_counts() -> None:
    persons = [
        Row(
            tick=PERIODS[0].first,
            kind="PersonIdentified",
            columns={"status": "IDENTIFIED", "group": "WOMAN", "stay_before_identification": band},
        )
        for band, number in (("0-29", 20), ("365+", 30))
        for _ in range(number)
    ]
    source = Invented(persons=persons)
    rows = table(figure_files(source, "partner", Choice(indicators=("C.3.1-2",)), "tidy-csv", OUT)[OUT])
    assert [(row["value"], row["unit"]) for row in rows if (row["dimension"], row["period"]) == ("TOTAL", "2024")] == [
        ("330", "DAYS")
    ]
    assert {(row["code"], row["value"], row["unit"]) for row in rows if row["dimension"] == "band"} == {
        ("0-29", "20", "COUNT"),
        ("365+", "30", "COUNT"),
    }
    sdmx = table(figure_files(source, "partner", Choice(indicators=("C.3.1-2",)), "sdmx-csv", OUT)[OUT])
    assert {(row["BAND"], row["OBS_VALUE"], row["UNIT_MEASURE"]) for row in sdmx if row["BAND"] != "_T"} == {
        ("0-29", "20", "COUNT"),
        ("365_", "30", "COUNT"),
    }
