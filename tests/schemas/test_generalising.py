"""Each ladder is a tree over every code that a field on it may hold, and nothing comes out finer than it went in."""

import dataclasses
import datetime as dt
import math
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.codelists import code_list
from schemas.errors import MisuseError
from schemas.generalising import (
    EVERYTHING,
    Ladder,
    NotOnLadderError,
    UnknownLadderError,
    UnknownLevelError,
    age_at,
    build,
    ladder,
    ladders,
)
from schemas.ladder_data import UnfitLadderError, ladder_files, years_of

WITH_TABLE = [each for each in ladders() if each.takes != "date"]
DATES = st.dates(dt.date(1900, 1, 1), dt.date(2199, 12, 31))
MOMENTS = st.datetimes(dt.datetime(1900, 1, 2), dt.datetime(2199, 12, 30), timezones=st.timezones())  # noqa: DTZ001
AGES = st.integers(0, 130)


@st.composite
def on_a_ladder(draw: st.DrawFn) -> tuple[Ladder, object]:
    """Draw a ladder and a value that it takes."""
    found = draw(st.sampled_from(ladders()))
    if found.takes == "date":
        return found, draw(DATES | MOMENTS)
    codes = st.sampled_from(sorted(found.table(EVERYTHING)))
    return found, draw(codes | AGES if found.takes == "age" else codes)


def all_levels(found: Ladder, value: object) -> list[str | None]:
    return [found.generalise(value, level) for level in found.levels]


@given(on_a_ladder(), st.data())
def test_two_values_that_are_equal_on_a_level_are_equal_on_every_coarser_one(
    drawn: tuple[Ladder, object], data: st.DataObject
) -> None:
    found, one = drawn
    near = st.dates(dt.date(2026, 1, 1), dt.date(2026, 3, 31)) if found.takes == "date" else st.nothing()
    codes = st.sampled_from(sorted(found.table(EVERYTHING))) if found.takes != "date" else DATES
    pair = all_levels(found, one), all_levels(found, data.draw(codes | near | st.just(one)))
    equal = [first == second for first, second in zip(*pair, strict=True)]
    assert equal == sorted(equal)


@pytest.mark.parametrize("found", WITH_TABLE, ids=lambda each: each.name)
def test_every_level_of_a_table_is_a_function_of_the_level_before(found: Ladder) -> None:
    tables = [found.table(level) for level in found.levels]
    for finer, coarser in pairwise(tables):
        becomes: dict[str | None, str | None] = {}
        for code, here in finer.items():
            assert becomes.setdefault(here, coarser[code]) == coarser[code], code


def test_every_level_of_the_calendar_is_a_function_of_the_level_before() -> None:
    days = [dt.date(2023, 12, 1) + dt.timedelta(days=number) for number in range(3 * 366)]
    levels = ladder("date").levels
    for finer, coarser in pairwise(levels):
        becomes: dict[str | None, str | None] = {}
        for day in days:
            above = ladder("date").generalise(day, coarser)
            assert becomes.setdefault(ladder("date").generalise(day, finer), above) == above, day


@given(on_a_ladder(), st.data())
def test_to_generalise_again_changes_nothing(drawn: tuple[Ladder, object], data: st.DataObject) -> None:
    found, value = drawn
    first, second = sorted(data.draw(st.lists(st.sampled_from(range(len(found.levels))), min_size=2, max_size=2)))
    once = found.generalise(value, found.levels[first])
    assert found.generalise(once, found.levels[first]) == once
    assert found.generalise(once, found.levels[second]) == found.generalise(value, found.levels[second])


@given(on_a_ladder(), st.data())
def test_a_value_that_is_on_a_coarser_level_does_not_come_out_finer(
    drawn: tuple[Ladder, object], data: st.DataObject
) -> None:
    found, value = drawn
    coarse = found.generalise(value, data.draw(st.sampled_from(found.levels)))
    if coarse is not None:
        assert found.generalise(coarse, found.levels[0]) == coarse


