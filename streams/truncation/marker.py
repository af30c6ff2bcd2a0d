"""The marker: a record of intake's own that makes the broker begin a new segment, so that the one before can go.

Only who holds the hub's key can write one: a record of an agency that looks like one is refused as malformed, with a
receipt. It begins with a byte with which no event begins.
"""

import hashlib
import hmac

from schemas.names import TopicName

PREFIX = b"\x02hub-marker"
SECRET = "marker"  # noqa: S105 - the name of the vault's key
"""Name of the key of the vault."""


def marker(key: bytes, topic: TopicName) -> bytes:
    """Return the marker of *topic*."""
    return PREFIX + hmac.digest(key, f"{SECRET}|{topic}".encode(), hashlib.sha256)


def is_marker(value: bytes | None, key: bytes, topic: TopicName) -> bool:
    """Whether *value*, read from *topic*, is the hub's marker."""
    if value is None or not value.startswith(PREFIX):
        return False
    return hmac.compare_digest(value, marker(key, topic))
