"""Whether projections run and how far they are, for `hub status` and `hub projection list`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from infra.database import DatabaseUnavailableError
from infra.home import Home
from infra.topology.model import Topology, load_topology
from projections import logs
from projections.catalogue import PROJECTIONS
from projections.generations import Generation, checkpoints, generations
from projections.logs import Partition, Vector
from projections.projection import Projection
from projections.switching import relations
from schemas.errors import UnavailableError

ROLE = "hub_access"
GONE_S = 12
"""A worker that was not heard for so many seconds has died."""
STATES = ("running", "waiting", "stopped", "outdated", "halted")
"""From good to bad; a projection is as bad as its worst partition."""

NO_WORKER = ("stopped", "no-worker", "no worker runs it: start one with `hub worker`")
TAKEN_OVER = ("waiting", "taken-over", "the worker is about to go on with this generation")

Place = tuple[str, str, int]
"""Projection, topic, partition."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartitionStatus:
    """One projection on one partition."""

    topic: str
    partition: int
    state: str
    code: str
    advice: str
    next_offset: int
    """Everything before it is in the tables."""
    end_offset: int

    @property
    def lag(self) -> int:
        """Offsets not reached yet; markers of transactions count."""
        return max(0, self.end_offset - self.next_offset)


@dataclass(frozen=True, slots=True, kw_only=True)
class Other:
    """A generation that readers do not see."""

    generation: Generation
    positions: Mapping[Partition, int]
    """What it folds next, of partitions that it has not folded to their end."""
    lag: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """One projection."""

    name: str
    title: str
    rows: int
    generation: int | None
    """The live one; None before `hub up` has made it."""
    partitions: tuple[PartitionStatus, ...]
    others: tuple["Other", ...] = ()
    """Its other generations."""

    @property
    def lag(self) -> int:
        """Offsets not reached yet, of all partitions."""
        return sum(each.lag for each in self.partitions)

    @property
    def state(self) -> str:
        """The worst state of its partitions."""
        return max((each.state for each in self.partitions), key=STATES.index)

    @property
    def troubles(self) -> tuple[PartitionStatus, ...]:
        """Partitions that do not run."""
        return tuple(each for each in self.partitions if each.state != "running")


def statuses(home: Home, topology: Topology | None = None) -> tuple[Status, ...]:
    """Return the state of every projection; raises UnavailableError when PostgreSQL or Kafka are away."""
    known = topology or load_topology()
    partitions = {each.name: partitions_of(each, known) for each in PROJECTIONS}
    bounds = logs.bounds(home, {place for places in partitions.values() for place in places})
    with connection_of(home) as connection:
        states, alive = _states(connection), _worker_lives(connection)
        unsaid = TAKEN_OVER if alive else NO_WORKER
        out = []
        for each in PROJECTIONS:
            ends = {place: bounds[place] for place in partitions[each.name]}
            found = [(one, checkpoints(connection, one)) for one in generations(connection, each.name)]
            live, reached = next((pair for pair in found if pair[0].state == "live"), (None, {}))
            out.append(
                Status(
                    name=each.name,
                    title=each.title,
                    rows=0 if live is None else _row_count(connection, live, each),
                    generation=None if live is None else live.number,
                    partitions=tuple(
                        _status(place, ends[place], reached, states.get((each.name, *place), unsaid)) for place in ends
                    ),
                    others=tuple(_other(one, at, ends) for one, at in found if one is not live),
                )
            )
    return tuple(out)


def report(home: Home) -> dict[str, object]:
    """Return `projections` for `hub status`: by name its state, lag, rows and troubles."""
    try:
        found = statuses(home)
    except UnavailableError:
        return {"projections": "unknown: a server does not answer"}
    return {
        "projections": {
            each.name: {
                "state": each.state,
                "lag": each.lag,
                "rows": each.rows,
                "troubles": [
                    {"topic": one.topic, "partition": one.partition, "code": one.code, "advice": one.advice}
                    for one in each.troubles
                ],
            }
            for each in found
        }
    }


def partitions_of(projection: Projection, topology: Topology) -> tuple[Partition, ...]:
    """Return the partitions that *projection* reads."""
    names = set(projection.topics(topology))
    return tuple((topic.name, n) for topic in topology.topics if topic.name in names for n in range(topic.partitions))


def connection_of(home: Home) -> "psycopg.Connection[tuple[Any, ...]]":
    """Return a connection that may only read; raises DatabaseUnavailableError."""
    try:
        return psycopg.connect(home.dsn(ROLE), connect_timeout=3)
    except psycopg.OperationalError as error:
        raise DatabaseUnavailableError(f"PostgreSQL does not answer ({type(error).__name__}); run `hub up`") from None


def _states(connection: "psycopg.Connection[tuple[Any, ...]]") -> dict[Place, tuple[str, str, str]]:
    rows = connection.execute(
        "SELECT s.projection, s.topic, s.partition, "
        # What a worker said that is gone by now no longer holds; what is halted stays so until somebody acts.
        "CASE WHEN s.state = 'halted' OR r.runner_id IS NOT NULL THEN s.state ELSE 'stopped' END, s.code, s.advice "
        "FROM projections.partition_state s JOIN projections.generation g "
        "ON g.projection = s.projection AND g.generation = s.generation AND g.state = 'live' "
        "LEFT JOIN projections.runner r ON r.runner_id = s.runner_id AND r.seen_at > now() - make_interval(secs => %s)",
        (GONE_S,),
    ).fetchall()
    return {(name, topic, number): (state, code, advice) for name, topic, number, state, code, advice in rows}


def _worker_lives(connection: "psycopg.Connection[tuple[Any, ...]]") -> bool:
    return (
        connection.execute(
            "SELECT FROM projections.runner WHERE seen_at > now() - make_interval(secs => %s)", (GONE_S,)
        ).fetchone()
        is not None
    )


def _status(place: Partition, bounds: tuple[int, int], reached: Vector, said: tuple[str, str, str]) -> PartitionStatus:
    state, code, advice = NO_WORKER if said[0] == "stopped" else said
    beginning, end = bounds
    return PartitionStatus(
        topic=place[0],
        partition=place[1],
        state=state,
        code=code,
        advice=advice,
        next_offset=reached.get(place, beginning),
        end_offset=end,
    )


def _other(found: Generation, reached: Vector, bounds: Mapping[Partition, tuple[int, int]]) -> Other:
    """Return how far a generation is from the end of the topics, of a past time from the end that was given."""
    missing = {}
    for place, (beginning, end) in bounds.items():
        at, until = reached.get(place, beginning), found.vector.get(place, end)
        if at < until:
            missing[place] = (at, until - at)
    return Other(
        generation=found,
        positions={place: at for place, (at, _) in missing.items()},
        lag=sum(lag for _, lag in missing.values()),
    )


def _row_count(connection: "psycopg.Connection[tuple[Any, ...]]", live: Generation, projection: Projection) -> int:
    """Return the rows of the tables of *live* that *projection* knows."""
    there = set(relations(connection, live))
    each = [
        sql.SQL("SELECT count(*) AS n FROM {}").format(sql.Identifier(live.schema, table.name))
        for table in projection.tables
        if table.name in there
    ]
    if not each:
        return 0
    query = sql.SQL("SELECT coalesce(sum(n), 0)::bigint FROM ({}) AS counted").format(sql.SQL(" UNION ALL ").join(each))
    row = connection.execute(query).fetchone()
    return int(row[0]) if row else 0
