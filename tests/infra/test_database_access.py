"""Every role x table x operation, and every organisation's row x who reads it: on the real database."""

import fnmatch
import tomllib
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from itertools import product
from typing import Any

import psycopg
import pytest
from psycopg import sql

from infra.home import Home
from infra.reading_rows import READER, reading_for
from infra.stack.postgres import OWNER, ROLES

pytestmark = pytest.mark.stack
OPERATIONS = ("select", "insert", "update", "delete")
DATA = tomllib.loads(files("infra").joinpath("database_access.toml").read_text(encoding="utf-8"))["rights"]
OURS = "n.nspname IN ('hub', 'vault', 'streams', 'projections') OR n.nspname ~ '^projection_.*_[0-9]+$'"
OWN, FOREIGN = "rows-own", "rows-foreign"
VALUES = {"uuid": "gen_random_uuid()", "timestamp with time zone": "now()", "boolean": "false", "date": "now()::date"}
OF_SEVERAL = {"streams.question"}
"""Whose these are no single column says: each has a test of its own."""
FIT = {"about": "EVENT", "outcome": "RELEASED"}
"""What these columns may hold where a row needs them; `x` would break their own rules."""
VALUES |= {"bytea": "'\\x00'", "jsonb": "'{}'", "ARRAY": "'{}'", "text": "'x'"}


@dataclass(frozen=True, slots=True)
class Table:
    schema: str
    name: str

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}"

    @property
    def as_sql(self) -> sql.Identifier:
        return sql.Identifier(self.schema, self.name)


def tables(connection: psycopg.Connection, condition: str = "true") -> list[Table]:
    rows = connection.execute(
        "SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "  # noqa: S608 - ours
        f"WHERE c.relkind = 'r' AND ({OURS}) AND {condition} ORDER BY 1, 2"
    ).fetchall()
    return [Table(schema, name) for schema, name in rows]


def rights(role: str, table: Table) -> tuple[set[str], set[str]]:
    """Return what *role* must be able to do with *table*, and what it may."""
    for entry in DATA:
        if entry["role"] in (role, "*") and any(fnmatch.fnmatchcase(str(table), each) for each in entry["tables"]):
            return set(entry["must"]), {*entry["must"], *entry.get("may", ())}
    return set(), set()


def statement(operation: str, table: Table, column: str) -> sql.Composed:
    """Return what asks for the right to *operation* and touches no row."""
    return {
        "select": sql.SQL("SELECT {column} FROM {table} WHERE false"),
        "insert": sql.SQL("INSERT INTO {table} ({column}) SELECT NULL WHERE false"),
        "update": sql.SQL("UPDATE {table} SET {column} = NULL WHERE false"),
        "delete": sql.SQL("DELETE FROM {table} WHERE false"),
    }[operation].format(table=table.as_sql, column=sql.Identifier(column))


def passes(connection: psycopg.Connection, query: sql.Composed) -> bool:
    try:
        with connection.transaction(force_rollback=True):
            connection.execute(
                "SET LOCAL transaction_read_only = off"
            )  # a right is asked for, not the default of a role
            connection.execute(query)
    except psycopg.errors.InsufficientPrivilege:
        return False
    return True


@pytest.mark.parametrize("role", ROLES)
def test_a_role_can_do_what_the_data_file_says_and_nothing_else(home: Home, role: str) -> None:
    with psycopg.connect(home.dsn(OWNER), autocommit=True) as owner:
        known = [(table, column_of(owner, table, role)) for table in tables(owner)]
    wrong: list[str] = []
    with psycopg.connect(home.dsn(role), autocommit=True) as connection:
        for (table, column), operation in product(known, OPERATIONS):
            must, may = rights(role, table)
            passed = passes(connection, statement(operation, table, column))
            if passed != (operation in must) and operation not in may - must:
                wrong.append(f"{role} {'can' if passed else 'cannot'} {operation} {table}")
    assert len(known) > 40
    assert not wrong


def column_of(owner: psycopg.Connection, table: Table, role: str) -> str:
    """Return a column of *table*: one that *role* has any right on, where it has rights on some columns alone."""
    row = owner.execute(
        "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped "
        "AND attidentity = '' "
        "ORDER BY has_column_privilege(%s, attrelid, attnum, 'SELECT, INSERT, UPDATE') DESC, attnum",
        (f'"{table.schema}"."{table.name}"', role),
    ).fetchone()
    assert row is not None
    return str(row[0])


