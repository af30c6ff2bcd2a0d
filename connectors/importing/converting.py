"""One text becomes one value: number, date, country, code. What does not fit is named, never guessed."""

import calendar
import datetime as dt
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Literal
from zoneinfo import ZoneInfo

import pycountry

from connectors.importing.spec import Column, Number
from schemas.codelists import code_list
from schemas.shapes import Scalar


@dataclass(frozen=True, slots=True)
class Converted:
    """What a text became; with *rule* set it became nothing, and *advice* says what to do."""

    value: object = None
    repairs: tuple[str, ...] = ()
    rule: str = ""
    advice: str = ""


Convert = Callable[[str], Converted]
NOTHING = Converted()


def number_of(form: Number, scalar: Scalar) -> Convert:
    """Return what reads numbers written as *form* says, for a field of the type *scalar*."""
    suppressed = frozenset(form.suppressed)
    plain = re.compile(rf"-?\d+(?:{re.escape(form.decimal)}\d+)?", re.ASCII)
    other = "." if form.decimal == "," else ","
    grouped = re.compile(
        rf"-?\d{{1,3}}(?:{re.escape(form.thousands or other)}\d{{3}})+(?:{re.escape(form.decimal)}\d+)?", re.ASCII
    )

    def convert(text: str) -> Converted:
        if text in suppressed:
            return NOTHING
        repairs: tuple[str, ...] = ()
        if not plain.fullmatch(text):
            if not grouped.fullmatch(text):
                return _no_number(text)
            if not form.thousands:
                return Converted(
                    rule="thousands-separator", advice="take the separator of thousands away, or let the mapping do so"
                )
            text, repairs = text.replace(form.thousands, ""), (f"thousands-{_NAMES.get(form.thousands, 'separator')}",)
        value = float(text.replace(form.decimal, "."))
        if value < 0:
            return Converted(
                rule="negative", advice="a number below zero often stands for `no value`: leave the cell empty"
            )
        if scalar is Scalar.DOUBLE:
            return Converted(value, repairs)
        if not value.is_integer():
            return Converted(rule="not-whole", advice="give a whole number")
        return Converted(int(value), repairs)

    return convert


_NAMES = {",": "comma", ".": "dot", " ": "blank", "'": "apostrophe"}


def _no_number(text: str) -> Converted:
    if text[:1] in "<>≤≥~":
        return Converted(
            rule="suppressed-number",
            advice="the figure is hidden or rough; the mapping has to say what that means here",
        )
    return Converted(rule="not-a-number", advice="give digits only")


def date_of(rule: Column, scalar: Scalar) -> Convert:
    """Return what reads dates written in one of the forms of *rule*, for a field of the type *scalar*."""
    forms = tuple(rule.date)
    advice = f"write the date as one of: {', '.join(forms)}"

    def convert(text: str) -> Converted:
        found = {moment for form in forms if (moment := _parsed(text, form)) is not None}
        if len(found) > 1:
            return Converted(rule="ambiguous-date", advice="the date can be read in two ways: write YYYY-MM-DD")
        if not found:
            return Converted(rule="not-a-date", advice=advice)
        return moment_of(found.pop(), rule, scalar)

    return convert


def moment_of(found: dt.date, rule: Column, scalar: Scalar) -> Converted:
    """Return the date or moment *found* as the field takes it."""
    moment = found if isinstance(found, dt.datetime) else dt.datetime(found.year, found.month, found.day)  # noqa: DTZ001 - gets its zone below
    if rule.last_day_of == "year":
        moment = moment.replace(month=12, day=31)
    elif rule.last_day_of == "month":
        moment = moment.replace(day=calendar.monthrange(moment.year, moment.month)[1])
    if scalar is Scalar.DATE:
        return Converted(moment.date())
    if moment.tzinfo is None:
        if moment.time() != dt.time() and rule.zone is None:
            return Converted(rule="no-time-zone", advice="a time of day needs its zone: name it in the mapping")
        moment = moment.replace(tzinfo=ZoneInfo(rule.zone) if rule.zone else dt.UTC)
    return Converted(moment.astimezone(dt.UTC))


def _parsed(text: str, form: str) -> dt.datetime | None:
    try:
        return dt.datetime.strptime(text, form)  # noqa: DTZ007 - a date without a time, or with a zone of its own
    except ValueError:
        return None


def country_of(text: str) -> Converted:
    """Return the alpha-3 code of a country that is written as alpha-2 or alpha-3; "NA" is Namibia."""
    found = _alpha_3().get(text)
    if found is None:
        advice = "give a code of ISO 3166-1, two or three capital letters, in use today"
        return Converted(rule="unknown-country", advice=advice)
    return Converted(found)


@cache
def _alpha_3() -> Mapping[str, str]:
    two = {country.alpha_2: country.alpha_3 for country in pycountry.countries}
    return {**two, **{code: code for code in code_list("country").codes}}


def country_named(text: str) -> Converted:
    """Return the code of a country that is written with its English name."""
    found = country_names().get(text.casefold())
    return Converted(found) if found else Converted(rule="unknown-country", advice="write the name as ISO 3166-1 does")


def language_named(text: str) -> Converted:
    """Return the code of a language that is written with its English name."""
    found = _names_of("languages").get(text.casefold())
    return Converted(found) if found else Converted(rule="unknown-language", advice="write the name as ISO 639-3 does")


def country_names() -> Mapping[str, str]:
    """Return the codes of countries by their English names in small letters."""
    return _names_of("countries")


@cache
def _names_of(kind: Literal["countries", "languages"]) -> Mapping[str, str]:
    """Return codes by the English names that are no other entry's, in small letters."""
    found: dict[str, set[str]] = {}
    for entry in getattr(pycountry, kind):
        for attribute in ("name", "common_name", "official_name"):
            if name := getattr(entry, attribute, None):
                found.setdefault(name.casefold(), set()).add(entry.alpha_3)
    return {name: next(iter(codes)) for name, codes in found.items() if len(codes) == 1}


def in_any_case(convert: Convert) -> Convert:
    """Return *convert* that tries capital letters as well, and counts that."""

    def tolerant(text: str) -> Converted:
        found = convert(text)
        if not found.rule:
            return found
        again = convert(text.upper())
        return found if again.rule else replace(again, repairs=(*again.repairs, "case-changed"))

    return tolerant