@given(on_a_ladder())
def test_on_the_last_level_all_are_one(drawn: tuple[Ladder, object]) -> None:
    found, value = drawn
    assert found.levels[-1] == EVERYTHING
    assert found.generalise(value, EVERYTHING) == EVERYTHING == found.generalise(None, EVERYTHING)


@pytest.mark.parametrize("found", WITH_TABLE, ids=lambda each: each.name)
def test_a_ladder_takes_every_code_of_the_lists_whose_fields_may_name_it(found: Ladder) -> None:
    for name in found.code_lists:
        for code in code_list(name).codes:
            for level in found.levels:
                assert found.generalise(code, level) == found.table(level)[code]


@pytest.mark.parametrize("found", ladders(), ids=lambda each: each.name)
def test_what_is_not_reported_stays_so(found: Ladder) -> None:
    for value in (None, *ladder_files()[found.name].not_reported):
        assert all_levels(found, value) == [None] * (len(found.levels) - 1) + [EVERYTHING]


@pytest.mark.parametrize("found", ladders(), ids=lambda each: each.name)
def test_every_step_names_the_list_or_release_that_it_was_taken_from(found: Ladder) -> None:
    assert found.sources.keys() == set(found.levels[:-1])
    assert all(len(source) > 5 for source in found.sources.values())


@pytest.mark.parametrize("name", ["age", "group"])
def test_minor_or_adult_is_the_last_to_go(name: str) -> None:
    found = ladder(name)
    assert found.levels[-2:] == ("minor or adult", EVERYTHING)
    assert set(found.table("minor or adult").values()) == {"MINOR", "ADULT", EVERYTHING, None}


@given(AGES)
def test_an_age_is_adult_from_18_on_whatever_step_it_went_by(age: int) -> None:
    for level in ladder("age").levels[:-1]:
        band = ladder("age").generalise(age, level)
        assert ladder("age").generalise(band, "minor or adult") == ("ADULT" if age >= 18 else "MINOR")


@given(AGES, st.sampled_from(ladder("age").levels[:-2]))
def test_the_band_of_an_age_holds_it(age: int, level: str) -> None:
    first, last = years_of(str(ladder("age").generalise(age, level)))
    assert first <= age <= last


@pytest.mark.parametrize("code", [code for code in code_list("age_band").codes if code != "UNKNOWN"])
def test_a_band_that_fits_no_step_enters_at_the_smallest_that_holds_all_of_it(code: str) -> None:
    first, last = years_of(code)
    ages = range(int(first), 131 if math.isinf(last) else int(last) + 1)
    for level in ladder("age").levels:
        of_band = ladder("age").generalise(code, level)
        of_ages = {ladder("age").generalise(age, level) for age in ages}
        assert of_ages == {of_band} or of_band == ladder("age").generalise(code, "5 years")


ENTERS = {
    "24-26": ("age", "18-29"),
    "39-47": ("age", "30-49"),
    "48+": ("age", "ADULT"),
    "9-17": ("age", "0-17"),
    "MINOR": ("age", "MINOR"),
    "039": ("country", "039"),
    "150": ("country", "150"),
    "F": ("isic", "F"),
    "2026-Q1": ("date", "2026-Q1"),
}


@pytest.mark.parametrize("code", ENTERS)
def test_asked_for_a_finer_step_a_coarser_value_says_how_coarse_it_is(code: str) -> None:
    name, shown = ENTERS[code]
    assert ladder(name).generalise(code, ladder(name).levels[0]) == shown


