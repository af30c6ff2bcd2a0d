"""A key encryption key in a Tink keyset file with mode 0600, for one machine.

The file holds one AES-256-GCM key, and during a rotation two. It is replaced as a whole and flushed to the disk, under
a lock, so that a kill at any moment leaves the old or the new one. A process keeps what it has read until it meets
something that it does not open, or is asked for the current key.
"""

import fcntl
import json
import os
import secrets
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import tink
from tink import aead, json_proto_keyset_format, secret_key_access

from infra.home import write_atomically
from infra.vault.kek import UNNAMED, KekId, KekUnavailableError, Wrapped

_UNREADABLE = "the key file of the vault cannot be read; restore it from its newest backup"


class KeysetFileKek:
    """The key encryption key in *path*; raises KekUnavailableError when there is none."""

    def __init__(self, path: Path) -> None:
        aead.register()
        self._path = path
        self._aead, self._id = self._read()

    @classmethod
    def create_if_missing(cls, path: Path) -> "KeysetFileKek":
        """Return the KEK at *path*; make it first when there is none. Two creators get the same one."""
        if not path.exists():
            aead.register()
            partial = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
            write_atomically(partial, json.dumps(_new_keyset()))
            try:
                os.link(partial, path)  # unlike rename, never replaces the key of somebody who was first
            except FileExistsError:
                pass
            finally:
                partial.unlink()
            _flush_folder(path)
        return cls(path)

    async def current(self) -> KekId:
        """Return the id of the primary key, read anew."""
        self._aead, self._id = self._read()
        return self._id

    async def wrap(self, keys: Sequence[tuple[bytes, str]]) -> list[Wrapped]:
        """Return each of *keys* wrapped under the primary key as it was read last."""
        return [Wrapped(self._id, bytes(self._aead.encrypt(key, name.encode()))) for key, name in keys]

    async def unwrap(self, wrapped: Sequence[tuple[Wrapped, str]]) -> list[bytes]:
        """Return the keys; the file is read anew when one of them does not open."""
        try:
            return self._opened(wrapped)
        except tink.TinkError:
            self._aead, self._id = self._read()
        try:
            return self._opened(wrapped)
        except tink.TinkError:
            raise KekUnavailableError("a key of the vault was wrapped by another key encryption key") from None

    async def rotate(self) -> KekId:
        """Add a new primary key to the file."""
        with self._locked() as keyset:
            fresh = _new_keyset()
            keyset["key"] += fresh["key"]
            keyset["primaryKeyId"] = fresh["primaryKeyId"]
            self._replace(keyset)
        return await self.current()

    async def retire(self, ids: Collection[KekId]) -> None:
        """Take these keys out of the file; the file goes when none is left, after a move to another KEK."""
        if not self._path.exists():
            return
        with self._locked() as keyset:
            kept = [key for key in keyset["key"] if _id(key["keyId"]) not in ids]
            if not kept:
                self._path.unlink()
                _flush_folder(self._path)
                return
            if _id(keyset["primaryKeyId"]) in ids:
                raise KekUnavailableError("the current key encryption key cannot be retired")
            if len(kept) < len(keyset["key"]):
                self._replace({**keyset, "key": kept})
        await self.current()

    def _opened(self, wrapped: Sequence[tuple[Wrapped, str]]) -> list[bytes]:
        return [bytes(self._aead.decrypt(each.data, name.encode())) for each, name in wrapped]

    def _read(self) -> tuple[aead.Aead, KekId]:
        try:
            text = self._path.read_text(encoding="utf-8")
            handle = json_proto_keyset_format.parse(text, secret_key_access.TOKEN)
            return handle.primitive(aead.Aead), _id(json.loads(text)["primaryKeyId"])
        except (OSError, ValueError, KeyError, tink.TinkError):
            raise KekUnavailableError(_UNREADABLE) from None

    @contextmanager
    def _locked(self) -> Iterator[dict[str, Any]]:
        """Yield the keyset of the file while no other process changes it."""
        try:
            folder = os.open(self._path.parent, os.O_RDONLY)
        except OSError:
            raise KekUnavailableError(_UNREADABLE) from None
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            self._read()
            yield json.loads(self._path.read_text(encoding="utf-8"))
        finally:
            os.close(folder)

    def _replace(self, keyset: dict[str, Any]) -> None:
        text = json.dumps(keyset)
        json_proto_keyset_format.parse(text, secret_key_access.TOKEN)  # nothing replaces the file that does not open
        write_atomically(self._path, text)
        _flush_folder(self._path)


def belongs_to_file(kek_id: KekId) -> bool:
    """Whether *kek_id* is one of a keyset file."""
    return kek_id == UNNAMED or kek_id.startswith("file-")


def _id(key_id: int) -> KekId:
    return KekId(f"file-{key_id}")


def _new_keyset() -> dict[str, Any]:
    handle = tink.new_keyset_handle(aead.aead_key_templates.AES256_GCM)
    found: dict[str, Any] = json.loads(json_proto_keyset_format.serialize(handle, secret_key_access.TOKEN))
    return found


def _flush_folder(path: Path) -> None:
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
