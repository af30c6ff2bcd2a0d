"""Signatures of the hub (Ed25519) and the public keys that verify them. Pure, but for the reading of a file.

The id of a key follows from the key itself, so that a file of public keys needs nothing beside it.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

from schemas.errors import MisuseError

_PEM = re.compile(rb"-----BEGIN PUBLIC KEY-----.+?-----END PUBLIC KEY-----\n?", re.DOTALL)
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


def trusted_keys() -> dict[str, Ed25519PublicKey] | None:
    """Return the keys of the hub that this machine trusts (`HUB_EVIDENCE_KEY_FILE`), None when none are set."""
    from infra.settings import settings

    path = settings().evidence_key_file
    return None if path is None else keys_in(path)
