"""The key encryption key: wraps every key of the vault; a Tink keyset file here, a KMS in production."""

import os
import secrets
from pathlib import Path
from typing import Protocol

import tink
from tink import aead, json_proto_keyset_format, secret_key_access

from schemas.errors import UnavailableError


class Kek(Protocol):
    """Wraps and unwraps keys; *name* binds a wrapped key to its row."""

    def wrap(self, key: bytes, name: str) -> bytes:
        """Return *key* encrypted for the row *name*."""

    def unwrap(self, wrapped: bytes, name: str) -> bytes:
        """Return the key of the row *name*; raise KekUnavailableError when this KEK did not wrap it."""


class KekUnavailableError(UnavailableError):
    """The key encryption key is missing or is not the one that wrapped the vault."""

    code = "kek-unavailable"


class KeysetFileKek:
    """A KEK in a Tink keyset file with mode 0600, for one machine."""

    def __init__(self, path: Path) -> None:
        aead.register()
        try:
            text = path.read_text(encoding="utf-8")
        except OSError:
            raise KekUnavailableError("the key file of the vault cannot be read; restore it from its backup") from None
        handle = json_proto_keyset_format.parse(text, secret_key_access.TOKEN)
        self._aead = handle.primitive(aead.Aead)

    @classmethod
    def create_if_missing(cls, path: Path) -> "KeysetFileKek":
        """Return the KEK at *path*; make it first when there is none. Two creators get the same one."""
        if not path.exists():
            aead.register()
            handle = tink.new_keyset_handle(aead.aead_key_templates.AES256_GCM)
            text = json_proto_keyset_format.serialize(handle, secret_key_access.TOKEN)
            partial = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
            descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            try:
                os.link(partial, path)  # unlike rename, never replaces the key of somebody who was first
            except FileExistsError:
                pass
            finally:
                partial.unlink()
        return cls(path)

    def wrap(self, key: bytes, name: str) -> bytes:
        """Return *key* encrypted for the row *name*."""
        return bytes(self._aead.encrypt(key, name.encode()))

    def unwrap(self, wrapped: bytes, name: str) -> bytes:
        """Return the key of the row *name*; raise KekUnavailableError when this KEK did not wrap it."""
        try:
            return bytes(self._aead.decrypt(wrapped, name.encode()))
        except tink.TinkError:
            raise KekUnavailableError("a key of the vault was wrapped by another key encryption key") from None
