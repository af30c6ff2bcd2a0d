"""Discrete Gaussian noise, exactly: integers and fractions only, from a keyed stream of bits.

Floating point would give some values a chance that they should not have, and those tell the true count (Mironov 2012).
The algorithms are those of Canonne, Kamath and Steinke, "The discrete Gaussian for differential privacy" (2020), §5.
"""

import hmac
from fractions import Fraction
from math import isqrt

_HALF = Fraction(1, 2)
_ONE = Fraction(1)


class Coins:
    """Bits that *key* and *node* fix for ever: HMAC-SHA-256 over node and a counter, chance to everybody else."""

    def __init__(self, key: bytes, node: str) -> None:
        self._key = key
        self._node = node.encode()
        self._blocks = 0
        self._bits = 0
        self._left = 0

    def below(self, limit: int) -> int:
        """Return a number from 0 to *limit* - 1, each with the same chance."""
        width = (limit - 1).bit_length()
        while True:
            drawn = self._take(width)
            if drawn < limit:
                return drawn

    def shows(self, chance: Fraction) -> bool:
        """Return True with exactly this *chance*."""
        return self.below(chance.denominator) < chance.numerator

    def shows_exp(self, loss: Fraction) -> bool:
        """Return True with the chance exp(-*loss*), *loss* not negative."""
        whole, rest = divmod(loss, 1)
        return all(self._shows_small_exp(_ONE) for _ in range(whole)) and self._shows_small_exp(rest)

    def _shows_small_exp(self, loss: Fraction) -> bool:
        tries = 1
        while self.shows(loss / tries):
            tries += 1
        return tries % 2 == 1

    def _take(self, width: int) -> int:
        while self._left < width:
            block = hmac.digest(self._key, self._node + b"\0" + self._blocks.to_bytes(8, "big"), "sha256")
            self._blocks += 1
            self._bits = self._bits << 256 | int.from_bytes(block, "big")
            self._left += 256
        self._left -= width
        drawn = self._bits >> self._left
        self._bits &= (1 << self._left) - 1
        return drawn


def discrete_laplace(coins: Coins, scale: int) -> int:
    """Return a whole number x with a chance in proportion to exp(-|x| / *scale*), *scale* at least 1."""
    while True:
        low = coins.below(scale)
        if not coins.shows_exp(Fraction(low, scale)):
            continue
        high = 0
        while coins.shows_exp(_ONE):
            high += 1
        size = low + scale * high
        is_negative = coins.shows(_HALF)
        if is_negative and not size:
            continue
        return -size if is_negative else size


def discrete_gaussian(coins: Coins, variance: Fraction) -> int:
    """Return a whole number x with a chance in proportion to exp(-x² / 2 *variance*), *variance* above 0."""
    scale = isqrt(int(variance)) + 1
    while True:
        drawn = discrete_laplace(coins, scale)
        if coins.shows_exp((abs(drawn) - variance / scale) ** 2 / (2 * variance)):
            return drawn
