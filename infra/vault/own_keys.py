"""Keys of the hub itself, by name: for the lookup of references, for duplicates, for pseudonyms."""

import secrets
import time

from infra.vault.connection import Connections, rows_of
from infra.vault.kek import KekId, Wrapped
from infra.vault.key_cache import CACHE_S
from infra.vault.wrapping import Wrapping

KEY_BYTES = 32


class OwnKeys:
    """The hub's own keys behind *connections*; unwrapped ones are kept five minutes."""

    def __init__(self, connections: Connections, wrapping: Wrapping) -> None:
        self._connections = connections
        self._wrapping = wrapping
        self._kept: dict[str, tuple[float, bytes]] = {}

    async def secret(self, name: str) -> bytes:
        """Return the key *name* of the hub itself, made now when there was none."""
        until, key = self._kept.get(name, (0.0, b""))
        if until > time.monotonic():
            return key
        found = await self._read(name)
        if found is None:
            await self._wrapping.written([(secrets.token_bytes(KEY_BYTES), name)], lambda made: self._make(name, made))
            found = await self._read(name)
        assert found is not None, "rows of the vault's own keys are never deleted"
        (key,) = await self._wrapping.unwrapped([(found, name)])
        self._kept[name] = (time.monotonic() + CACHE_S, key)
        return key

    async def _read(self, name: str) -> Wrapped | None:
        async with self._connections() as connection:
            found = await rows_of(connection, "SELECT kek_id, wrapped FROM vault.secret WHERE name = %s", (name,))
        return Wrapped(KekId(found[0][0]), bytes(found[0][1])) if found else None

    async def _make(self, name: str, made: list[Wrapped]) -> None:
        async with self._connections() as connection:
            await connection.execute(
                "INSERT INTO vault.secret (name, wrapped, kek_id) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
                (name, made[0].data, made[0].kek_id),
            )
