"""Sets a password on the server that asks for it, as that server's administrator."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor

import psycopg
from psycopg import sql

from infra.database import DatabaseUnavailableError
from infra.home import Home
from infra.kafka_wire import BrokerUnreachableError, connected
from infra.stack.kafka import ADMIN
from infra.stack.postgres import OWNER
from infra.topology.broker import Broker, BrokerError
from infra.topology.credentials import Credentials
from schemas.names import PrincipalId

SETTLE_S = 30.0
POLL_S = 0.1


def change_on_broker(home: Home, name: str, password: str) -> None:
    """Give the principal *name* this password, and wait until the broker takes it; the old one is refused by then.

    Raises BrokerError when the broker is away or does not take it over.
    """
    administrator = next((each for each in home.passwords(ADMIN) if signs_in(home, ADMIN, each)), None)
    if administrator is None:
        raise BrokerError("the broker does not let its administrator in; see `hub status`")
    if name != ADMIN or administrator != password:
        Broker(home, administrator).set_passwords({name: password})
    deadline = time.monotonic() + SETTLE_S
    while not signs_in(home, name, password):
        if time.monotonic() > deadline:
            raise BrokerError(f"the broker did not take the new password over within {SETTLE_S:.0f} s; run it again")
        time.sleep(POLL_S)


def signs_in(home: Home, name: str, password: str) -> bool:
    """Try whether the broker lets *name* in with *password*."""
    endpoints = home.endpoints()
    found = Credentials(
        principal=PrincipalId(name),
        password=password,
        bootstrap=endpoints.bootstrap,
        ca_file=home.ca_file,
        access_url=endpoints.access_url,
    )
    with ThreadPoolExecutor(max_workers=1) as pool:  # the caller may itself be called by a loop
        return pool.submit(lambda: asyncio.run(_signs_in(found))).result()


async def _signs_in(credentials: Credentials) -> bool:
    try:
        async with connected(credentials):
            return True
    except BrokerUnreachableError:
        return False


def database_owner(home: Home) -> psycopg.Connection:
    """Connect as the owner of the database; raise DatabaseUnavailableError."""
    for password in home.passwords(f"postgres:{OWNER}"):
        try:
            return psycopg.connect(home.dsn(OWNER), password=password, connect_timeout=3, autocommit=True)
        except psycopg.OperationalError:
            continue
    raise DatabaseUnavailableError("PostgreSQL is away, or does not let its owner in; see `hub status`")


def change_in_database(connection: psycopg.Connection, role: str, password: str) -> None:
    """Give *role* this password and end its other sessions, which began with the old one."""
    # The verifier travels, not the password: no log of the server can ever show it.
    verifier = connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode()
    connection.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(role), sql.Literal(verifier)))
    connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s AND pid <> pg_backend_pid()", (role,)
    )
