"""Event ids as publishers give them (RFC 9562).

Version 7, sorted by time and random otherwise; or, for an event that was written down without one, version 8 from a
keyed hash of what was written, so that the same text again is the same event. Keyed, because ids travel in clear and
nobody may test a guess of the content against one.
"""

import hashlib
import hmac
import secrets
import time
import uuid
from collections.abc import Mapping

import orjson

from schemas.names import EventId


def new_event_id(now_ms: int | None = None) -> EventId:
    """Return a fresh UUIDv7; *now_ms* is the time in milliseconds since 1970, the system's when None."""
    moment = time.time_ns() // 1_000_000 if now_ms is None else now_ms
    value = (moment & (1 << 48) - 1) << 80 | 0x7 << 76 | secrets.randbits(12) << 64 | 0b10 << 62 | secrets.randbits(62)
    return EventId(str(uuid.UUID(int=value)))


def event_id_of(event: Mapping[str, object], key: bytes) -> EventId:
    """Return the id of *event* as written (JSON form): the same content under the same *key* gives the same id."""
    return _version_8(key, b"event-id|" + orjson.dumps(event, option=orjson.OPT_SORT_KEYS))


def row_event_id(key: bytes, file: str, row: int, name: object) -> EventId:
    """Return the id of what the row *row* of a file gives: the same whenever the file is imported under *key*.

    *file* is the digest of the file as it was first imported; *name* tells apart what one row gives.
    """
    return _version_8(key, f"import|{file}|{row}|{name}".encode())


def _version_8(key: bytes, content: bytes) -> EventId:
    digest = hmac.digest(key, content, hashlib.sha256)
    value = int.from_bytes(digest[:16], "big") & ~(0xF << 76) | 0x8 << 76
    return EventId(str(uuid.UUID(int=value & ~(0b11 << 62) | 0b10 << 62)))
