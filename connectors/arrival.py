"""Sealing for the hub: what leaves an agency can be opened by the hub alone, not by whoever holds the broker's disk."""

import time

from connectors.access import Access
from infra.arrival.sealed import Session, sealed_event
from schemas.codec import Codec, Writer
from schemas.names import TopicName

SESSION_S = 3600.0
"""After so long a new session key is made, to the key that the hub offers then."""


class Sealer:
    """Seals for *topic*, to the key that *access* gives."""

    def __init__(self, access: Access, codec: Codec, topic: TopicName) -> None:
        self._access = access
        self._codec = codec
        self._topic = topic
        self._writer: Writer | None = None
        self._session: Session | None = None
        self._until = 0.0

    @property
    def is_ready(self) -> bool:
        """Whether `seal` can be called as often as a batch has events."""
        return self._session is not None and self._session.left > 0 and time.monotonic() < self._until

    def prepare(self) -> None:
        """Begin a session, with the key that is known when the hub gives none; blocks.

        Raises UnavailableError when no key is known, SchemaNotRegisteredError for a topic that takes no events.
        """
        contract = sealed_event()
        self._writer = self._writer or self._codec.writer(f"{self._topic}-{contract.fullname}", contract.schema)
        self._session = Session(self._topic, self._access.arrival_key())
        self._until = time.monotonic() + SESSION_S

    def seal(self, value: bytes) -> bytes:
        """Return the record for *value*, an event in its wire format; `prepare` was called."""
        assert self._writer is not None, "prepare comes first"
        assert self._session is not None, "prepare comes first"
        return self._writer.encode(self._session.seal(value))
