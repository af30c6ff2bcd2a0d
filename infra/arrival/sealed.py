"""The form of a sealed event (`hub.v1.SealedEvent`): what an agency seals, only the hub opens.

Rule 1: a random session key of 32 bytes is sealed to the hub's public key with HPKE (RFC 9180, base mode, single shot):
        DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM. `sealed_key` is the encapsulated key and the ciphertext.
Rule 2: each event, in its own wire format, is sealed with AES-256-GCM under the session key; `ct` is nonce (12 bytes),
        ciphertext, tag (16 bytes). A nonce is random, and a session key serves SESSION_EVENTS events at most.
Rule 3: `hub.v1.SealedEvent|<topic>|<key id>` is the `info` of the first and the associated data of the second: what was
        sealed for one topic opens on no other.
"""

import os
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from schemas.catalogue import Contract, hub_contract
from schemas.codec import Record
from schemas.names import TopicName

NAME = "SealedEvent"
KEY_BYTES = 32
NONCE_BYTES = 12
SESSION_EVENTS = 100_000
"""Far fewer than the 2**32 after which random nonces may meet."""
_SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


@dataclass(frozen=True, slots=True, kw_only=True)
class HubKey:
    """A public key of the hub; nothing in it is secret."""

    key_id: str
    public_key: bytes


def sealed_event() -> Contract:
    """Return the contract of a sealed event."""
    return hub_contract(NAME)


def bound_to(topic: TopicName, key_id: str) -> bytes:
    """Return what binds a session key and every event under it to its topic."""
    return f"hub.v1.{NAME}|{topic}|{key_id}".encode()


class Session:
    """One session key of one sender, sealed to *key* for *topic*."""

    def __init__(self, topic: TopicName, key: HubKey) -> None:
        secret = AESGCM.generate_key(bit_length=8 * KEY_BYTES)
        self._key_id = key.key_id
        self._bound = bound_to(topic, key.key_id)
        self._cipher = AESGCM(secret)
        public = X25519PublicKey.from_public_bytes(key.public_key)
        self._sealed_key = _SUITE.encrypt(secret, public, self._bound)
        self.left = SESSION_EVENTS
        """How many events the key may still seal."""

    def seal(self, value: bytes) -> Record:
        """Return *value*, an event in its wire format, as the content of a sealed event."""
        self.left -= 1
        nonce = os.urandom(NONCE_BYTES)
        ct = nonce + self._cipher.encrypt(nonce, value, self._bound)
        return {"key_id": self._key_id, "sealed_key": self._sealed_key, "ct": ct}


def open_session(private: X25519PrivateKey, topic: TopicName, key_id: str, sealed_key: bytes) -> AESGCM | None:
    """Return the cipher of the session key in *sealed_key*, None when it was not sealed to us for *topic*."""
    try:
        secret = _SUITE.decrypt(sealed_key, private, bound_to(topic, key_id))
    except (InvalidTag, ValueError):
        return None
    return AESGCM(secret) if len(secret) == KEY_BYTES else None


def open_event(cipher: AESGCM, topic: TopicName, key_id: str, ct: bytes) -> bytes | None:
    """Return the event in *ct*, None when it was not sealed under this session key for *topic*."""
    try:
        return cipher.decrypt(ct[:NONCE_BYTES], ct[NONCE_BYTES:], bound_to(topic, key_id))
    except (InvalidTag, ValueError):
        return None
