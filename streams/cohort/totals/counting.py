"""What happens to open statistics: a table begins, a person is counted, a week closes and its totals are told."""

from collections.abc import Container, Iterable
from dataclasses import dataclass, replace
from math import isqrt
from types import MappingProxyType

from schemas.errors import MisuseError
from schemas.names import SubjectId
from streams.cohort.ordering import mark_of
from streams.cohort.rows import Kind, RowId
from streams.cohort.totals.budget import BudgetSpent, epsilon_of
from streams.cohort.totals.factorising import noise_variance, released, total_variance
from streams.cohort.totals.sampling import Coins, discrete_gaussian
from streams.cohort.totals.state import Running, Totals
from streams.cohort.totals.tables import Table
from streams.cohort.totals.weeks import Week, label_of

_KEY_BYTES = 32
_HUNDREDTHS = 100


@dataclass(frozen=True, slots=True)
class Keys:
    """Secrets of the open statistics, 32 bytes each, never changed; raises MisuseError for shorter ones."""

    noise: bytes
    """Fixes the noise of every week: who has it can take the noise off."""
    marks: bytes
    """Marks who was counted."""

    def __post_init__(self) -> None:
        if min(len(self.noise), len(self.marks)) < _KEY_BYTES:
            raise MisuseError("the keys of the open statistics have 32 bytes each")


@dataclass(frozen=True, slots=True)
class Person:
    """What is counted of an identified person, as first told."""

    subject: SubjectId
    country: str | None
    """Of identification."""
    group: str | None


@dataclass(frozen=True, slots=True)
class Total:
    """A number that everybody may read."""

    table: str
    parameters: str
    """Hash of the table."""
    country: str
    cell: str
    since: str
    """First week of the run."""
    week: str
    """Last week that it covers."""
    value: int
    """Persons, with noise, rounded; may be negative and may fall."""
    standard_deviation: float
    """Of the noise, in persons, rounded up to two places."""
    epsilon: float
    """What this table tells of a person at most, with `delta`."""
    delta: float


@dataclass(frozen=True, slots=True)
class Step:
    """What something comes to; all of it is committed in one transaction, or nothing."""

    totals: Totals
    told: tuple[Total, ...] = ()
    spent: tuple[BudgetSpent, ...] = ()
    """Budget events to append to the log."""
    marks: frozenset[bytes] = frozenset()
    """Marks to keep for ever."""


class TableRunningError(MisuseError):
    """A table of this name runs under other parameters, which do not change before its run is over."""

    code = "table-running"


def begin(totals: Totals, table: Table) -> Step:
    """Let *table* run from the open week on; the same one again does nothing.

    Raises TableRunningError, and BudgetExhaustedError when persons would lose more than the limit.
    """
    running = totals.tables.get(table.name)
    if running is None:
        return _begun(totals, table, totals.week)
    if running.table != table:
        raise TableRunningError("a table of this name runs under other parameters: plan this one for its next run")
    return Step(totals)


def plan(totals: Totals, table: Table) -> Step:
    """Let *table* take the place of the running one of its name when that run is over; it is paid for now.

    Raises MisuseError when none runs, and BudgetExhaustedError.
    """
    running = totals.tables.get(table.name)
    if running is None:
        raise MisuseError("no table of this name runs: begin it")
    if table == (running.successor or running.table):
        return Step(totals)
    spent = _spend(totals, table, Week(running.first + running.table.horizon))
    tables = {**totals.tables, table.name: replace(running, successor=table)}
    return Step(replace(totals, tables=MappingProxyType(tables), spent=(*totals.spent, spent)), spent=(spent,))


def count(totals: Totals, persons: Iterable[Person], marks_key: bytes, counted: Container[bytes]) -> Step:
    """Count *persons* in the open week, each once per table, ever.

    *counted* holds the marks (`marks_asked`) of those counted before.
    """
    marks: set[bytes] = set()
    counts = {name: list(run.counts) for name, run in totals.tables.items()}
    for person in persons:
        for name, run in totals.tables.items():
            mark = _mark(marks_key, person.subject, name)
            if mark in marks or mark in counted:
                continue
            marks.add(mark)
            counts[name][run.table.series_of(person.country, person.group)] += 1
    tables = {name: replace(run, counts=tuple(counts[name])) for name, run in totals.tables.items()}
    return Step(replace(totals, tables=MappingProxyType(tables)), marks=frozenset(marks))


def marks_asked(totals: Totals, persons: Iterable[Person], marks_key: bytes) -> frozenset[bytes]:
    """Return the marks of which `count` has to know whether they are kept already."""
    return frozenset(_mark(marks_key, person.subject, name) for person in persons for name in totals.tables)


def advance(totals: Totals, week: Week, keys: Keys) -> Step:
    """Close every week before *week* and tell its totals, whether or not anybody came; an old *week* does nothing."""
    told: list[Total] = []
    spent: list[BudgetSpent] = []
    while totals.week < week:
        for name in sorted(totals.tables):
            told += _told(totals.tables[name], totals, keys.noise)
        totals = replace(totals, week=Week(totals.week + 1))
        for name in sorted(totals.tables):
            run = totals.tables[name]
            if totals.week == run.first + run.table.horizon:
                step = _begun(totals, run.successor or run.table, totals.week)
                totals = step.totals
                spent += step.spent
    return Step(totals, tuple(told), tuple(spent))


def _begun(totals: Totals, table: Table, week: Week) -> Step:
    spent = _spend(totals, table, week)
    tables = {**totals.tables, table.name: Running.begun(table, week)}
    return Step(replace(totals, tables=MappingProxyType(tables), spent=(*totals.spent, spent)), spent=(spent,))


def _spend(totals: Totals, table: Table, week: Week) -> BudgetSpent:
    return totals.budget.spend(totals.spent, table.name, table.hash, table.rho, week)


def _told(run: Running, totals: Totals, noise_key: bytes) -> Iterable[Total]:
    table, weeks = run.table, totals.week - run.first + 1
    variance = noise_variance(table.horizon, table.rho)
    deviation = _rounded_root(total_variance(table.horizon, table.rho, weeks).as_integer_ratio())
    epsilon, delta = epsilon_of(table.rho, totals.budget.delta), float(totals.budget.delta)
    for (country, cell), counted in zip(table.series, run.counts, strict=True):
        nodes = [f"{table.hash}|{country}|{cell}|{week}" for week in range(run.first, totals.week + 1)]
        draws = [discrete_gaussian(Coins(noise_key, node), variance) for node in nodes]
        yield Total(
            table=table.name,
            parameters=table.hash,
            country=country,
            cell=cell,
            since=label_of(run.first),
            week=label_of(totals.week),
            value=released(table.horizon, counted, draws),
            standard_deviation=deviation,
            epsilon=epsilon,
            delta=delta,
        )


def _rounded_root(variance: tuple[int, int]) -> float:
    above, below = variance
    return (isqrt(above * _HUNDREDTHS**2 // below) + 1) / _HUNDREDTHS


def _mark(key: bytes, subject: SubjectId, table: str) -> bytes:
    return mark_of(key, "totals", RowId(subject, Kind(table)))
