"""On whose lists identified persons of the current year are, and who was counted: random ids and keyed hashes."""

import uuid
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import cast

from infra.clock import day_of
from schemas.names import AgencyId, SubjectId
from streams.cohort.rows import Tick
from streams.pump.records import Transaction


def year_of(tick: Tick) -> int:
    """Return the calendar year of *tick*."""
    return day_of(tick).year


async def add(transaction: Transaction, population: str, listed: Sequence[tuple[SubjectId, AgencyId]]) -> None:
    """Note on whose lists persons are: person, agency."""
    if not listed:
        return
    people, agencies = zip(*listed, strict=True)
    await transaction.execute(
        "INSERT INTO streams.cohort_list (population, subject_id, agency) "
        "SELECT %s, s, a FROM unnest(%s::uuid[], %s::text[]) AS l (s, a) ON CONFLICT DO NOTHING",
        (population, list(people), list(agencies)),
    )


async def note_left(transaction: Transaction, population: str, people: Collection[SubjectId], year: int) -> None:
    """Note that the rows of *people* have left in *year*."""
    await transaction.execute(
        "UPDATE streams.cohort_list SET left_year = %s WHERE population = %s AND subject_id = ANY(%s::uuid[])",
        (year, population, list(people)),
    )


async def forget(transaction: Transaction, population: str, subjects: Collection[SubjectId]) -> None:
    """Forget on whose lists *subjects* are: of those whose row has left stays a number that is nobody's any more.

    Else the total of the year would be smaller than that of the cohorts, by how many have withdrawn.
    """
    if not subjects:
        return
    await transaction.execute(
        "DELETE FROM streams.cohort_list WHERE population = %s AND subject_id = ANY(%s::uuid[]) AND left_year IS NULL",
        (population, list(subjects)),
    )
    await transaction.execute(
        "UPDATE streams.cohort_list l SET subject_id = m.other FROM unnest(%s::uuid[], %s::uuid[]) AS m (asked, other) "
        "WHERE l.population = %s AND l.subject_id = m.asked",
        (list(subjects), [uuid.uuid4() for _ in subjects], population),
    )


async def join(transaction: Transaction, population: str, older: SubjectId, younger: SubjectId) -> None:
    """Let the lists of two ids be those of one person."""
    await transaction.execute(
        "INSERT INTO streams.cohort_list AS l (population, subject_id, agency, left_year) "
        "SELECT population, %s, agency, left_year FROM streams.cohort_list WHERE population = %s AND subject_id = %s "
        "ON CONFLICT (population, subject_id, agency) "
        "DO UPDATE SET left_year = coalesce(l.left_year, excluded.left_year)",
        (older, population, younger),
    )
    await transaction.execute(
        "DELETE FROM streams.cohort_list WHERE population = %s AND subject_id = %s", (population, younger)
    )


async def years_before(transaction: Transaction, population: str, year: int) -> tuple[int, ...]:
    """Return the years before *year* of which there are lists."""
    found = await transaction.execute(
        "SELECT DISTINCT left_year FROM streams.cohort_list WHERE population = %s AND left_year < %s ORDER BY 1",
        (population, year),
    )
    return tuple(cast("int", row[0]) for row in await found.fetchall())


async def of_year(transaction: Transaction, population: str, year: int) -> Mapping[SubjectId, frozenset[AgencyId]]:
    """Return on whose lists each person is whose row left in *year*."""
    found = await transaction.execute(
        "SELECT subject_id::text, agency FROM streams.cohort_list WHERE population = %s AND left_year = %s",
        (population, year),
    )
    lists: defaultdict[SubjectId, set[AgencyId]] = defaultdict(set)
    for subject, agency in await found.fetchall():
        lists[SubjectId(str(subject))].add(AgencyId(str(agency)))
    return {subject: frozenset(agencies) for subject, agencies in lists.items()}


async def forget_years(transaction: Transaction, population: str, year: int) -> None:
    """Take everybody off the lists whose row left before *year*, or will never leave: their tables were told."""
    await transaction.execute(
        "DELETE FROM streams.cohort_list l WHERE population = %s AND (left_year < %s OR left_year IS NULL "
        "AND NOT EXISTS "
        "(SELECT FROM streams.cohort_row r WHERE r.population = l.population AND r.subject_id = l.subject_id "
        "AND r.kind = 'PersonIdentified'))",
        (population, year),
    )


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
