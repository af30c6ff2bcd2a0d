"""The order of a batch: a keyed shuffle, so that neither arrival nor content can be read from it."""

import hmac
from collections.abc import Callable, Iterable
from typing import TypeVar

from streams.cohort.rows import RowId, Tick

T = TypeVar("T")


def shuffled(items: Iterable[T], id_of: Callable[[T], RowId], key: bytes, tier: str, tick: Tick) -> list[T]:
    """Return *items* in the order that *key* gives them in this tier at this tick, whatever order they came in."""

    def place(item: T) -> bytes:
        subject, kind = id_of(item)
        return hmac.digest(key, f"{tier}\0{tick}\0{subject}\0{kind}".encode(), "sha256")

    return sorted(items, key=place)


def mark_of(key: bytes, population: str, row: RowId) -> bytes:
    """Return what the ledger remembers a row by that has left: 16 bytes that tell nothing without *key*."""
    return hmac.digest(key, f"{population}\0{row.subject}\0{row.kind}".encode(), "sha256")[:16]
