"""Reads single fields of an event that may be missing or of a wrong type: then they are as if not given.

What is missing or wrong has been reported by the checks of values; the rules over several fields say nothing of it.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta

from schemas.checks import FIRST_MOMENT, LAST_DEADLINE

A_DAY = timedelta(days=1)
"""Leeway between a date in local time and a moment in UTC."""


def record_in(value: Mapping[str, object], name: str) -> Mapping[str, object]:
    """Return the record *name*, an empty one when there is none."""
    found = value.get(name)
    return found if isinstance(found, dict) else {}


def number_in(value: Mapping[str, object], name: str) -> float | None:
    """Return the number *name*."""
    found = value.get(name)
    return found if isinstance(found, int | float) and not isinstance(found, bool) else None


def day_in(value: Mapping[str, object], name: str) -> date | None:
    """Return the date *name*."""
    found = value.get(name)
    return found if isinstance(found, date) and not isinstance(found, datetime) else None


def moment_in(value: Mapping[str, object], name: str) -> datetime | None:
    """Return the moment *name*; None also outside the range in which one may reckon with it."""
    found = value.get(name)
    if not isinstance(found, datetime) or found.tzinfo is None:
        return None
    return found if FIRST_MOMENT <= found <= LAST_DEADLINE else None


def day_of(event: Mapping[str, object]) -> date | None:
    """Return the day in UTC on which what *event* reports happened."""
    occurred_at = moment_in(record_in(event, "envelope"), "occurred_at")
    return occurred_at.astimezone(UTC).date() if occurred_at else None
