"""Weeks as the ladder of dates has them: quarters of a month, so that they add up to months and years."""

from typing import NewType

from infra.clock import day_of
from streams.cohort.rows import Tick

Week = NewType("Week", int)
"""Weeks since the year 0, 48 in each year; W4 of a month has seven to ten days."""

WEEKS_OF_A_YEAR = 48


def week_of(tick: Tick) -> Week:
    """Return the week that *tick* lies in."""
    day = day_of(tick)
    return Week(day.year * WEEKS_OF_A_YEAR + (day.month - 1) * 4 + min((day.day - 1) // 7, 3))


def label_of(week: Week) -> str:
    """Return the code of *week* on the ladder of dates, such as `2026-02-W2`."""
    year, within = divmod(week, WEEKS_OF_A_YEAR)
    return f"{year}-{within // 4 + 1:02}-W{within % 4 + 1}"
