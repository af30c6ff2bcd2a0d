"""The key of a spool: a file of its owner alone; what is sealed under it is bound to the agency and its number."""

import hashlib
import hmac
import os
import secrets
import stat
from pathlib import Path
from typing import Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from connectors.spool_errors import SpoolKeyError
from connectors.spool_frames import KEY_ID_BYTES
from infra.home import write_atomically

KEY_BYTES = 32
NONCE_BYTES = 12


def key_file_beside(folder: Path) -> Path:
    """Return where the key of the spool in *folder* is unless said otherwise: not among what it encrypts."""
    return folder.with_name(f"{folder.name}.key")


class SpoolKey:
    """AES-256-GCM under *secret* for the agency *owner*."""

    def __init__(self, secret: bytes, owner: str) -> None:
        self._aead = AESGCM(secret)
        self._owner = owner.encode()
        self.id = hmac.digest(secret, b"hub-spool-key|" + self._owner, hashlib.sha256)[:KEY_ID_BYTES]

    @classmethod
    def load(cls, file: Path, owner: str, *, may_be_made: bool) -> Self:
        """Return the key in *file*, which is made when it may be; raise SpoolKeyError."""
        try:
            if stat.S_IMODE(file.stat().st_mode) & 0o077:
                raise SpoolKeyError(f"others can read {file}: `chmod 600` it, then empty the spool and take a new key")
            secret = bytes.fromhex(file.read_text(encoding="ascii"))
        except FileNotFoundError:
            if not may_be_made:
                raise SpoolKeyError(
                    f"events wait in the spool and {file}, their key, is gone: put it back; nothing else opens them"
                ) from None
            secret = secrets.token_bytes(KEY_BYTES)
            write_atomically(file, secret.hex() + "\n")
        except ValueError:
            raise SpoolKeyError(f"{file} is not the key of a spool: put the right file back") from None
        if len(secret) != KEY_BYTES:
            raise SpoolKeyError(f"{file} is not the key of a spool: put the right file back")
        return cls(secret, owner)

    def seal(self, number: int, value: bytes) -> bytes:
        """Return *value* encrypted as event *number*."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._aead.encrypt(nonce, value, self._bound_to(number))

    def open(self, number: int, body: bytes) -> bytes | None:
        """Return what was sealed as event *number*, None when *body* is not that."""
        try:
            return self._aead.decrypt(body[:NONCE_BYTES], body[NONCE_BYTES:], self._bound_to(number))
        except (InvalidTag, ValueError):
            return None

    def _bound_to(self, number: int) -> bytes:
        return b"hub-spool|%d|%b" % (number, self._owner)
