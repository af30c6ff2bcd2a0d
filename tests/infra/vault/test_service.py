"""The worker's monthly rotation: when it is due, once, and an outage is no crash."""

from pathlib import Path
from typing import cast

import psycopg
import pytest
from psycopg_pool import AsyncConnectionPool

from infra.home import Home
from infra.vault.service import Rotating
from infra.vault.vault import Vault
from infra.workplace import Workplace
from tests.infra.vault.keks import Site, site
from tests.infra.vault.rotating import empty_database, vault_at

pytestmark = pytest.mark.stack


class Place:
    """What the service uses of a workplace."""

    def __init__(self, dsn: str, site: Site) -> None:
        self._dsn, self._site = dsn, site

    def pool(self, _role: str, connections_max: int, *, by_statement: bool) -> AsyncConnectionPool:
        return AsyncConnectionPool(
            self._dsn, min_size=1, max_size=connections_max, open=False, kwargs={"autocommit": by_statement}
        )

    def vault(self, pool: AsyncConnectionPool) -> Vault:
        return Vault(pool, self._site.open())


async def test_a_worker_rotates_when_it_is_due_and_waits_while_the_key_store_is_away(
    home: Home, tmp_path: Path
) -> None:
    with empty_database(home) as database, site("transit", tmp_path) as place:
        service = Rotating(cast("Workplace", Place(f"{home.dsn('hub_vault')} dbname={database}", place)))
        await service.on_start()
        try:
            first = await place.open().current()
            await service.look()
            assert await place.open().current() == first
            with psycopg.connect(f"{home.dsn('hub_admin')} dbname={database}") as connection:
                connection.execute("UPDATE vault.kek SET known_at = now() - interval '31 days'")
            place.leave()
            await service.look()
            place.come_back()
            assert await place.open().current() == first
            for _ in range(2):
                await service.look()
        finally:
            await service.on_shutdown()
        async with vault_at(home, database, place) as vault:
            states = {each.kek_id: each.state for each in await vault.rotation.states()}
        assert (len(states), states[first]) == (3, "destroyed")  # with the one of before there were ids
