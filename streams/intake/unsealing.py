"""Sealed events are opened in memory, before any other rule of intake; what does not open is refused with its reason.

What leaves here is the event as if it had been sent in clear: duplicates are recognised, and quarantine is sealed, by
the bytes inside.
"""

from collections.abc import Mapping, Sequence
from typing import cast

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from infra.arrival.keys import PrivateKeys
from infra.arrival.sealed import open_event, open_session, sealed_event
from schemas.codec import Codec, Record, schema_id_of
from schemas.errors import MalformedRecordError, Problem
from streams.intake.reading import RECORD_BYTES_MAX, Refused
from streams.pump.records import SourceRecord

SESSIONS_MAX = 4096
"""So many session keys are kept; a sender has one for an hour."""
Opened = SourceRecord | Refused

UNKNOWN_KEY = Problem(
    "$", "sealed-key-unknown", "the hub has no such key: fetch it from the access server and seal the event again"
)
NOT_OPENED = Problem(
    "$",
    "sealed-not-opened",
    "the event was not sealed to this key for this topic, or was changed on its way: seal it again, for its own topic",
)
SEALED_TWICE = Problem("$", "sealed-twice", "seal the event itself, once")
NOT_SEALED = Problem("$", "not-sealed", "the hub takes events of this agency only sealed: seal it to the hub's key")


class Unsealer:
    """Opens with *keys*; None opens nothing."""

    def __init__(self, keys: PrivateKeys | None, codec: Codec) -> None:
        self._keys = keys
        self._codec = codec
        self._sessions: dict[tuple[str, str, bytes], AESGCM | None] = {}

    async def opened(self, batch: Sequence[SourceRecord], *, sealed_only: bool) -> list[Opened]:
        """Return each record of *batch*, whose schemas were learnt: as it came, opened, or refused."""
        sealed: dict[int, Record | Refused] = {}
        for source in batch:
            if self._codec.fullname_in(source.value) == sealed_event().fullname:
                sealed[source.offset] = self._decoded(source)
        if not sealed and not sealed_only:
            return list(batch)
        ids = {str(each["key_id"]) for each in sealed.values() if not isinstance(each, Refused)}
        private = await self._keys.private(ids) if self._keys is not None else {}
        return [
            self._opened(source, sealed[source.offset], private)
            if source.offset in sealed
            else _refused(source, NOT_SEALED)
            if sealed_only
            else source
            for source in batch
        ]

    def _decoded(self, source: SourceRecord) -> Record | Refused:
        if len(source.value or b"") > RECORD_BYTES_MAX:
            return _refused(source, NOT_OPENED)
        try:
            return self._codec.decode(source.value, sealed_event()).record
        except MalformedRecordError as error:
            return _refused(source, Problem("$", "malformed-record", str(error)))

    def _opened(
        self, source: SourceRecord, sealed: Record | Refused, private: Mapping[str, X25519PrivateKey]
    ) -> Opened:
        if isinstance(sealed, Refused):
            return sealed
        key_id = str(sealed["key_id"])
        key = private.get(key_id)
        if key is None:
            return _refused(source, UNKNOWN_KEY)
        cipher = self._session(key, source, key_id, cast("bytes", sealed["sealed_key"]))
        value = None if cipher is None else open_event(cipher, source.topic, key_id, cast("bytes", sealed["ct"]))
        if value is None:
            return _refused(source, NOT_OPENED)
        if schema_id_of(value) == schema_id_of(source.value):
            return _refused(source, SEALED_TWICE)
        return source._replace(value=value)

    def _session(self, key: X25519PrivateKey, source: SourceRecord, key_id: str, sealed_key: bytes) -> AESGCM | None:
        place = (str(source.topic), key_id, sealed_key)
        if place not in self._sessions:
            if len(self._sessions) >= SESSIONS_MAX:
                del self._sessions[next(iter(self._sessions))]
            self._sessions[place] = open_session(key, source.topic, key_id, sealed_key)
        return self._sessions[place]


def _refused(source: SourceRecord, problem: Problem) -> Refused:
    return Refused(source=source, problems=(problem,))
