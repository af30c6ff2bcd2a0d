"""Nonces for sealing, drawn from the system in blocks: one call for a thousand fields, not one for each."""

import os
from collections.abc import Callable

from schemas.sealing import NONCE_BYTES

BLOCK = 1024


def nonces() -> Callable[[], bytes]:
    """Return a source of random nonces that never gives the same bytes twice."""
    pool = b""
    at = 0

    def draw() -> bytes:
        nonlocal pool, at
        if at >= len(pool):
            pool, at = os.urandom(NONCE_BYTES * BLOCK), 0
        at += NONCE_BYTES
        return pool[at - NONCE_BYTES : at]

    return draw
