"""Which generation readers see: all views of a projection lead to another one, in one SQL transaction.

Rule 1: a switch waits for the batch under way and holds up the next, brings the new generation to where the live one
        is, and only then leads readers over: nobody sees less than a moment ago.
Rule 2: a switch gives way to readers: it asks for their locks briefly, and again.
"""

import contextlib
import time
from collections.abc import Callable

import psycopg
from psycopg import sql

from infra.database import DatabaseUnavailableError
from projections.generations import (
    SWITCH_LOCK_MS,
    Connection,
    Generation,
    checkpoints,
    drop,
    generations,
    in_state,
)
from projections.logs import Vector

ATTEMPTS_MAX = 40
CatchUp = Callable[[Vector], None]
"""Folds the generation that becomes live exactly to a vector, from another connection."""


class ReadersBusyError(DatabaseUnavailableError):
    """Somebody has been reading without a pause."""

    code = "readers-busy"


def switch(connection: Connection, new: Generation, catch_up: CatchUp) -> None:
    """Make *new* the live generation and the live one the previous; raise ReadersBusyError when nobody pauses."""
    for _ in range(ATTEMPTS_MAX):
        try:
            with connection.transaction():
                connection.execute(sql.SQL("SET LOCAL lock_timeout = {}").format(sql.Literal(f"{SWITCH_LOCK_MS}ms")))
                _switch(connection, new, catch_up)
        except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected):
            time.sleep(0.3)
        else:
            _drop_old(connection, new.projection)
            return
    raise ReadersBusyError("readers have held the tables all the time: give the same command again")


def lead_to(connection: Connection, new: Generation, old: Generation | None) -> None:
    """Let the views of the schema `projections` lead to *new* and no more to *old*; part of a transaction."""
    names = relations(connection, new)
    gone = set(relations(connection, old)) - set(names) if old is not None else set()
    for name in sorted({*names, *gone}):
        if name in gone:
            connection.execute(sql.SQL("DROP VIEW IF EXISTS projections.{}").format(sql.Identifier(name)))
        else:
            _lead(connection, new.schema, name)


def relations(connection: Connection, found: Generation) -> tuple[str, ...]:
    """Return the names of the tables and views of *found*."""
    rows = connection.execute(
        "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
        "WHERE n.nspname = %s AND c.relkind IN ('r', 'v') ORDER BY 1",
        (found.schema,),
    ).fetchall()
    return tuple(str(name) for (name,) in rows)


def _switch(connection: Connection, new: Generation, catch_up: CatchUp) -> None:
    live = in_state(connection, new.projection, "live")
    if live is not None:
        # A batch holds this row while it writes; the next one waits here, and finds that it has to read anew.
        _lock(connection, live)
        catch_up(checkpoints(connection, live))
    _become(connection, new.projection, new.number, "building")  # the one that comes back makes room first
    for before, after in (("previous", "old"), ("live", "previous")):
        connection.execute(
            "UPDATE projections.generation SET state = %s WHERE projection = %s AND state = %s",
            (after, new.projection, before),
        )
    _become(connection, new.projection, new.number, "live")
    lead_to(connection, new, live)


def _drop_old(connection: Connection, projection: str) -> None:
    """Free the space of what was previous before: one generation to go back to is kept."""
    for each in generations(connection, projection):
        if each.state == "old":
            drop(connection, each)


def _become(connection: Connection, projection: str, number: int, state: str) -> None:
    connection.execute(
        "UPDATE projections.generation SET state = %s, code = '', advice = '', switched_at = now() "
        "WHERE projection = %s AND generation = %s",
        (state, projection, number),
    )


def _lock(connection: Connection, found: Generation) -> None:
    connection.execute(
        "SELECT FROM projections.generation WHERE projection = %s AND generation = %s FOR UPDATE",
        (found.projection, found.number),
    )


def _lead(connection: Connection, schema: str, name: str) -> None:
    statement = sql.SQL(
        "VIEW projections.{name} WITH (security_invoker = true) AS SELECT * FROM {schema}.{name}"
    ).format(name=sql.Identifier(name), schema=sql.Identifier(schema))
    view = sql.SQL("projections.{}").format(sql.Identifier(name))
    try:
        with connection.transaction():
            connection.execute(sql.SQL("CREATE OR REPLACE {}").format(statement))
    except (psycopg.errors.InvalidTableDefinition, psycopg.errors.WrongObjectType):  # other columns than before
        with contextlib.suppress(psycopg.errors.UndefinedTable):
            connection.execute(sql.SQL("DROP VIEW {}").format(view))
        connection.execute(sql.SQL("CREATE {}").format(statement))
    connection.execute(sql.SQL("GRANT SELECT ON {} TO hub_access, hub_projections, hub_reader").format(view))