SHOWN: list[tuple[str, object, list[str]]] = [
    ("country", "ALB", ["ALB", "039", "150", "*"]),
    ("country", "ATA", ["ATA", "*", "*", "*"]),
    ("place", "GN:783508", ["GN:783508", "AL.41", "ALB", "*"]),
    ("place", "a house in Tirana", ["*", "*", "*", "*"]),
    ("means_of_control", "SEXUAL_ABUSE", ["SEXUAL_ABUSE", "meansAbusePsyPhySex", "ANY", "*"]),
    ("means_of_control", "OTHER", ["OTHER", "OTHER", "ANY", "*"]),
    ("exploitation_form", "FORCED_BEGGING", ["FORCED_BEGGING", "BEGGING_CRIMINALITY", "OTHER_FORMS", "*"]),
    ("exploitation_form", "DOMESTIC_SERVITUDE", ["DOMESTIC_SERVITUDE", "LABOUR", "LABOUR", "*"]),
    ("isic", "CONSTRUCTION", ["CONSTRUCTION", "F", "*"]),
    ("group", "GIRL", ["GIRL", "MINOR", "*"]),
    ("age", 17, ["15-17", "10-17", "0-17", "MINOR", "*"]),
    ("age", 18, ["18-19", "18-29", "18-29", "ADULT", "*"]),
    ("date", dt.date(2026, 1, 1), ["2026-01-01", "2026-01-W1", "2026-01", "2026-Q1", "2026", "*"]),
    ("date", dt.date(2024, 2, 29), ["2024-02-29", "2024-02-W4", "2024-02", "2024-Q1", "2024", "*"]),
]


@pytest.mark.parametrize(("name", "value", "expected"), SHOWN)
def test_a_value_goes_up_its_ladder_as_published(name: str, value: object, expected: list[str]) -> None:
    assert all_levels(ladder(name), value) == expected


@pytest.mark.parametrize("name", ["means_of_control", "exploitation_form"])
def test_the_levels_have_as_many_codes_as_their_names_say(name: str) -> None:
    found = ladder(name)
    for level in found.levels[:-1]:
        number = level.split()[0]
        if number.isdigit():
            unknown = 1 if (name, level) == ("exploitation_form", "14 forms") else 0
            other = 1 if (name, level) == ("means_of_control", "8 means") else 0  # no column of CTDC 2024
            reached = {found.generalise(code, level) for code in code_list(name).codes} - {None}
            assert len(reached) + unknown - other == int(number)


def test_the_eight_forms_each_lie_in_the_group_of_glotip_that_the_code_list_gives() -> None:
    groups = {"SEXUAL": "Sexual exploitation", "LABOUR": "Forced labour", "OTHER_FORMS": "Other forms of exploitation"}
    for code in code_list("exploitation_form").codes.values():
        coarse = ladder("exploitation_form").generalise(code.code, "3 forms")
        assert groups.get(str(coarse), "Unknown") == code.crosswalk["GLOTIP"]


@given(MOMENTS)
def test_a_moment_counts_on_its_day_in_utc(moment: dt.datetime) -> None:
    day = moment.astimezone(dt.UTC).date()
    assert all_levels(ladder("date"), moment) == all_levels(ladder("date"), day)


@given(DATES)
def test_a_week_has_at_least_seven_days(day: dt.date) -> None:
    week = ladder("date").generalise(day, "week")
    around = [day + dt.timedelta(days=offset) for offset in range(-10, 11) if dt.date.min < day]
    assert sum(ladder("date").generalise(each, "week") == week for each in around) >= 7


@given(DATES)
def test_month_and_year_are_those_of_the_calendar(day: dt.date) -> None:
    assert ladder("date").generalise(day, "month") == day.strftime("%Y-%m")
    assert ladder("date").generalise(day, "year") == day.strftime("%Y")


@given(DATES, st.integers(0, 120))
def test_an_age_changes_on_the_birthday(born: dt.date, years: int) -> None:
    later = born.year + years
    leap_day = (born.month, born.day) == (2, 29) and not (later % 4 == 0 and (later % 100 != 0 or later % 400 == 0))
    birthday = dt.date(later, 3, 1) if leap_day else born.replace(year=later)
    assert age_at(born, birthday) == years
    if years:
        assert age_at(born, birthday - dt.timedelta(days=1)) == years - 1


def test_nobody_has_an_age_before_the_birth() -> None:
    with pytest.raises(ValueError, match="before the birth"):
        age_at(dt.date(2026, 1, 2), dt.date(2026, 1, 1))


WRONG: list[tuple[str, object]] = [
    ("age", -1),
    ("age", 131),
    ("age", True),
    ("age", 3.0),
    ("age", "twelve"),
    ("age", dt.date(2001, 1, 1)),
    ("country", "Atlantis"),
    ("country", ["ALB"]),
    ("group", 1),
    ("date", "2026-13"),
    ("date", "2026-02-30"),
    ("date", "yesterday"),
    ("date", dt.datetime(2026, 1, 1)),  # noqa: DTZ001 - without time zone
    ("date", 2026),
    ("place", 7),
]


