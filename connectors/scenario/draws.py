"""Chance by derivation: what is drawn is a function of seed, story and lane, the same on every machine.

A hash gives the numbers and a table maps each to a code, so that any part of a story can be derived again at any time
and nothing of it has to be remembered. No random number generator of a language or of one of its versions is asked.
"""

import struct
from collections.abc import Mapping, Sequence
from hashlib import blake2b

DRAW_BITS = 16
DRAWS = 1 << DRAW_BITS
"""A draw is a whole number from 0 up to this, without it."""
WHOLE = 10_000
"""Shares are of this."""

Draws = tuple[int, ...]
"""32 draws."""

_numbers = struct.Struct("<32H").unpack
_place = struct.Struct("<QH").pack


def draws(root: bytes, number: int, lane: int) -> Draws:
    """Return the draws in *lane* of the story *number*."""
    return _numbers(blake2b(root + _place(number, lane)).digest())


def bits(root: bytes, number: int, lane: int) -> int:
    """Return 122 bits for an identifier in *lane* of the story *number*."""
    return int.from_bytes(blake2b(root + _place(number, lane), digest_size=16).digest(), "big") >> 6


def root_of(text: str) -> bytes:
    """Return from what everything that belongs to *text* is derived."""
    return blake2b(text.encode(), digest_size=16).digest()


def below(limit: int, draw: int) -> int:
    """Return a whole number from 0 up to *limit*, without it, even over all draws."""
    return limit * draw >> DRAW_BITS


def one_of(codes: Sequence[str], draw: int) -> str:
    """Return one of *codes*, each as likely as the others."""
    return codes[len(codes) * draw >> DRAW_BITS]


def two_of(codes: Sequence[str], first: int, second: int) -> list[str]:
    """Return two of *codes* that differ."""
    size = len(codes)
    index = size * first >> DRAW_BITS
    return [codes[index], codes[(index + 1 + ((size - 1) * second >> DRAW_BITS)) % size]]


class Shares:
    """Codes with the shares in which they are drawn."""

    __slots__ = ("_codes", "_index")

    def __init__(self, shares: Mapping[str, int]) -> None:
        self._codes = tuple(shares)
        upto = [sum(list(shares.values())[: place + 1]) * DRAWS // WHOLE for place in range(len(shares))]
        counts = [end - begin for begin, end in zip([0, *upto], upto, strict=False)]
        self._index = b"".join(bytes([place]) * count for place, count in enumerate(counts))
        assert len(self._index) == DRAWS, "the shares add up to 10,000"

    def pick(self, draw: int) -> str:
        """Return the code at *draw*."""
        return self._codes[self._index[draw]]


class Rates:
    """Codes that each are drawn by themselves."""

    __slots__ = ("_limits",)

    def __init__(self, rates: Mapping[str, int]) -> None:
        self._limits = [(code, limit_of(rate)) for code, rate in rates.items()]

    def pick(self, drawn: Draws, first: int = 0) -> list[str]:
        """Return the codes that come up, by the draws from place *first* on."""
        return [code for place, (code, limit) in enumerate(self._limits, first) if drawn[place] < limit]


def limit_of(rate: int) -> int:
    """Return below which draw something of this *rate* (of 10,000) happens."""
    return rate * DRAWS // WHOLE
