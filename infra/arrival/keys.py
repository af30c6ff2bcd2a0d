"""The hub's key pairs for sealed events: public keys in a table, private ones as secrets of the vault.

Rule 1: the youngest is offered; one is made when it is older than a month.
Rule 2: none is ever taken away: a record under an old key may still be on its way, or parked.
Rule 3: who names a key that was never made gets none; nothing is made for who only asks.
"""

import uuid
from collections.abc import Collection, Mapping
from typing import Protocol

import psycopg
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from psycopg_pool import AsyncConnectionPool

from infra.arrival.sealed import HubKey
from infra.database import DatabaseUnavailableError
from infra.vault.vault import Vault

_YOUNGEST = (
    "SELECT key_id::text, public_key FROM vault.arrival_key "
    "WHERE made_at > now() - interval '30 days' ORDER BY made_at DESC LIMIT 1"
)
_MADE = "INSERT INTO vault.arrival_key (key_id, public_key) VALUES (%s, %s)"
_KNOWN = "SELECT key_id::text FROM vault.arrival_key WHERE key_id = ANY(%s::uuid[])"


class PrivateKeys(Protocol):
    """Who opens sealed events."""

    async def private(self, key_ids: Collection[str]) -> Mapping[str, X25519PrivateKey]:
        """Return the private key of each of *key_ids* that the hub has made."""


class ArrivalKeys:
    """The key pairs in the database behind *pool* (role hub_vault) and *vault*."""

    def __init__(self, pool: AsyncConnectionPool, vault: Vault) -> None:
        self._pool = pool
        self._vault = vault
        self._private: dict[str, X25519PrivateKey] = {}

    async def current(self) -> HubKey:
        """Return the key to seal to, made now when there is none that is young enough."""
        found = await self._rows(_YOUNGEST, ())
        if not found:
            key_id = str(uuid.uuid4())
            public = (await self._of(key_id)).public_key().public_bytes_raw()
            await self._rows(_MADE, (key_id, public))  # of two that are made at once both are good
            return HubKey(key_id=key_id, public_key=public)
        public_key = found[0][1]
        assert isinstance(public_key, bytes | memoryview), "the column holds bytes"
        return HubKey(key_id=str(found[0][0]), public_key=bytes(public_key))

    async def private(self, key_ids: Collection[str]) -> Mapping[str, X25519PrivateKey]:
        """Return the private key of each of *key_ids* that the hub has made."""
        unknown = [key_id for key_id in key_ids if key_id not in self._private and _is_id(key_id)]
        if unknown:
            for (key_id,) in await self._rows(_KNOWN, (unknown,)):
                self._private[str(key_id)] = await self._of(str(key_id))
        return {key_id: self._private[key_id] for key_id in key_ids if key_id in self._private}

    async def _of(self, key_id: str) -> X25519PrivateKey:
        return X25519PrivateKey.from_private_bytes(await self._vault.secret(f"arrival:{key_id}"))

    async def _rows(self, query: str, arguments: tuple[object, ...]) -> list[tuple[object, ...]]:
        try:
            async with self._pool.connection() as connection:
                cursor = await connection.execute(query.encode(), arguments)
                return await cursor.fetchall() if cursor.description else []
        except (psycopg.OperationalError, OSError) as error:
            raise DatabaseUnavailableError(f"the vault does not answer ({type(error).__name__})") from None


def _is_id(text: str) -> bool:
    """Whether *text* is a UUID as the hub writes it."""
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False
