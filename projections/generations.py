"""Generations: each build of a projection in tables of its own, and which of them readers see.

A generation is a schema `projection_<name>_<number>`, made from the projection's SQL. Readers see the views of the
schema `projections`, which lead to the live one. Only the owner of the database makes, switches and drops generations;
the worker and the builders write rows.
"""

import contextlib
import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from infra.database import DatabaseUnavailableError
from infra.home import Home
from projections.catalogue import PROJECTIONS
from projections.logs import Vector
from projections.projection import Projection
from schemas.errors import MisuseError

OWNER = "hub_admin"
State = Literal["building", "live", "previous", "old", "failed", "as-of"]
Connection = psycopg.Connection[tuple[Any, ...]]
SWITCH_LOCK_MS = 700
"""Below the second after which PostgreSQL would end one of two that wait for each other: a switch gives way."""


class NoGenerationError(MisuseError):
    """There is no such generation of the projection."""

    code = "no-generation"


class BusyProjectionError(MisuseError):
    """Another command builds or switches the projection."""

    code = "rebuild-running"


class OutdatedGenerationError(MisuseError):
    """The tables were made for other code than this."""

    code = "projection-outdated"


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """One build of a projection."""

    projection: str
    number: int
    state: State
    fingerprint: str
    bounds: Mapping[str, Mapping[str, int]] | None = None
    """Of a build as of a past time: topic to partition to the offset before which it ends."""
    code: str = ""
    advice: str = ""
    created_at: dt.datetime | None = None
    switched_at: dt.datetime | None = None

    @property
    def schema(self) -> str:
        """The PostgreSQL schema of its tables and views."""
        return schema_of(self.projection, self.number)

    @property
    def is_folded(self) -> bool:
        """Whether somebody means to fold it further."""
        return self.state in ("building", "failed", "as-of")

    @property
    def vector(self) -> Vector:
        """Where a build as of a past time ends."""
        bounds = self.bounds or {}
        return {(topic, int(n)): end for topic, several in bounds.items() for n, end in several.items()}


def schema_of(projection: str, number: int) -> str:
    """Return the PostgreSQL schema of a generation."""
    return f"projection_{projection}_{number}"


@contextlib.contextmanager
def owner_of(home: Home) -> Iterator[Connection]:
    """Yield a connection of the owner that commits each statement; raise DatabaseUnavailableError when it is lost."""
    try:
        with psycopg.connect(home.dsn(OWNER), connect_timeout=3, autocommit=True) as connection:
            yield connection
    except (psycopg.OperationalError, psycopg.InterfaceError, psycopg.InternalError) as error:
        raise DatabaseUnavailableError(
            f"PostgreSQL does not answer or takes nothing ({type(error).__name__}); look at `hub status`, "
            "then give the same command again: it goes on where it was"
        ) from None


@contextlib.contextmanager
def held(connection: Connection, projection: str) -> Iterator[None]:
    """Hold the right to build and switch *projection*; raise BusyProjectionError when another command has it."""
    name = f"projections.{projection}"
    row = connection.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", (name,)).fetchone()
    if row is None or not row[0]:
        raise BusyProjectionError(
            f"another command builds or switches {projection} just now: wait until it has ended, or end it with Ctrl-C"
        )
    try:
        yield
    finally:
        with contextlib.suppress(psycopg.Error):  # a connection that is gone holds nothing
            connection.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", (name,))


def generations(connection: Connection, projection: str) -> tuple[Generation, ...]:
    """Return the generations of *projection*, oldest first."""
    rows = connection.execute(
        "SELECT projection, generation, state, fingerprint, bounds, code, advice, created_at, switched_at "
        "FROM projections.generation WHERE projection = %s ORDER BY generation",
        (projection,),
    ).fetchall()
    names = ("projection", "number", "state", "fingerprint", "bounds", "code", "advice", "created_at", "switched_at")
    return tuple(Generation(**dict(zip(names, row, strict=True))) for row in rows)


def in_state(connection: Connection, projection: str, *states: State) -> Generation | None:
    """Return the newest generation of *projection* in one of *states*."""
    found = [each for each in generations(connection, projection) if each.state in states]
    return found[-1] if found else None


