"""What is signed, byte by byte: a line that says for what, then the rest. Pure.

Rule 1: nothing is signed without its line, so that a signature for one purpose is worth nothing for another.
Rule 2: every part but the last is of fixed length or ends in a byte that it cannot hold: two meanings never have the
        same bytes.
Rule 3: an event is signed with a salt of 32 random bytes: whoever has the signature but neither salt nor event learns
        nothing of the event, however few the guesses are (design 12.5).
"""

from schemas.names import TopicName

SALT_BYTES = 32
SIGNATURE_BYTES = 64
PUBLIC_KEY_BYTES = 32


def signed_form(domain: str, *parts: bytes) -> bytes:
    """Return what is signed for *domain*: its line, then *parts*."""
    return b"".join((domain.encode(), b"\n", *parts))


def line(text: str) -> bytes:
    """Return *text* as a part of its own; raise ValueError for one with line breaks."""
    if "\n" in text:
        raise ValueError("a line holds no line break")
    return text.encode() + b"\n"


def event_form(topic: TopicName, salt: bytes, event: bytes) -> bytes:
    """Return what an agency signs of *event*, in its wire format, for *topic*."""
    return signed_form("hub.v1.SignedEvent", line(topic), salt, event)


def successor_form(holder: str, public_key: bytes) -> bytes:
    """Return what a key signs of the *public_key* that is to follow it."""
    return signed_form("hub.v1.SigningKeyRegistered", line(holder), public_key)
