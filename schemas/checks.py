"""Checks of single values, compiled per field: type, size, characters, code, format, range of dates.

A check returns nothing for a right value, else what is wrong: (path below the value, rule, advice).
"""

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

from schemas.codelists import code_list, where_to_look
from schemas.privacy_classes import PrivacyClass
from schemas.references import is_national_number, is_staff_name, tells_contact
from schemas.shapes import Field, Scalar

MAX_NARRATIVE_LENGTH = 10_000
"""Characters of a narrative."""
MAX_TEXT_LENGTH = 500
"""Characters of any other text."""
MAX_ITEMS = 200
"""Entries of a list."""
MAX_FINDINGS = 100
"""With so many, the rest of a list is not looked at: lists within lists would cost more than the answer is worth."""
_MORE = "entries from here on were not checked; put those before right first"
MAX_INT = 2**31 - 1
CLOCK_SKEW = timedelta(minutes=5)
"""How far an agency's clock may be ahead."""
DATE_AHEAD = timedelta(hours=3)
"""A date has no time zone: in the region's easternmost one, UTC+3, a day begins so long before UTC's."""
FIRST_DAY = date(1900, 1, 1)
FIRST_MOMENT = datetime(1900, 1, 1, tzinfo=UTC)
LAST_DEADLINE = datetime(2200, 1, 1, tzinfo=UTC)

STAFF = frozenset({"officer_ref", "worker_ref", "approved_by_ref"})
"""References of people who work for an agency: a word, such as `import`, may stand for a program."""
MISSING = object()
"""Stands where a record has no such field."""

