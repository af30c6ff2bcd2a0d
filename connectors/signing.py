"""Signing on the way out: what leaves an agency says by its key that it is hers, for this topic and no other."""

from pathlib import Path

from infra.signing.signer import Signer, signed_event
from infra.topology.credentials import Credentials
from schemas.codec import Codec, Writer
from schemas.names import TopicName


class EventSigner:
    """Signs for *topic* with the private key in *key_file*, which is read at once; raises KeyFileError."""

    def __init__(self, key_file: Path, codec: Codec, topic: TopicName) -> None:
        self._signer = Signer.of(key_file)
        self._codec = codec
        self._topic = topic
        self._writer: Writer | None = None

    @property
    def key_id(self) -> str:
        """Return the id by which the hub knows the key."""
        return self._signer.key_id

    @property
    def is_ready(self) -> bool:
        """Whether `sign` can be called."""
        return self._writer is not None

    def prepare(self) -> None:
        """Look up the schema of signed events; blocks.

        Raises UnavailableError, SchemaNotRegisteredError for a topic that takes none.
        """
        contract = signed_event()
        self._writer = self._codec.writer(f"{self._topic}-{contract.fullname}", contract.schema)

    def sign(self, value: bytes) -> bytes:
        """Return the record for *value*, an event in its wire format; `prepare` was called."""
        assert self._writer is not None, "prepare comes first"
        return self._writer.encode(self._signer.event(self._topic, value))


def signer_for(credentials: Credentials, codec: Codec, topic: TopicName) -> EventSigner | None:
    """Return who signs as the owner of *credentials*, None when they name no key; raise KeyFileError."""
    if credentials.signing_key_file is None:
        return None
    return EventSigner(credentials.signing_key_file, codec, topic)
