"""Signing: with a private key in memory, an event as it leaves or whatever else has a form."""

import os
from pathlib import Path
from typing import Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from infra.signing.files import read_private
from infra.signing.forms import SALT_BYTES, event_form
from infra.signing.keys import key_id_of
from schemas.catalogue import Contract, hub_contract
from schemas.codec import Record
from schemas.names import TopicName

NAME = "SignedEvent"


class Signer:
    """Signs with *private*."""

    def __init__(self, private: Ed25519PrivateKey) -> None:
        self._private = private
        self.public_key = private.public_key().public_bytes_raw()
        self.key_id = key_id_of(self.public_key)

    @classmethod
    def of(cls, path: Path) -> Self:
        """Return who signs with the key in *path*; raise KeyFileError."""
        return cls(read_private(path))

    def sign(self, message: bytes) -> bytes:
        """Return the signature of *message*, which is one of the forms of `forms.py`."""
        return self._private.sign(message)

    def event(self, topic: TopicName, value: bytes) -> Record:
        """Return *value*, an event in its wire format, as the content of a signed event for *topic*."""
        salt = os.urandom(SALT_BYTES)
        signature = self._private.sign(event_form(topic, salt, value))
        return {"key_id": self.key_id, "salt": salt, "signature": signature, "event": value}


def signed_event() -> Contract:
    """Return the contract of a signed event."""
    return hub_contract(NAME)