Finding = tuple[str, str, str]
Findings = Sequence[Finding]
CLEAN: Findings = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The latest day and moment that an event may report."""

    last_day: date
    last_moment: datetime

    @staticmethod
    @lru_cache(maxsize=64)
    def at(now: datetime) -> "Limits":
        """Return the limits as they are at *now*."""
        return Limits(last_day=(now.astimezone(UTC) + DATE_AHEAD).date(), last_moment=now + CLOCK_SKEW)


Check = Callable[[object, Limits], Findings]


def value_check(entry: Field, scalar: Scalar, roles: tuple[str, ...]) -> Check:
    """Compile the check of the values of the field *entry*; *roles* narrows the field `role` of a person."""
    if scalar is Scalar.STRING:
        return _text_check(entry, roles)
    if entry.attributes.get("future") is True:
        return _deadline if scalar is Scalar.TIMESTAMP else _last_day
    return _SCALAR_CHECKS[scalar]


def list_check(entry: Field, item: Check) -> Check:
    """Compile the check of a list whose entries are checked by *item*."""
    least = entry.attributes.get("minItems", 0)
    at_least = least if isinstance(least, int) else 0

    def check(value: object, limits: Limits) -> Findings:
        if not isinstance(value, list):
            return _finding("type", "give a list")
        if len(value) < at_least:
            return _finding("too-few-items", f"give at least {at_least}")
        if len(value) > MAX_ITEMS:
            return _finding("too-many-items", f"give at most {MAX_ITEMS}; spread the rest over several events")
        found: list[Finding] = []
        for index, entry_value in enumerate(value):
            if wrong := item(entry_value, limits):
                found += [(f"[{index}]{path}", rule, advice) for path, rule, advice in wrong]
                if len(found) >= MAX_FINDINGS and index + 1 < len(value):
                    return [*found, (f"[{index + 1}]", "more-problems", _MORE)]
        return found or CLEAN

    return check


def _finding(rule: str, advice: str) -> Findings:
    return (("", rule, advice),)


def _text_check(entry: Field, roles: tuple[str, ...]) -> Check:
    codes = entry.text("codes")
    if codes is not None:
        if entry.name == "role" and roles:
            return _code_check(codes, roles, "wrong-role")
        return _code_check(codes, entry.texts("allowed"), "code-not-allowed")
    longest = MAX_NARRATIVE_LENGTH if entry.privacy.get("class") == PrivacyClass.NARRATIVE else MAX_TEXT_LENGTH
    form = _FORMATS.get(entry.text("format") or "")
    check = _free_text_check(longest) if form is None else _formatted_check(*form)
    return _reference_check(entry.name, check) if entry.name.endswith("_ref") else check


def _code_check(list_name: str, allowed: tuple[str, ...], rule: str) -> Check:
    codes = frozenset(code_list(list_name).codes)
    accepted = frozenset(allowed) or codes
    unknown = _finding("unknown-code", f"use a code of the list {list_name} ({where_to_look(list_name)})")
    not_here = _finding(rule, f"use one of: {', '.join(allowed)}")

    def check(value: object, _limits: Limits) -> Findings:
        if not isinstance(value, str):
            return _NOT_TEXT
        if value in accepted:
            return CLEAN
        return not_here if value in codes else unknown

    return check


def _free_text_check(longest: int) -> Check:
    too_long = _finding("too-long", f"shorten the text to {longest} characters")

    def check(value: object, _limits: Limits) -> Findings:
        if not isinstance(value, str):
            return _NOT_TEXT
        if not value or value.isspace():
            return _EMPTY
        if len(value) > longest:
            return too_long
        return CLEAN if value.isascii() and "\0" not in value else _characters(value)

    return check


def _reference_check(name: str, form: Check) -> Check:
    """Add the tripwires of every reference to the check of its *form* (`schemas/references.py`)."""
    is_staff = name in STAFF

    def check(value: object, limits: Limits) -> Findings:
        if wrong := form(value, limits):
            return wrong
        if not isinstance(value, str):
            return CLEAN
        if tells_contact(value):
            return _finding("reference-is-a-contact", "give a reference that is no e-mail address and no telephone")
        if is_national_number(value):
            return _finding("reference-is-a-number", "give your own reference, never a national number")
        if is_staff and is_staff_name(value):
            return _finding("reference-is-a-name", "give the officer's number, never a name")
        return CLEAN

    return check


def _characters(value: str) -> Findings:
    if "\0" in value:
        return _finding("invalid-character", "remove the NUL character")
    try:
        value.encode()
    except UnicodeEncodeError:
        return _finding("invalid-unicode", "send valid UTF-8: the text holds half of a surrogate pair")
    return CLEAN


def _formatted_check(pattern: str, rule: str, advice: str) -> Check:
    matches = re.compile(pattern).fullmatch
    wrong = _finding(rule, advice)

    def check(value: object, _limits: Limits) -> Findings:
        if not isinstance(value, str):
            return _NOT_TEXT
        return CLEAN if matches(value) else wrong if value else _EMPTY

    return check


_FORMATS = {
    "uuid": (
        r"[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}",
        "not-a-uuid",
        "give a UUID of RFC 9562 in lower case with hyphens; version 7 is best",
    ),
    "agency": (
        r"[a-z][a-z0-9]*(-[a-z0-9]+)*",
        "not-an-agency",
        "give the id of an organisation in small letters, digits and hyphens",
    ),
    "label": (
        r"[^\n\r\t\x00-\x1f\ud800-\udfff]{1,200}",
        "not-a-label",
        "give the name of a thing in one line of at most 200 characters; never that of a person: it stays in clear",
    ),
    "code": (r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,39}", "not-a-code", "give a code of letters, digits and _ . : -"),
    "citation": (
        r"(?=[^\n]*\d)[^\n\r\t\x00-\x1f\ud800-\udfff]{1,80}",
        "not-a-citation",
        "cite the article with its number, in at most 80 characters, and nobody's name",
    ),
    "reference": (
        rf"[^\s\x00-\x1f\ud800-\udfff]{{1,{MAX_TEXT_LENGTH}}}",
        "not-a-reference",
        "give your own reference without spaces; never a name or a national number",
    ),
}


def _date(value: object, limits: Limits) -> Findings:
    if not isinstance(value, date) or isinstance(value, datetime):
        return _NOT_A_DATE
    if value < FIRST_DAY:
        return _BEFORE_1900
    return CLEAN if value <= limits.last_day else _IN_THE_FUTURE


def _timestamp(value: object, limits: Limits) -> Findings:
    if not isinstance(value, datetime) or value.tzinfo is None:
        return _NOT_A_TIMESTAMP
    if value < FIRST_MOMENT:
        return _BEFORE_1900
    return CLEAN if value <= limits.last_moment else _IN_THE_FUTURE


def _deadline(value: object, _limits: Limits) -> Findings:
    if not isinstance(value, datetime) or value.tzinfo is None:
        return _NOT_A_TIMESTAMP
    if value < FIRST_MOMENT:
        return _BEFORE_1900
    return CLEAN if value <= LAST_DEADLINE else _finding("too-late", "give a moment before the year 2200")


def _last_day(value: object, _limits: Limits) -> Findings:
    if not isinstance(value, date) or isinstance(value, datetime):
        return _NOT_A_DATE
    if value < FIRST_DAY:
        return _BEFORE_1900
    return CLEAN if value <= LAST_DEADLINE.date() else _finding("too-late", "give a day before the year 2200")


def _count(value: object, _limits: Limits) -> Findings:
    if not isinstance(value, int) or isinstance(value, bool):
        return _finding("type", "give a whole number")
    if value < 0:
        return _finding("negative", "give a number that is not below zero")
    return CLEAN if value <= MAX_INT else _finding("too-large", f"give a number up to {MAX_INT}")


def _number(value: object, _limits: Limits) -> Findings:
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return _finding("type", "give a number")
    if not math.isfinite(value):
        return _finding("not-finite", "give a finite number")
    return CLEAN if value >= 0 else _finding("negative", "give a number that is not below zero")


def _boolean(value: object, _limits: Limits) -> Findings:
    return CLEAN if isinstance(value, bool) else _finding("type", "give true or false")


def _bytes(value: object, _limits: Limits) -> Findings:
    return CLEAN if isinstance(value, bytes) else _finding("type", "give bytes")


_NOT_TEXT = _finding("type", "give text")
_EMPTY = _finding("empty", "give a text that is not blank, or leave an optional field out")
_BEFORE_1900 = _finding("before-1900", "give a date from 1900-01-01 on")
_IN_THE_FUTURE = _finding("in-the-future", "give a moment that has passed, and check the clock")
_NOT_A_DATE = _finding("not-a-date", "give a date: YYYY-MM-DD in JSON, datetime.date in Python")
_NOT_A_TIMESTAMP = _finding(
    "not-a-timestamp",
    "give a moment with its time zone: 2026-03-01T09:30:00Z in JSON, an aware datetime in Python",
)
_SCALAR_CHECKS: dict[Scalar, Check] = {
    Scalar.INT: _count,
    Scalar.LONG: _count,
    Scalar.DOUBLE: _number,
    Scalar.BOOLEAN: _boolean,
    Scalar.BYTES: _bytes,
    Scalar.DATE: _date,
    Scalar.TIMESTAMP: _timestamp,
}
