"""On whose lists identified persons of the current year are, and who was counted: random ids and keyed hashes."""

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import cast

from schemas.names import AgencyId, SubjectId
from streams.cohort.rows import Tick
from streams.pump.records import Transaction

_EPOCH = dt.date(1970, 1, 1)


def year_of(tick: Tick) -> int:
    """Return the calendar year of *tick*."""
    return (_EPOCH + dt.timedelta(days=tick)).year


async def add(transaction: Transaction, population: str, listed: Sequence[tuple[int, SubjectId, AgencyId]]) -> None:
    """Note on whose lists persons are: year, person, agency."""
    if not listed:
        return
    years, people, agencies = zip(*listed, strict=True)
    await transaction.execute(
        "INSERT INTO streams.cohort_list (population, year, subject_id, agency) "
        "SELECT %s, y, s, a FROM unnest(%s::int[], %s::uuid[], %s::text[]) AS l (y, s, a) ON CONFLICT DO NOTHING",
        (population, list(years), list(people), list(agencies)),
    )


async def forget(transaction: Transaction, population: str, subjects: Collection[SubjectId]) -> None:
    """Take *subjects* off all lists."""
    await transaction.execute(
        "DELETE FROM streams.cohort_list WHERE population = %s AND subject_id = ANY(%s::uuid[])",
        (population, list(subjects)),
    )


async def years_before(transaction: Transaction, population: str, year: int) -> tuple[int, ...]:
    """Return the years before *year* of which there are lists."""
    found = await transaction.execute(
        "SELECT DISTINCT year FROM streams.cohort_list WHERE population = %s AND year < %s ORDER BY year",
        (population, year),
    )
    return tuple(cast("int", row[0]) for row in await found.fetchall())


async def of_year(transaction: Transaction, population: str, year: int) -> Mapping[SubjectId, frozenset[AgencyId]]:
    """Return on whose lists each person of *year* is, of those whose row is not waiting."""
    found = await transaction.execute(
        "SELECT l.subject_id::text, l.agency FROM streams.cohort_list l WHERE l.population = %s AND l.year = %s "
        "AND NOT EXISTS (SELECT FROM streams.cohort_row r WHERE r.population = l.population "
        "AND r.subject_id = l.subject_id AND r.kind = 'PersonIdentified')",
        (population, year),
    )
    lists: defaultdict[SubjectId, set[AgencyId]] = defaultdict(set)
    for subject, agency in await found.fetchall():
        lists[SubjectId(str(subject))].add(AgencyId(str(agency)))
    return {subject: frozenset(agencies) for subject, agencies in lists.items()}


async def forget_year(transaction: Transaction, population: str, year: int) -> None:
    """Take everybody off the lists of *year*: its table was told."""
    await transaction.execute("DELETE FROM streams.cohort_list WHERE population = %s AND year = %s", (population, year))


async def counted(transaction: Transaction, population: str, marks: Collection[bytes]) -> frozenset[bytes]:
    """Return which of *marks* are of persons whom a table of totals has counted."""
    found = await transaction.execute(
        "SELECT mark FROM streams.cohort_counted WHERE population = %s AND mark = ANY(%s)", (population, list(marks))
    )
    return frozenset(bytes(cast("bytes", mark)) for (mark,) in await found.fetchall())


async def keep_counted(transaction: Transaction, population: str, marks: Collection[bytes]) -> None:
    """Remember that the persons of *marks* were counted."""
    if not marks:
        return
    await transaction.execute(
        "INSERT INTO streams.cohort_counted (population, mark) SELECT %s, unnest(%s::bytea[]) ON CONFLICT DO NOTHING",
        (population, sorted(marks)),
    )
