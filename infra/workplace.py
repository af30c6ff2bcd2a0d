"""What a long-running part of the hub works with: one home, its topology, codec, database pools, vault and clock."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar

from psycopg_pool import AsyncConnectionPool

from infra.clock import Clock, clock_for
from infra.home import Home
from infra.registry import registry_for
from infra.settings import settings
from infra.topology.credentials import Credentials
from infra.topology.model import Topology, load_topology
from infra.vault.choosing import kek_of
from infra.vault.vault import Vault
from schemas.codec import Codec

Found = TypeVar("Found")
POOL_TIMEOUT_S = 10.0
STANDSTILL_MS = 20_000
"""A process that stands still inside a transaction loses its locks after so long: another one may be waiting."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workplace:
    """Open connections of one process; made by `workplace`."""

    home: Home
    topology: Topology
    codec: Codec
    clock: Clock
    member: str | None = None
    """Name of the process in its consumer groups, None for one that does not come back under the same name."""

    def credentials(self, principal: str) -> Credentials:
        """Return the Kafka credentials of *principal*."""
        return Credentials.of(self.home, principal, self.topology)

    def pool(
        self, role: str, connections_max: int = 8, *, by_statement: bool = False, transaction_ms: int = 0
    ) -> AsyncConnectionPool:
        """Return a pool of connections as the database role *role*, not opened yet.

        With *by_statement* each statement is a transaction of its own, and a connection is not tried before it is lent
        out: four exchanges with the server become one. Who borrows then has to take a lost connection as an outage.
        No transaction lasts longer than *transaction_ms*, unless that is 0: one that stands still in the middle of a
        COPY counts as busy, and would keep its locks.
        """
        return AsyncConnectionPool(
            f"{self.home.dsn(role)} "
            f"options='-c idle_in_transaction_session_timeout={STANDSTILL_MS} -c transaction_timeout={transaction_ms}'",
            min_size=1,
            max_size=connections_max,
            timeout=POOL_TIMEOUT_S,
            check=None if by_statement else AsyncConnectionPool.check_connection,
            kwargs={"autocommit": by_statement},
            reconnect_timeout=0,
            open=False,
            name=role,
        )

    def vault(self, pool: AsyncConnectionPool) -> Vault:
        """Return the vault behind *pool*, which must be of the role hub_vault."""
        return Vault(pool, kek_of(self.home, settings()))


@asynccontextmanager
async def workplace(home: Home, member: str | None = None) -> AsyncIterator[Workplace]:
    """Open the workplace of a process in *home*, a static *member* of its groups, and close it at the end."""
    registry = registry_for(home)
    clock_pool = AsyncConnectionPool(
        home.dsn("hub_access"),
        min_size=0,
        max_size=2,
        timeout=POOL_TIMEOUT_S,
        reconnect_timeout=0,
        open=False,
        check=AsyncConnectionPool.check_connection,
    )
    await clock_pool.open()
    try:
        yield Workplace(
            home=home,
            topology=load_topology(),
            codec=Codec(registry),
            clock=clock_for(home, clock_pool),
            member=member,
        )
    finally:
        await clock_pool.close()
        registry.close()


def at_vault(action: Callable[[Workplace, AsyncConnectionPool], Awaitable[Found]]) -> Found:
    """Run *action* for a command, with the workplace of the current home and connections to the vault."""

    async def run() -> Found:
        async with workplace(Home.current()) as place, place.pool("hub_vault", 3, by_statement=True) as pool:
            return await action(place, pool)

    return asyncio.run(run())
