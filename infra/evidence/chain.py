"""The chain of a source partition: each entry holds the one before it, so none can be taken out or put in. Pure."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from infra.evidence.lines import text_of

LINK = b"hub.v1.chain\n"
NOTHING = bytes(32)
"""In the first statement of a source, instead of the hash of the one before it."""


def genesis(hub: str, topic: str, partition: int) -> bytes:
    """Return what the chain of a source begins with: the chain of no other hub and of no other source."""
    lines = [("hub", hub), ("topic", topic), ("partition", str(partition))]
    return hashlib.sha256(text_of("hub.v1.chain.genesis", lines)).digest()


def linked(head: bytes, leaves: Iterable[bytes]) -> bytes:
    """Return the head of the chain once *leaves* follow *head*."""
    for leaf in leaves:
        head = hashlib.sha256(LINK + head + leaf).digest()
    return head


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """How far the chain of a source has come."""

    position: int
    """Of the next entry."""
    entry: bytes
    """The last entry, or what the chain begins with."""
    statements: int
    """How many statements there are; the number of the next one."""
    statement: bytes
    """SHA-256 of the last statement, or NOTHING."""


def beginning(hub: str, topic: str, partition: int) -> Head:
    """Return the head of a chain without entries."""
    return Head(position=0, entry=genesis(hub, topic, partition), statements=0, statement=NOTHING)
