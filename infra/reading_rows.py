"""Reads the database on behalf of one organisation: the rows of that one, as the database itself sees to."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from infra.home import Home

READER = "hub_reader"
FOR = "SELECT set_config('hub.principal', %s, true)"
"""Says within a transaction of hub_reader for whom it reads."""


@contextmanager
def reading_for(home: Home, principal: str) -> Iterator[psycopg.Connection]:
    """Yield a connection that sees the rows of *principal* and can write none; the rows are as of its first query.

    It guards against a forgotten condition, not against who can send SQL of its own: the role may name anybody.
    """
    with psycopg.connect(home.dsn(READER), connect_timeout=3) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.execute(FOR, (principal,))
        yield connection
