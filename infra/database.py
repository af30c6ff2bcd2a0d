"""The tables of every room in PostgreSQL: numbered SQL files, applied once each, in order.

A room registers its folder of files as an entry point of the group `hub.tables`. A file that was applied never
changes: a change is a new file.
"""

import hashlib
from importlib import import_module
from importlib.metadata import entry_points
from importlib.resources import files

import psycopg

from infra.advisory_locks import AdvisoryLock
from infra.home import Home
from schemas.errors import MisuseError, UnavailableError

LOCK = AdvisoryLock.MIGRATING.value
"""Advisory lock: two migrations at the same time wait for each other."""


class DatabaseUnavailableError(UnavailableError):
    """PostgreSQL does not answer."""

    code = "database-unavailable"


class ChangedMigrationError(MisuseError):
    """A file of tables that was applied has been edited since."""

    code = "changed-migration"


def migrate(home: Home) -> tuple[str, ...]:
    """Bring all tables up to date and return the names of the files applied now, none when nothing was to do."""
    applied: list[str] = []
    try:
        with psycopg.connect(home.dsn("hub_admin")) as connection:
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
            connection.execute("CREATE SCHEMA IF NOT EXISTS hub")
            connection.execute(
                "CREATE TABLE IF NOT EXISTS hub.migration ("
                "name text PRIMARY KEY, sha256 text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())"
            )
            rows = connection.execute("SELECT name, sha256 FROM hub.migration").fetchall()
            known: dict[str, str] = {str(name): str(digest) for name, digest in rows}
            for name, text in _migrations():
                digest = hashlib.sha256(text.encode()).hexdigest()
                if known.get(name, digest) != digest:
                    raise ChangedMigrationError(
                        f"{name} was edited after it was applied; undo the edit and add a new file"
                    )
                if name not in known:
                    connection.execute(text.encode())
                    connection.execute("INSERT INTO hub.migration (name, sha256) VALUES (%s, %s)", (name, digest))
                    applied.append(name)
    except psycopg.OperationalError as error:
        raise DatabaseUnavailableError(f"PostgreSQL does not answer ({type(error).__name__}); run `hub up`") from None
    return tuple(applied)


def _migrations() -> list[tuple[str, str]]:
    """Return (room/file name, SQL) of every room in the order of application."""
    found: list[tuple[str, str]] = []
    for entry in sorted(entry_points(group="hub.tables"), key=lambda entry: entry.name):
        folder = files(import_module(entry.value)).joinpath("sql")
        applicable = sorted(
            (file for file in folder.iterdir() if file.name.endswith(".sql")), key=lambda file: file.name
        )
        found += [(f"{entry.name}/{file.name}", file.read_text(encoding="utf-8")) for file in applicable]
    return found