def generation(connection: Connection, projection: str, number: int) -> Generation:
    """Return one generation; raise NoGenerationError when there is none."""
    found = {each.number: each for each in generations(connection, projection)}
    if number not in found:
        known = ", ".join(map(str, found)) or "none"
        raise NoGenerationError(f"{projection} has no generation {number}; there are: {known}")
    return found[number]


def checkpoints(connection: Connection, found: Generation) -> Vector:
    """Return how far *found* is."""
    rows = connection.execute(
        "SELECT topic, partition, next_offset FROM projections.checkpoint WHERE projection = %s AND generation = %s",
        (found.projection, found.number),
    ).fetchall()
    return {(topic, number): int(offset) for topic, number, offset in rows}


def create(
    connection: Connection, projection: Projection, state: State, bounds: Mapping[str, Mapping[str, int]] | None = None
) -> Generation:
    """Make empty tables and views for *projection* and return them as a generation in *state*."""
    end = None if bounds is None else Jsonb(bounds)
    with connection.transaction():
        row = connection.execute(
            "INSERT INTO projections.generation (projection, generation, state, fingerprint, bounds) "
            "SELECT %s, coalesce(max(generation), 0) + 1, %s, %s, %s FROM projections.generation WHERE projection = %s "
            "RETURNING generation",
            (
                projection.name,
                state,
                projection.fingerprint,
                end,
                projection.name,
            ),
        ).fetchone()
        assert row is not None
        schema = sql.Identifier(schema_of(projection.name, int(row[0])))
        connection.execute(sql.SQL("CREATE SCHEMA {}").format(schema))
        connection.execute(sql.SQL("SET LOCAL search_path TO {}").format(schema))
        connection.execute(projection.definition.encode())
        connection.execute("RESET search_path")
        for statement in (
            "GRANT USAGE ON SCHEMA {} TO hub_projections, hub_access",
            "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {} TO hub_projections",
            "GRANT SELECT ON ALL TABLES IN SCHEMA {} TO hub_access",
        ):
            connection.execute(sql.SQL(statement).format(schema))
        connection.execute("GRANT USAGE ON SCHEMA projections TO hub_reader")
        connection.execute("SELECT hub.close_schema(%s)", (schema_of(projection.name, int(row[0])),))
    return generation(connection, projection.name, int(row[0]))


def drop(connection: Connection, found: Generation) -> None:
    """Drop the tables of *found* and forget it."""
    with connection.transaction():
        connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(found.schema)))
        connection.execute(
            "DELETE FROM projections.generation WHERE projection = %s AND generation = %s",
            (found.projection, found.number),
        )


def note(connection: Connection, found: Generation, state: State, code: str = "", advice: str = "") -> None:
    """Say in which state *found* is by now, and why."""
    connection.execute(
        "UPDATE projections.generation SET state = %s, code = %s, advice = %s "
        "WHERE projection = %s AND generation = %s",
        (state, code, advice, found.projection, found.number),
    )


def expect_fits(projection: Projection, found: Generation) -> None:
    """Raise OutdatedGenerationError when *found* was made for other code."""
    if found.fingerprint != projection.fingerprint:
        raise OutdatedGenerationError(
            f"generation {found.number} of {projection.name} was made for other code than this: "
            f"build a new one with `hub projection rebuild {projection.name}`"
        )


def unfinished(connection: Connection, projection: Projection) -> Generation:
    """Return the generation that `hub projection switch` leads readers to; raise NoGenerationError."""
    found = [g for g in generations(connection, projection.name) if g.state == "building" and g.bounds is None]
    if not found:
        raise NoGenerationError(
            f"no generation of {projection.name} waits for a switch: build one with "
            f"`hub projection rebuild {projection.name}`"
        )
    return found[-1]


def previous(connection: Connection, projection: Projection) -> Generation:
    """Return the generation that `hub projection rollback` leads readers to; raise NoGenerationError."""
    found = in_state(connection, projection.name, "previous")
    if found is None:
        raise NoGenerationError(f"{projection.name} has no previous generation: it was never switched, or was dropped")
    return found


def make_ready(home: Home) -> None:
    """Give every projection that has no live generation an empty one; the worker folds it from the beginning."""
    from projections.switching import lead_to

    with owner_of(home) as connection:
        for projection in PROJECTIONS:
            with contextlib.suppress(BusyProjectionError), held(connection, projection.name), connection.transaction():
                if in_state(connection, projection.name, "live") is None:
                    lead_to(connection, create(connection, projection, "live"), None)
