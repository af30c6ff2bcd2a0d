"""The two products that are no folds of cohorts, computed where the rows are: weekly totals and the overlaps of a year.

Counted are identified persons, once each. The state of the totals holds exact counts: it is sealed under a key of the
hub. Whose lists a person is on is kept until the year is over, and goes with the person (design section 12.7).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import cast

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from infra.topology.model import Topology
from infra.vault.vault import Vault
from schemas.codec import Codec, Record
from schemas.names import AgencyId, SubjectId, TopicName
from schemas.sealing import Nonce
from streams.cohort import lists
from streams.cohort.ordering import mark_of
from streams.cohort.overlap import NoTable, OverlapTable, overlap_table
from streams.cohort.populations import Prepared
from streams.cohort.records import Arrived, Merged, Ticked, Withdrawn
from streams.cohort.records import Record as LogRecord
from streams.cohort.rows import Kind, RowId
from streams.cohort.sealing import opened, sealed
from streams.cohort.state import State, Step
from streams.cohort.totals import counting
from streams.cohort.totals.budget import Budget, BudgetSpent
from streams.cohort.totals.counting import Keys, Person, Total
from streams.cohort.totals.state import Totals
from streams.cohort.totals.tables import By, Table
from streams.cohort.totals.weeks import label_of, week_of
from streams.hub_records import hub_output
from streams.pump.records import Output, Transaction

TOPIC = TopicName("totals.open")
IDENTIFIED = Kind("PersonIdentified")
EPSILON, DELTA = Fraction(4), Fraction(1, 1_000_000)
"""All that a person may lose to all tables together; weekly national totals are fine at this (privacy.md §3.4)."""
GROUP = "group"
_BOUND = "cohort|totals"


@dataclass(frozen=True, slots=True)
class Told:
    """What the records of a batch come to."""

    totals: tuple[Total, ...] = ()
    spent: tuple[BudgetSpent, ...] = ()
    overlaps: tuple[OverlapTable | NoTable, ...] = ()

    def outputs(self, codec: Codec) -> list[Output]:
        """Return it as it leaves."""
        found = [hub_output(TOPIC, "PrivacyBudgetSpent", _spent_content(each), codec) for each in self.spent]
        found += [hub_output(TOPIC, "WeeklyTotalTold", _total_content(each), codec) for each in self.totals]
        return found + [hub_output(TOPIC, "OverlapTold", _overlap_content(each), codec) for each in self.overlaps]


class Statistics:
    """The statistics over identified persons of *population*, for whom agencies of *topology* are lists by kind."""

    def __init__(self, topology: Topology, population: Prepared, vault: Vault) -> None:
        self._countries = {agency.id: agency.country for agency in topology.agencies}
        able = {agency for agency in topology.agencies if IDENTIFIED in topology.permitted(str(agency.id))}
        self._lists = {agency.id: agency.kind for agency in able}
        self._population = population
        self._vault = vault

    async def take(
        self, transaction: Transaction, records: Sequence[LogRecord], before: State, step: Step, nonce: Nonce
    ) -> Told:
        """Return what *records* come to, which led from *before* to *step*; state is written in *transaction*."""
        name = self._population.population.id
        key = await self._vault.secret("cohort-totals-state")
        keys = Keys(await self._vault.secret("cohort-totals-noise"), await self._vault.secret("cohort-totals-marks"))
        totals, planned = self._planned(await _load(transaction, name, key))
        people = [person for record in records if isinstance(record, Arrived) for person in self._persons(record)]
        known = await self._known_marks(transaction, totals, people, keys)
        gone = await self._gone(transaction, people, keys)
        marks, listed = set(known), list[tuple[SubjectId, AgencyId]]()
        told, tick, term = Told(spent=planned), before.tick, before.ticker
        withdrawn = set[SubjectId]()
        for record in records:
            match record:
                case Arrived() if totals is not None and tick is not None:  # before the first day no week is open
                    found = [each for each in self._persons(record) if each.subject not in gone]
                    counted = counting.count(totals, found, keys.marks, marks)
                    totals, marks = counted.totals, marks | counted.marks
                    listed += [(person.subject, record.agency) for person in found]
                case Merged(older=older, younger=younger):
                    await lists.join(transaction, name, older, younger)
                case Withdrawn(subject=subject, also=also):
                    withdrawn |= {subject, *also}
                    gone |= {subject, *also}
                case Ticked() if record.ticker >= term and (tick is None or record.tick > tick):
                    if totals is None:
                        totals, told = self._begun(record)  # nothing was planned: nothing ran
                    closed = counting.advance(totals, week_of(record.tick), keys)
                    totals, tick, term = closed.totals, record.tick, record.ticker
                    told = Told((*told.totals, *closed.told), (*told.spent, *closed.spent), told.overlaps)
        await lists.keep_counted(transaction, name, marks - known | {_withdrawn(keys, each) for each in withdrawn})
        await lists.add(transaction, name, listed)
        await self._note_left(transaction, records, before, step)
        await lists.forget(transaction, name, withdrawn)
        if tick is not None and before.tick is not None and lists.year_of(before.tick) < lists.year_of(tick):
            told = Told(told.totals, told.spent, await self._overlaps(transaction, step, lists.year_of(tick)))
        if totals is not None:
            await _save(transaction, name, key, totals, nonce)
        return told

    def _persons(self, record: Arrived) -> list[Person]:
        axes = self._population.layout.axes
        axis = next((at for at, each in enumerate(axes) if each.name == GROUP), None)
        country = self._countries.get(record.agency)
        return [
            Person(fact.subject, country, None if axis is None else axes[axis].codes[fact.values[axis]])
            for fact in record.facts
            if fact.kind == IDENTIFIED
        ]

    async def _gone(self, transaction: Transaction, people: Sequence[Person], keys: Keys) -> set[SubjectId]:
        """Return those of *people* who withdrew before: nothing of them is counted any more."""
        asked = {_withdrawn(keys, person.subject): person.subject for person in people}
        found = await lists.counted(transaction, self._population.population.id, asked.keys()) if asked else ()
        return {asked[mark] for mark in found}

    async def _known_marks(
        self, transaction: Transaction, totals: Totals | None, people: Sequence[Person], keys: Keys
    ) -> frozenset[bytes]:
        """Return the marks of those of *people* whom a table has counted before."""
        if totals is None or not people:
            return frozenset()
        asked = counting.marks_asked(totals, people, keys.marks)
        return await lists.counted(transaction, self._population.population.id, asked)

    def _planned(self, totals: Totals | None) -> tuple[Totals | None, tuple[BudgetSpent, ...]]:
        """Return *totals* with the tables that the topology asks for now as successors, and what they cost."""
        spent: tuple[BudgetSpent, ...] = ()
        for table in () if totals is None else self._tables(totals.budget):
            assert totals is not None, "there are tables only then"
            step = counting.plan(totals, table)
            totals, spent = step.totals, (*spent, *step.spent)
        return totals, spent

    def _begun(self, record: Ticked) -> tuple[Totals, Told]:
        budget = Budget.of_epsilon(EPSILON, DELTA)
        totals = Totals(budget, week_of(record.tick))
        spent: tuple[BudgetSpent, ...] = ()
        for table in self._tables(budget):
            step = counting.begin(totals, table)
            totals, spent = step.totals, (*spent, *step.spent)
        return totals, Told(spent=spent)

    def _tables(self, budget: Budget) -> Iterable[Table]:
        countries = tuple(sorted({self._countries[agency] for agency in self._lists}))
        half = budget.limit / 2
        yield Table("persons", By.NOTHING, countries, half)
        yield Table("persons-by-group", By.GROUP, countries, half)

    async def _note_left(
        self, transaction: Transaction, records: Sequence[LogRecord], before: State, step: Step
    ) -> None:
        """Note of each person whose row has left in which year that was: overlaps count exactly those."""
        if not step.entries:
            return
        name = self._population.population.id
        key = await self._vault.secret("cohort-ledger")
        people = {row.subject for row in before.pending if row.kind == IDENTIFIED}
        people |= {person.subject for each in records if isinstance(each, Arrived) for person in self._persons(each)}
        by_mark = {mark_of(key, name, RowId(subject, IDENTIFIED)): subject for subject in people}
        for entry in step.entries:
            left = [by_mark[mark] for mark in entry.marks if mark in by_mark]
            await lists.note_left(transaction, name, left, lists.year_of(entry.tick))

    async def _overlaps(self, transaction: Transaction, step: Step, year: int) -> tuple[OverlapTable | NoTable, ...]:
        """Return the table of each year before *year*, of persons whose row has left in it, each once."""
        name = self._population.population.id
        found = []
        for past in await lists.years_before(transaction, name, year):
            people = await lists.of_year(transaction, name, past)
            found.append(overlap_table(past, people.items(), self._known(people), step.state.rule.k))
        await lists.forget_years(transaction, name, year)
        return tuple(found)

    def _known(self, people: Mapping[SubjectId, frozenset[AgencyId]]) -> Mapping[AgencyId, str]:
        """Return the list of each agency; one that is no longer in the topology is a list of its own."""
        named = {agency for agencies in people.values() for agency in agencies}
        return {**{agency: str(agency) for agency in named - self._lists.keys()}, **self._lists}


def _withdrawn(keys: Keys, subject: SubjectId) -> bytes:
    return mark_of(keys.marks, "withdrawn", RowId(subject, IDENTIFIED))


async def _load(transaction: Transaction, population: str, key: bytes) -> Totals | None:
    found = await transaction.execute("SELECT ct FROM streams.cohort_totals WHERE population = %s", (population,))
    row = await found.fetchone()
    return None if row is None else Totals.from_json(str(opened(key, bytes(cast("bytes", row[0])), _BOUND)))


async def _save(transaction: Transaction, population: str, key: bytes, totals: Totals, nonce: Nonce) -> None:
    await transaction.execute(
        "INSERT INTO streams.cohort_totals (population, ct) VALUES (%s, %s) "
        "ON CONFLICT (population) DO UPDATE SET ct = excluded.ct",
        (population, sealed(AESGCM(key), totals.to_json(), _BOUND, nonce)),
    )


def _total_content(total: Total) -> Record:
    return {name: getattr(total, name) for name in Total.__dataclass_fields__}


def _spent_content(spent: BudgetSpent) -> Record:
    exact = {name: float(getattr(spent, name)) for name in ("rho", "rho_total", "epsilon_total", "delta")}
    return {"table": spent.table, "parameters": spent.parameters, "week": label_of(spent.week), **exact}


def _overlap_content(overlap: OverlapTable | NoTable) -> Record:
    if isinstance(overlap, NoTable):
        return {
            "year": overlap.year,
            "k": overlap.k,
            "lists": [],
            "cells": [],
            "others": None,
            "reason": overlap.reason,
        }
    return {**overlap.to_plain(), "reason": ""}
