"""Which figures an export holds: by indicator, framework and period, chosen after folding and never before."""

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from infra.clock import day_of, tick_on
from projections.indicators.catalogue import Catalogue
from projections.indicators.entries import Indicator
from projections.indicators.figures import Figure, Period
from schemas.errors import MisuseError

_MONTH = re.compile(r"(\d{4})(?:-(0[1-9]|1[0-2]))?")
DECEMBER = 12


class WrongMonthError(MisuseError):
    """An end of the time asked for is no month, or the last lies before the first."""

    code = "wrong-month"


class UnknownFrameworkError(MisuseError):
    """No indicator is of this framework."""

    code = "unknown-framework"


class NoPeriodError(MisuseError):
    """No closed period lies within the time asked for."""

    code = "no-period"


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What was asked for; empty: everything."""

    indicators: tuple[str, ...] = ()
    frameworks: tuple[str, ...] = ()
    since: str = ""
    """First month, `2024-01`, or year, `2024`."""
    until: str = ""
    """Last month, or year."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """The days that a figure covers: of a yearly one all since the last year that was closed."""

    first: dt.date
    last: dt.date

    @property
    def year(self) -> str:
        """The year in which it ends."""
        return f"{self.last:%Y}"


def chosen_indicators(catalogue: Catalogue, choice: Choice) -> tuple[Indicator, ...]:
    """Return what *choice* asks for, in order; raise UnknownIndicatorError or UnknownFrameworkError."""
    for each in choice.indicators:
        catalogue.get(each)
    known = {entry.framework for entry in catalogue.indicators}
    if not known.issuperset(choice.frameworks):
        raise UnknownFrameworkError(f"a framework is one of {', '.join(sorted(known))}")
    return tuple(
        entry
        for entry in catalogue.indicators
        if (not choice.indicators or entry.id in choice.indicators)
        and (not choice.frameworks or entry.framework in choice.frameworks)
    )


def chosen_periods(periods: Sequence[Period], choice: Choice) -> tuple[Period, ...]:
    """Return the periods that lie within the time asked for; raise WrongMonthError, or NoPeriodError without one."""
    first, last = _begin(choice.since), _end(choice.until)
    if first is not None and last is not None and first > last:
        raise WrongMonthError("--until lies before --since")
    found = tuple(
        each
        for each in periods
        if (first is None or each.first >= tick_on(first)) and (last is None or each.last <= tick_on(last))
    )
    if not found:
        raise NoPeriodError("no period of that time is closed yet")
    return found


def chosen_figures(
    figures: Sequence[Figure], indicators: Sequence[Indicator], periods: Sequence[Period]
) -> tuple[Figure, ...]:
    """Return those of *figures* that are of *indicators* and of *periods*."""
    ids, labels = {entry.id for entry in indicators}, {each.label for each in periods}
    return tuple(each for each in figures if each.indicator in ids and each.period in labels)


def spans(periods: Sequence[Period], yearly: bool) -> Mapping[str, Span]:
    """Return by label the days that figures cover: of each of *periods*, or of those that end a year all of it."""
    found: dict[str, Span] = {}
    first: int | None = None
    for each in periods:
        first = each.first if first is None or not yearly else first
        if each.ends_year or not yearly:
            found[each.label] = Span(first=day_of(first), last=day_of(each.last))
            first = None
    return found


def _begin(text: str) -> dt.date | None:
    found = _read(text)
    return dt.date(found[0], found[1] or 1, 1) if found else None


def _end(text: str) -> dt.date | None:
    found = _read(text)
    if found is None:
        return None
    year, month = found[0], found[1] or DECEMBER
    following = dt.date(year + 1, 1, 1) if month == DECEMBER else dt.date(year, month + 1, 1)
    return following - dt.timedelta(days=1)


def _read(text: str) -> tuple[int, int] | None:
    if not text:
        return None
    found = _MONTH.fullmatch(text)
    if found is None or not 1970 <= int(found[1]) < 9999:  # noqa: PLR2004 - the days that a tick and a date can count
        raise WrongMonthError("write a month as 2024-01, a year as 2024")
    return int(found[1]), int(found[2] or 0)
