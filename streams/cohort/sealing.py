"""State at rest, sealed: bound to its place, of a length that tells nothing."""

import orjson
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from schemas.sealing import NONCE_BYTES, PAD_BYTES, Nonce


def sealed(cipher: AESGCM, value: object, bound: str, nonce: Nonce) -> bytes:
    """Return *value*, as JSON, under *cipher*; it opens only where *bound* says the same."""
    plaintext = orjson.dumps(value)
    drawn = nonce()
    padded = plaintext.ljust(-(-len(plaintext) // PAD_BYTES) * PAD_BYTES)
    return drawn + cipher.encrypt(drawn, padded, bound.encode())


def opened(key: bytes, ct: bytes, bound: str) -> object:
    """Return what `sealed` was given."""
    found: object = orjson.loads(AESGCM(key).decrypt(ct[:NONCE_BYTES], ct[NONCE_BYTES:], bound.encode()))
    return found