def test_every_right_of_the_data_file_is_of_a_role_and_a_table_that_exist(home: Home) -> None:
    with psycopg.connect(home.dsn(OWNER)) as owner:
        known = [str(table) for table in tables(owner)]
    assert {entry["role"] for entry in DATA} <= {*ROLES, "*"}
    assert not [each for entry in DATA for each in entry["tables"] if not fnmatch.filter(known, each)]


# ── Rows ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def closed_tables(owner: psycopg.Connection) -> list[Table]:
    return tables(owner, "c.relrowsecurity")


def columns(owner: psycopg.Connection, table: Table) -> dict[str, str]:
    """Return the columns of *table* that need a value, with their types, and those that name an organisation."""
    rows = owner.execute(
        "SELECT column_name, data_type FROM information_schema.columns WHERE table_schema = %s AND table_name = %s "
        "AND is_generated = 'NEVER' AND (is_nullable = 'NO' AND column_default IS NULL)",
        (table.schema, table.name),
    ).fetchall()
    return {str(name): str(kind) for name, kind in rows}


def insert_row(owner: psycopg.Connection, table: Table, **said: str) -> None:
    wanted = columns(owner, table)
    assert said.keys() <= wanted.keys()
    said = FIT | said
    values = [
        sql.Literal(said[name]) if name in said else sql.SQL(VALUES.get(kind, "0")) for name, kind in wanted.items()
    ]
    query = sql.SQL("INSERT INTO {} ({}) VALUES ({})")
    names = sql.SQL(", ").join(map(sql.Identifier, wanted))
    owner.execute(query.format(table.as_sql, names, sql.SQL(", ").join(values)))


@contextmanager
def reader_in(owner: psycopg.Connection, principal: str | None) -> Iterator[None]:
    """Be hub_reader for *principal* within the transaction of *owner*, whose rows nobody else sees."""
    owner.execute(f"SET LOCAL ROLE {READER}")
    if principal is not None:
        owner.execute("SELECT set_config('hub.principal', %s, true)", (principal,))
    yield
    owner.execute("RESET ROLE")
    owner.execute("SELECT set_config('hub.principal', '', true)")


def seen(owner: psycopg.Connection, table: Table, principal: str | None) -> int:
    visible = column_of(owner, table, READER)
    with reader_in(owner, principal):
        query = sql.SQL("SELECT count({}) FROM {}").format(sql.Identifier(visible), table.as_sql)
        (number,) = owner.execute(query).fetchone() or (None,)
    return int(str(number))


def naming_columns(owner: psycopg.Connection, table: Table) -> dict[str, str]:
    """Return the columns that say whose a row is, with how they say it."""
    found = columns(owner, table)
    named = {name: "{}" for name in ("agency", "to_agency", "recipient") if name in found}
    return named or {"topic": "in.{}"}


def test_an_organisation_sees_its_own_rows_of_every_closed_table_and_no_others(home: Home) -> None:
    with psycopg.connect(home.dsn(OWNER)) as owner:
        found = [each for each in closed_tables(owner) if str(each) not in OF_SEVERAL]
        for table in found:
            for column, form in naming_columns(owner, table).items():
                with owner.transaction(force_rollback=True):
                    insert_row(owner, table, **{column: form.format(OWN)})
                    cells = {who: seen(owner, table, who) for who in (OWN, FOREIGN, "", None)}
                    assert (str(table), column, cells) == (str(table), column, {OWN: 1, FOREIGN: 0, "": 0, None: 0})
    assert len(found) > 10


def test_an_audience_sees_what_was_released_to_it_and_never_what_was_withheld(home: Home) -> None:
    with psycopg.connect(home.dsn(OWNER)) as owner:
        for table in closed_tables(owner):
            if "audience" not in columns(owner, table):
                continue
            for outcome in ("RELEASED", "WITHHELD"):
                with owner.transaction(force_rollback=True):
                    said = {"audience": OWN} | ({"outcome": outcome} if "outcome" in columns(owner, table) else {})
                    insert_row(owner, table, **said)
                    assert seen(owner, table, OWN) == (1 if said.get("outcome") == "RELEASED" else 0)


