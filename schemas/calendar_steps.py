"""Days, weeks, months, quarters and years as steps of a ladder; ages in whole years.

Weeks lie inside months, so that each step is a function of the one before: W1 is the 1st to the 7th, W2 the 8th to
the 14th, W3 the 15th to the 21st, W4 the 22nd to the end of the month. The codes are `2026-02-11`, `2026-02-W2`,
`2026-02`, `2026-Q1` and `2026`.
"""

import datetime as dt
import re
from typing import Final

CALENDAR: Final = ("day", "week", "month", "quarter", "year")
"""The steps of a date, finest first."""
_LAST_WEEK = 4
_CODE = re.compile(
    r"(?P<year>\d{4})(?:-Q(?P<quarter>[1-4])|-(?P<month>0[1-9]|1[0-2])(?:-W(?P<week>[1-4])|-(?P<day>\d{2}))?)?"
)


def age_at(date_of_birth: dt.date, on: dt.date) -> int:
    """Return the age in whole years, on the day *on*, of somebody born on *date_of_birth*.

    Who was born on 29 February becomes a year older on 1 March where there is no such day: a child stays a child
    for that day. Raises ValueError for a day before the birth.
    """
    if on < date_of_birth:
        raise ValueError("the day is before the birth")
    return on.year - date_of_birth.year - ((on.month, on.day) < (date_of_birth.month, date_of_birth.day))


def on_calendar(value: object, level: str) -> str:
    """Return the code on *level* of a date, of an aware datetime (its day in UTC), or of a code of the calendar.

    A code that is coarser than *level* stays what it is. Raises ValueError for anything else.
    """
    if isinstance(value, dt.datetime):
        if value.tzinfo is None:
            raise ValueError("a moment has a time zone")
        value = value.astimezone(dt.UTC).date()
    if isinstance(value, dt.date):
        return _code(level, value.year, value.month, value.day)
    if not isinstance(value, str) or (match := _CODE.fullmatch(value)) is None:
        raise ValueError("neither a date nor a code of the calendar")
    return _of_code(value, {name: int(part) for name, part in match.groupdict().items() if part}, level)


def _of_code(code: str, parts: dict[str, int], level: str) -> str:
    finest = next(name for name in CALENDAR if name in parts)
    month = parts.get("month") or parts.get("quarter", 1) * 3
    day = dt.date(parts["year"], month, parts.get("day") or parts.get("week", 1) * 7)
    if CALENDAR.index(finest) >= CALENDAR.index(level):
        return code
    return _code(level, day.year, day.month, day.day)


def _code(level: str, year: int, month: int, day: int) -> str:
    match level:
        case "day":
            return f"{year:04}-{month:02}-{day:02}"
        case "week":
            return f"{year:04}-{month:02}-W{min((day + 6) // 7, _LAST_WEEK)}"
        case "month":
            return f"{year:04}-{month:02}"
        case "quarter":
            return f"{year:04}-Q{(month + 2) // 3}"
        case _:
            return f"{year:04}"
