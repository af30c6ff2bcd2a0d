"""One text becomes one value: what does not fit is refused by a rule of its own, what is repaired is counted."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.importing.coding import code_of
from connectors.importing.converting import Converted, country_named, country_of, date_of, in_any_case, number_of
from connectors.importing.spec import Column, Number
from schemas.shapes import Scalar

ACTS = {"Recruitment": "RECRUITMENT", "Transfer": "TRANSFER", "Harbouring": "HARBOURING"}


def number(text: str, scalar: Scalar = Scalar.INT, **form: object) -> Converted:
    return number_of(Number.model_validate(form), scalar)(text)


def date(text: str, *forms: str, **options: object) -> Converted:
    return date_of(Column.model_validate({"column": "c", "date": [*forms], **options}), Scalar.DATE)(text)


@given(st.integers(0, 10**9))
def test_a_number_is_read_back_with_and_without_separators(value: int) -> None:
    assert number(str(value)).value == value
    assert number(f"{value:,}", thousands=",").value == value


@pytest.mark.parametrize(
    ("text", "form", "rule"),
    [
        ("1,234", {}, "thousands-separator"),
        ("<5", {}, "suppressed-number"),
        ("-99", {}, "negative"),
        ("1.5", {}, "not-whole"),
        ("12,34", {"thousands": ","}, "not-a-number"),
        ("1,23,456", {"thousands": ","}, "not-a-number"),
        ("five", {}, "not-a-number"),
        ("1e9", {}, "not-a-number"),
        ("٣", {}, "not-a-number"),
    ],
)
def test_what_is_no_number_is_refused_by_its_rule(text: str, form: dict[str, object], rule: str) -> None:
    assert number(text, **form).rule == rule


def test_a_comma_of_thousands_is_counted() -> None:
    assert number("1,234", thousands=",") == Converted(1234, ("thousands-comma",))
    assert number("1.234,5", Scalar.DOUBLE, thousands=".", decimal=",") == Converted(1234.5, ("thousands-dot",))


def test_a_suppressed_figure_is_no_number_where_the_mapping_says_so() -> None:
    assert number("<5", suppressed=["<5"]) == Converted()


def test_a_year_is_its_first_day_or_its_last() -> None:
    assert date("2019", "%Y").value == dt.date(2019, 1, 1)
    assert date("2019", "%Y", last_day_of="year").value == dt.date(2019, 12, 31)
    assert date("2020-02", "%Y-%m", last_day_of="month").value == dt.date(2020, 2, 29)


@pytest.mark.parametrize(
    ("text", "rule"), [("3/4/2020", "ambiguous-date"), ("2020-13-01", "not-a-date"), ("x", "not-a-date")]
)
def test_a_date_is_never_guessed(text: str, rule: str) -> None:
    assert date(text, "%d/%m/%Y", "%m/%d/%Y").rule == rule
    assert date("13/4/2020", "%d/%m/%Y", "%m/%d/%Y").value == dt.date(2020, 4, 13)


def test_a_moment_needs_its_zone() -> None:
    def moment(**options: object) -> Converted:
        rule = Column.model_validate({"column": "c", "date": ["%Y-%m-%d %H:%M"], **options})
        return date_of(rule, Scalar.TIMESTAMP)("2026-07-01 12:00")

    assert moment().rule == "no-time-zone"
    assert moment(zone="Europe/Belgrade").value == dt.datetime(2026, 7, 1, 10, tzinfo=dt.UTC)


def test_na_is_namibia() -> None:
    assert country_of("NA").value == "NAM"


@pytest.mark.parametrize(("text", "code"), [("RS", "SRB"), ("SRB", "SRB"), ("rs", None), ("AN", None), ("00", None)])
def test_countries_have_two_or_three_letters_and_are_in_use(text: str, code: str | None) -> None:
    found = country_of(text)

    assert found.value == code
    assert (found.rule == "unknown-country") == (code is None)


def test_small_letters_are_repaired_only_where_allowed() -> None:
    assert in_any_case(country_of)("rs") == Converted("SRB", ("case-changed",))


def test_countries_may_be_named() -> None:
    assert (country_named("Serbia").value, country_named("Ruritania").rule) == ("SRB", "unknown-country")


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("Recruitment/HiringTransfer", "glued-values"),
        ("Recruitment/Hiring", "glued-values"),
        ("RecruitmentTransfer", "glued-values"),
        ("recruitment", "wrong-case"),
        ("Recruitmnt", "misspelt-value"),
        ("Transnational", "other-column"),
        ("Lunch", "unknown-value"),
    ],
)
def test_a_dirty_code_is_refused_with_the_reason(text: str, rule: str) -> None:
    found = code_of(ACTS, {"Transnational": "FormOfTrafficking"}, separator=";")(text)

    assert (found.value, found.rule) == (None, rule)
    assert text not in found.advice.replace("Recruitment", "").replace("`", "") or rule == "wrong-case"


def test_a_code_in_other_case_is_taken_only_where_allowed() -> None:
    assert code_of(ACTS, {}, any_case=True)("TRANSFER") == Converted("TRANSFER", ("case-changed",))


@given(st.text(min_size=1, max_size=40))
def test_no_text_becomes_a_code_by_chance(text: str) -> None:
    found = code_of(ACTS, {})(text)

    assert found.value == ACTS.get(text)
    assert bool(found.rule) == (text not in ACTS)