def test_an_agency_sees_to_whom_its_event_went_and_a_partner_not_what_was_withheld_from_it(home: Home) -> None:
    query = (
        "INSERT INTO streams.delivery (recipient, id, about, event_type, agency, outcome, decided_at) "
        "VALUES (%s, gen_random_uuid(), 'EVENT', 'PersonIdentified', %s, %s, now())"
    )
    ladders = Table("streams", "delivery")
    with psycopg.connect(home.dsn(OWNER)) as owner:
        for outcome in ("RELEASED", "WITHHELD"):
            with owner.transaction(force_rollback=True):
                owner.execute(query, (FOREIGN, OWN, outcome))
                cells = {who: seen(owner, ladders, who) for who in (OWN, FOREIGN, "rows-third", None)}
                assert cells == {OWN: 1, FOREIGN: int(outcome == "RELEASED"), "rows-third": 0, None: 0}


@pytest.mark.parametrize("outcome", ["RELEASED", "WITHHELD", None])
def test_whom_a_question_addresses_sees_it_once_it_was_released_to_it(home: Home, outcome: str | None) -> None:
    event_id = str(uuid.uuid4())
    question = (
        "INSERT INTO streams.question (event_type, reference, asker, addressee, id, agency, asked_at, warn_at, "
        "breach_at) VALUES ('ReferralOffered', gen_random_uuid(), %s, %s, %s, %s, now(), now(), now())"
    )
    ladder = (
        "INSERT INTO streams.delivery (recipient, id, about, event_type, agency, outcome, decided_at) "
        "VALUES (%s, %s, 'EVENT', 'ReferralOffered', %s, %s, now())"
    )
    with psycopg.connect(home.dsn(OWNER)) as owner, owner.transaction(force_rollback=True):
        owner.execute(question, (OWN, FOREIGN, event_id, OWN))
        if outcome is not None:
            owner.execute(ladder, (FOREIGN, event_id, OWN, outcome))
        cells = {who: seen(owner, Table("streams", "question"), who) for who in (OWN, FOREIGN, "rows-third", None)}
        assert cells == {OWN: 1, FOREIGN: int(outcome == "RELEASED"), "rows-third": 0, None: 0}


@pytest.mark.parametrize("operation", ["insert", "update", "delete"])
def test_nobody_writes_rows_as_a_reader(home: Home, operation: str) -> None:
    with psycopg.connect(home.dsn(OWNER)) as owner:
        closed = [(table, column_of(owner, table, READER)) for table in closed_tables(owner)]
    with psycopg.connect(home.dsn(READER), autocommit=True) as connection:
        assert not [str(table) for table, column in closed if passes(connection, statement(operation, table, column))]


def test_every_table_that_names_an_agency_and_that_a_reader_may_read_is_closed_by_rows(home: Home) -> None:
    with psycopg.connect(home.dsn(OWNER)) as owner:
        readable = tables(owner, f"has_any_column_privilege('{READER}', c.oid, 'SELECT')")
        closed = closed_tables(owner)
        forced = tables(owner, "c.relforcerowsecurity")
    assert {str(table) for table in readable} - {str(table) for table in closed} <= {"hub.clock"}
    assert closed == forced


def test_every_view_looks_with_the_rights_of_whoever_asks(home: Home) -> None:
    with psycopg.connect(home.dsn(OWNER)) as owner:
        rows = owner.execute(
            "SELECT c.oid::regclass::text, coalesce(c.reloptions::text, '') FROM pg_class c "  # noqa: S608 - ours
            f"JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'v' AND ({OURS})"
        ).fetchall()
    assert len(rows) > 10
    assert not [name for name, options in rows if "security_invoker=true" not in options]


def test_the_keyed_hash_of_what_an_agency_published_is_not_for_readers(home: Home) -> None:
    with reading_for(home, "rs-police") as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("SELECT content_mac FROM streams.seen_event")


def test_reading_for_an_organisation_shows_its_rows_through_the_views_as_well(home: Home) -> None:
    with reading_for(home, "rs-police") as connection:
        for view in ("cross_border_flow", "cross_border_withheld", "pipeline_by_agency"):
            query = sql.SQL("SELECT DISTINCT agency FROM {}").format(sql.Identifier("projections", view))
            found: list[Any] = connection.execute(query).fetchall()
            assert {str(agency) for (agency,) in found} <= {"rs-police"}
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            connection.execute("CREATE TEMP TABLE x (y int)")
