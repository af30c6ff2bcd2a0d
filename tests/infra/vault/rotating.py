"""Vaults of their own in one test: a database of the running PostgreSQL, a site of key encryption keys."""

import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg_pool import AsyncConnectionPool

from infra.home import Home
from infra.vault.vault import Vault
from tests.infra.vault.keks import Site

SQL = Path(__file__).parents[3] / "infra" / "sql"


@contextmanager
def empty_database(home: Home) -> Iterator[str]:
    """Make a database with the vault's tables beside the hub's, and yield its name: rotations concern all rows."""
    name = f"vault_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(home.dsn("hub_admin"), autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    try:
        with psycopg.connect(f"{home.dsn('hub_admin')} dbname={name}") as connection:
            for file in sorted(SQL.glob("*vault*.sql")):
                connection.execute(file.read_text().encode())
        yield name
    finally:
        with psycopg.connect(home.dsn("hub_admin"), autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@asynccontextmanager
async def vault_at(home: Home, database: str, site: Site) -> AsyncIterator[Vault]:
    """Open a vault as a process of its own would."""
    dsn = f"{home.dsn('hub_vault')} dbname={database}"
    async with AsyncConnectionPool(dsn, min_size=1, max_size=4, open=False, kwargs={"autocommit": True}) as pool:
        yield Vault(pool, site.open())
