"""What goes wrong with bytes and with JSON on their way: bits, lengths, cuts, pieces of another message."""

import random
from collections.abc import Callable, Sequence
from typing import Any

TELLING = (0x00, 0x01, 0x02, 0x7F, 0x80, 0xFE, 0xFF)
"""Bytes that begin or end something in Avro: null and the first branch, lengths of one and minus one, long numbers."""
HUGE = (
    b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",  # the smallest number of 64 bits
    b"\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01",  # the largest
    b"\xff" * 20,  # a number that never ends
    b"\x80\x80\x80\x80\x10",  # two thousand million
)
Change = Callable[[random.Random, bytearray, bytes], None]


def chance_of(seed: object) -> random.Random:
    """Return chance that is the same for the same *seed*."""
    return random.Random(str(seed))  # noqa: S311 - nothing here is a secret


def mutated(chance: random.Random, message: bytes, other: bytes) -> bytes:
    """Return *message* after one to four changes, some of them with pieces of *other*."""
    found = bytearray(message)
    for _ in range(chance.choice((1, 1, 1, 2, 3, 4))):
        chance.choice(CHANGES)(chance, found, other)
    return bytes(found)


def _flip(chance: random.Random, found: bytearray, _other: bytes) -> None:
    if found:
        found[chance.randrange(len(found))] ^= 1 << chance.randrange(8)


def _set(chance: random.Random, found: bytearray, _other: bytes) -> None:
    if found:
        found[chance.randrange(len(found))] = chance.choice(TELLING)


def _cut(chance: random.Random, found: bytearray, _other: bytes) -> None:
    del found[chance.randrange(len(found) + 1) :]


def _remove(chance: random.Random, found: bytearray, _other: bytes) -> None:
    start = chance.randrange(len(found) + 1)
    del found[start : start + chance.randrange(1, 17)]


def _insert(chance: random.Random, found: bytearray, _other: bytes) -> None:
    at = chance.randrange(len(found) + 1)
    found[at:at] = chance.randbytes(chance.randrange(1, 17))


def _inflate(chance: random.Random, found: bytearray, _other: bytes) -> None:
    at = chance.randrange(len(found) + 1)
    found[at : at + 1] = chance.choice(HUGE)


def _repeat(chance: random.Random, found: bytearray, _other: bytes) -> None:
    start = chance.randrange(len(found) + 1)
    piece = found[start : start + chance.randrange(1, 65)]
    found[start:start] = piece * chance.randrange(1, 9)


def _splice(chance: random.Random, found: bytearray, other: bytes) -> None:
    at, start = chance.randrange(len(found) + 1), chance.randrange(len(other) + 1)
    found[at:] = other[start:]


def _rename(chance: random.Random, found: bytearray, other: bytes) -> None:
    """Say that it is a record of another schema."""
    found[:5] = other[:5] if chance.random() < 0.5 else b"\0" + chance.randbytes(4)


CHANGES: Sequence[Change] = (_flip, _flip, _set, _cut, _remove, _insert, _inflate, _repeat, _splice, _rename)

ODD: Sequence[Any] = (
    *(None, True, -1, 0, 2**63, 2**200, 1e400, float("nan"), "", " ", "\0", "\ud800", "é" * 600, "x" * 20_000),
    *([], {}, [[]], [None], {"": ""}, [{}] * 300, "2026-02-30", "9999-99-99T99:99:99Z", "-00001-01-01", "1e9"),
)
"""Values that are seldom meant where they stand."""


def bent(chance: random.Random, document: Any) -> Any:
    """Return a copy of the JSON *document* in which something is odd, missing, too much or too deep."""
    if chance.random() < 1 / 40:
        return chance.choice(ODD)
    if isinstance(document, dict):
        found = {key: bent(chance, value) for key, value in document.items() if chance.random() > 1 / 60}
        if chance.random() < 1 / 30:
            found[chance.choice(("event_type", "envelope", "$", "a.b", "x" * 3_000, "\ud800"))] = chance.choice(ODD)
        return found
    if isinstance(document, list):
        found_list = [bent(chance, value) for value in document]
        return found_list * chance.choice((1, 1, 1, 1, 1, 1, 0, 2, 50))
    if isinstance(document, str) and chance.random() < 1 / 20:
        text = bytearray(document.encode())
        chance.choice(CHANGES[:6])(chance, text, b"")
        return bytes(text).decode("utf-8", "surrogateescape")
    return nested(chance.randrange(1, 400)) if chance.random() < 1 / 400 else document


def nested(depth: int) -> Any:
    """Return a list in a list in a list, *depth* times."""
    found: Any = "x"
    for _ in range(depth):
        found = [found]
    return found
