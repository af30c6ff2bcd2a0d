"""The key with which the hub signs its statements: private halves in the vault, public ones in PEM files.

Rule 1: the id of a key follows from the key itself, so that a file of public keys needs nothing beside it.
Rule 2: none is ever taken away: what it signed is to be verified for ever.
Rule 3: a key that is replaced signs nothing more once every worker has looked again, after five minutes.
"""

import hashlib
import re
import time
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import psycopg
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key
from psycopg_pool import AsyncConnectionPool

from infra.database import DatabaseUnavailableError
from infra.vault.vault import Vault
from schemas.errors import MisuseError

LOOK_S = 300.0
_PEM = re.compile(rb"-----BEGIN PUBLIC KEY-----.+?-----END PUBLIC KEY-----\n?", re.DOTALL)
_NEWEST = "SELECT name::text FROM vault.evidence_key ORDER BY made_at DESC, name DESC LIMIT 1"
_ALL = "SELECT public_key FROM vault.evidence_key ORDER BY made_at, name"
_MADE = "INSERT INTO vault.evidence_key (name, key_id, public_key) VALUES (%s, %s, %s)"

PublicKeys = Mapping[str, Ed25519PublicKey]
"""By the id of the key."""


class KeyFileError(MisuseError):
    """A file that should hold public keys holds none, or something else."""

    code = "key-file"


@dataclass(frozen=True, slots=True)
class SigningKey:
    """What signs, with the id under which everybody knows its public half."""

    private: Ed25519PrivateKey = field(repr=False)

    @property
    def key_id(self) -> str:
        """Return the id of the key."""
        return key_id_of(self.private.public_key())

    def sign(self, text: bytes) -> bytes:
        """Return the signature of *text*, 64 bytes."""
        return self.private.sign(text)


class Signer(Protocol):
    """Who signs for the hub."""

    async def current(self) -> SigningKey:
        """Return the key to sign with now."""


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


def key_id_of(key: Ed25519PublicKey) -> str:
    """Return the id of *key*: `hub-` and the first 16 hexadecimal digits of the SHA-256 of its 32 bytes."""
    return f"hub-{hashlib.sha256(key.public_bytes_raw()).hexdigest()[:16]}"


def by_id(keys: Iterable[Ed25519PublicKey]) -> dict[str, Ed25519PublicKey]:
    """Return *keys* by their ids."""
    return {key_id_of(key): key for key in keys}


def pem_of(keys: Iterable[Ed25519PublicKey]) -> bytes:
    """Return *keys* as one PEM file."""
    return b"".join(key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo) for key in keys)


def keys_in(path: Path) -> dict[str, Ed25519PublicKey]:
    """Return the public keys in the PEM file *path*, by id; raise KeyFileError."""
    try:
        found = [load_pem_public_key(each) for each in _PEM.findall(path.read_bytes())]
    except OSError as error:
        raise KeyFileError(f"cannot read {path}: {error.strerror}") from None
    except ValueError:
        raise KeyFileError(f"{path} holds no public keys in PEM form") from None
    ours = [each for each in found if isinstance(each, Ed25519PublicKey)]
    if not ours or len(ours) != len(found):
        raise KeyFileError(f"{path} must hold the hub's public keys (Ed25519, PEM), as `hub evidence key` writes them")
    return by_id(ours)


def is_signed(text: bytes, signature: bytes, key: Ed25519PublicKey) -> bool:
    """Whether *signature* is that of *text* by the holder of *key*."""
    try:
        key.verify(signature, text)
    except InvalidSignature:
        return False
    return True
