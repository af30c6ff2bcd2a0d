"""What left on the non-personal channels, read from the projection `released` as one state: rows, facts, periods.

Rows count from the tick of their grouping on every tier, so that a period holds the same cohorts whoever reads it; a
period is told once the last tier has all of it.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from infra.clock import day_of, now_in, tick_of
from infra.home import Home
from infra.topology.model import load_topology
from projections.generations import Generation, expect_fits, in_state
from projections.indicators.figures import K, Period, Row, Value, months
from projections.released import RELEASED
from projections.status import connection_of
from schemas.channel_rules import kinds
from schemas.errors import MisuseError, UnavailableError

GRACE_TICKS = 1
"""After the end of a period, until its last batches are surely folded."""


class NotReleasedError(UnavailableError):
    """Nothing has left on the non-personal channels yet."""

    code = "nothing-released"


@dataclass(frozen=True, slots=True)
class Batch:
    """What the newest head of a population says of the rule in force."""

    population: str
    tick: int
    k: int
    net: int
    rule: str


class ReleasedRows:
    """All that left, as of one moment."""

    def __init__(
        self,
        persons: Mapping[str, Sequence[Row]],
        facts: Mapping[str, Sequence[Row]],
        positions: Mapping[str, int],
        newest: Sequence[Batch],
        deadlines: Mapping[str, tuple[int, int]],
        today: int,
        lag: int,
    ) -> None:
        self._persons, self._facts, self._positions, self._newest = persons, facts, positions, newest
        self._deadlines = deadlines
        self._today, self._lag = today, lag

    def rows(self, tier: str) -> Sequence[Row]:
        """Return every row about a person that *tier* got, from the first."""
        return self._persons.get(tier, ())

    def facts(self, tier: str) -> Sequence[Row]:
        """Return every fact about no person that *tier* got, from the first."""
        return self._facts.get(tier, ())

    def periods(self) -> Sequence[Period]:
        """Return the months from the first row or fact to the last one that every tier has whole."""
        ticks = [row.tick for several in (*self._persons.values(), *self._facts.values()) for row in several]
        if not ticks:
            return ()
        first = day_of(min(ticks))
        last = day_of(self._today)
        found = months(first, (last.year - first.year) * 12 + last.month - first.month + 1)
        return tuple(period for period in found if period.last + self._lag + GRACE_TICKS < self._today)

    @property
    def k(self) -> int:
        """Return the least number of persons by which a counter moves."""
        return max([K, *(each.k for each in self._newest)])

    def position(self) -> Mapping[str, int]:
        """Return by topic the offset of the first record that is not part of this state."""
        return self._positions

    def parameters(self) -> Mapping[str, object]:
        """Return the rule in force: that of the newest batch of the population of identified persons."""
        if not self._newest:
            return {}
        newest = max(self._newest, key=lambda each: (each.population == "persons", each.tick))
        embargo, deadline = self._deadlines.get(newest.population, (0, 0))
        return {"k": newest.k, "net": newest.net, "embargo": embargo, "deadline": deadline, "hash": newest.rule}


class UnknownPeriodError(MisuseError):
    """No period that is whole has this name."""

    code = "unknown-period"


def chosen_periods(periods: Sequence[Period], wanted: str) -> frozenset[str]:
    """Return the labels of the periods *wanted*: a month, the months of a year, by default the last; or raise."""
    if not periods:
        raise NotReleasedError("no month is whole yet: figures are told once every tier has all of it")
    found = {each.label for each in periods if each.label.startswith(wanted)} if wanted else {periods[-1].label}
    if not found:
        raise UnknownPeriodError(f"there are figures from {periods[0].label} to {periods[-1].label}")
    return frozenset(found)


def released_rows(home: Home) -> ReleasedRows:
    """Return what *home* has released; raise NotReleasedError, or DatabaseUnavailableError."""
    topology = load_topology()
    lags = {tier.id: tier.lag_ticks for tier in topology.tiers}
    with connection_of(home) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        live = _live(connection)
        schema = sql.Identifier(live.schema)
        persons = {tier: _persons(connection, schema, tier, lag) for tier, lag in lags.items()}
        facts = {tier: _facts(connection, schema, tier) for tier in lags}
        positions = connection.execute(
            "SELECT topic, next_offset FROM projections.checkpoint WHERE projection = %s AND generation = %s",
            (RELEASED.name, live.number),
        ).fetchall()
        newest = connection.execute(
            sql.SQL(
                "SELECT DISTINCT ON (population) population, tick, k, net, rule FROM {}.released_batch "
                "ORDER BY population, tick DESC"
            ).format(schema)
        ).fetchall()
    return ReleasedRows(
        persons,
        facts,
        {str(topic): int(offset) for topic, offset in positions},
        [Batch(*row) for row in newest],
        {each.id: (each.embargo_ticks, each.deadline_ticks) for each in topology.populations},
        tick_of(now_in(home)),
        max(lags.values(), default=0),
    )


def _live(connection: "psycopg.Connection[tuple[Any, ...]]") -> Generation:
    """Return the live generation, whose tables are those of this code."""
    live = in_state(connection, RELEASED.name, "live")
    if live is None:
        raise NotReleasedError("nothing of what was released is in the database yet: run `hub up`, start a worker")
    expect_fits(RELEASED, live)
    return live


def _persons(
    connection: "psycopg.Connection[tuple[Any, ...]]", schema: sql.Identifier, tier: str, lag: int
) -> tuple[Row, ...]:
    query = sql.SQL(
        "SELECT b.tick, r.kind, r.content FROM {schema}.released_row r JOIN {schema}.released_batch b "
        "USING (batch_id, tier) WHERE r.tier = %s ORDER BY r.log_offset"
    ).format(schema=schema)
    return tuple(
        _row(tick - lag, kind, _columns(content)) for tick, kind, content in connection.execute(query, (tier,))
    )


def _row(tick: int, event_type: str, columns: Mapping[str, Value]) -> Row:
    """Return a row about a person under its kind of fact, of a split one such as `ServiceProvided:ACCOMMODATION`."""
    split = kinds("anon")[event_type].split
    code = None if split is None else columns.get(split)
    return Row(tick=tick, kind=event_type if code is None else f"{event_type}:{code}", columns=columns)


def _facts(connection: "psycopg.Connection[tuple[Any, ...]]", schema: sql.Identifier, tier: str) -> tuple[Row, ...]:
    query = sql.SQL(
        "SELECT tick, kind, content FROM {schema}.released_fact WHERE tier = %s ORDER BY log_offset"
    ).format(schema=schema)
    return tuple(
        Row(tick=tick, kind=kind, columns=_columns(content))
        for tick, kind, content in connection.execute(query, (tier,))
    )


def _columns(content: str) -> Mapping[str, Value]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in json.loads(content).items()}


def overlaps(home: Home) -> tuple[tuple[int, Mapping[str, Any]], ...]:
    """Return the overlap table of each year that is over, as it was told; raise as `released_rows`."""
    with connection_of(home) as connection:
        live = _live(connection)
        found = connection.execute(
            sql.SQL("SELECT year, content FROM {}.released_overlap ORDER BY year").format(sql.Identifier(live.schema))
        ).fetchall()
    return tuple((int(year), json.loads(content)) for year, content in found)
