"""The key with which the hub signs its statements: private halves in the vault, public ones in a table.

Rule 1: none is ever taken away: what it signed is to be verified for ever.
Rule 2: a key that is replaced signs nothing more once every worker has looked again, after five minutes.
"""

import time
import uuid

import psycopg
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from psycopg_pool import AsyncConnectionPool

from infra.database import DatabaseUnavailableError
from infra.evidence.signatures import SigningKey
from infra.vault.vault import Vault

LOOK_S = 300.0
_NEWEST = "SELECT name::text FROM vault.evidence_key ORDER BY made_at DESC, name DESC LIMIT 1"
_ALL = "SELECT public_key FROM vault.evidence_key ORDER BY made_at, name"
_MADE = "INSERT INTO vault.evidence_key (name, key_id, public_key) VALUES (%s, %s, %s)"


class EvidenceKeys:
    """The keys in the database behind *pool* (role hub_vault) and *vault*."""

    def __init__(self, pool: AsyncConnectionPool, vault: Vault) -> None:
        self._pool = pool
        self._vault = vault
        self._kept: tuple[float, SigningKey] | None = None

    async def current(self) -> SigningKey:
        """Return the key to sign with now; the first is made when it is first asked for."""
        if self._kept is None or self._kept[0] < time.monotonic():
            found = await self._rows(_NEWEST, ())
            key = await self._of(str(found[0][0])) if found else await self.make()
            self._kept = (time.monotonic() + LOOK_S, key)
        return self._kept[1]

    async def make(self) -> SigningKey:
        """Make a key, which is the current one from now on."""
        name = str(uuid.uuid4())
        key = await self._of(name)
        public = key.private.public_key().public_bytes_raw()
        await self._rows(_MADE, (name, key.key_id, public))  # of two that are made at once both are good
        return key

    async def public(self) -> list[Ed25519PublicKey]:
        """Return the public half of every key there ever was, the oldest first; one is made when there is none."""
        await self.current()
        rows = await self._rows(_ALL, ())
        return [Ed25519PublicKey.from_public_bytes(bytes(row[0])) for row in rows if isinstance(row[0], bytes)]

    async def _of(self, name: str) -> SigningKey:
        return SigningKey(Ed25519PrivateKey.from_private_bytes(await self._vault.secret(f"evidence:{name}")))

    async def _rows(self, query: str, arguments: tuple[object, ...]) -> list[tuple[object, ...]]:
        try:
            async with self._pool.connection() as connection:
                cursor = await connection.execute(query.encode(), arguments)
                return await cursor.fetchall() if cursor.description else []
        except (psycopg.OperationalError, OSError) as error:
            raise DatabaseUnavailableError(f"the vault does not answer ({type(error).__name__})") from None