@pytest.mark.parametrize(("name", "value"), WRONG)
def test_a_value_that_is_on_no_step_is_refused_without_being_repeated(name: str, value: object) -> None:
    for level in ladder(name).levels:
        with pytest.raises(NotOnLadderError) as caught:
            ladder(name).generalise(value, level)
        assert str(value) not in str(caught.value)


def test_several_values_come_out_once_each_in_an_order_that_says_nothing() -> None:
    found = ladder("country")
    assert found.generalise_all(["SRB", "ALB", "039", None, "UKR"], "M49 sub-region") == ("039", "151")


def test_a_group_is_ruled_out_only_when_each_of_its_codes_is() -> None:
    found = ladder("exploitation_form")
    labour = ["FORCED_LABOUR", "DOMESTIC_SERVITUDE", "CHILD_LABOUR"]
    assert found.ruled_out(labour[:2], "3 forms") == ()
    assert found.ruled_out(labour, "3 forms") == ("LABOUR",)
    assert found.ruled_out(["LABOUR", "SEXUAL"], "14 forms") == tuple(sorted([*labour, "SEXUAL"]))
    assert found.ruled_out([], "*") == ()


def test_what_is_not_there_is_named_with_what_is() -> None:
    with pytest.raises(UnknownLadderError, match="age, all-or-nothing"):
        ladder("stairs")
    with pytest.raises(UnknownLevelError, match="5 years, 10 years"):
        ladder("age").generalise(3, "7 years")
    with pytest.raises(MisuseError, match="no table"):
        ladder("date").table("week")


UNFIT: dict[str, tuple[str, dict[str, Any], str]] = {
    "a code that nobody mentioned": ("group", {"groups": {"MINOR": ["GIRL"], "ADULT": ["WOMAN", "MAN"]}}, "BOY"),
    "a code in two groups": ("group", {"stays": ["BOY"]}, "BOY is in two groups"),
    "a level without steps": ("means_of_control", {"crosswalk": "CTDC 1999"}, "DEBT_BONDAGE"),
    "bands that do not hold each other": ("age", {"bands": ["0-11", "12-20", "21+"]}, "10-14"),
}


@pytest.mark.parametrize(("name", "changes", "named"), UNFIT.values(), ids=UNFIT)
def test_a_ladder_that_is_no_tree_does_not_load(name: str, changes: dict[str, Any], named: str) -> None:
    source = ladder_files()[name]
    first, second, *others = source.content["levels"]
    levels = [first, {**second, **changes}, *others]
    with pytest.raises(UnfitLadderError, match=named):
        build(dataclasses.replace(source, content={**source.content, "levels": levels}))


def test_a_code_list_with_a_code_on_no_step_does_not_load() -> None:
    source = ladder_files()["group"]
    with pytest.raises(UnfitLadderError, match="UNKNOWN"):
        build(dataclasses.replace(source, not_reported=frozenset()))


def test_a_place_of_too_few_people_does_not_load() -> None:
    source = ladder_files()["place"]
    with pytest.raises(UnfitLadderError, match="fewer than 50000 inhabitants"):
        build(dataclasses.replace(source, content={**source.content, "at_least_inhabitants": 50_000}))


def test_coarser_is_told_from_finer() -> None:
    assert ladder("date").is_as_coarse("month", "month")
    assert ladder("date").is_as_coarse("*", "month")
    assert not ladder("date").is_as_coarse("week", "month")


def test_a_fingerprint_says_what_a_ladder_does_and_is_the_same_in_every_process() -> None:
    assert len({found.fingerprint for found in ladders()}) == len(ladders())
    for name in ("group", "date"):
        changed = ladder_files()[name]
        assert build(changed).fingerprint == ladder(name).fingerprint
    other = dataclasses.replace(ladder_files()["group"], not_reported=frozenset({"UNKNOWN", "NOT_ASKED"}))
    assert build(other).fingerprint != ladder("group").fingerprint
