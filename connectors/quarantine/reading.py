"""What the bytes in quarantine say: the event in its JSON form, out of its signature, or why it cannot be read."""

from dataclasses import dataclass, field
from typing import cast

from infra.arrival.sealed import sealed_event
from infra.signing.signer import signed_event
from schemas.catalogue import UnknownContractError, contract
from schemas.codec import Codec, Decoded, Record
from schemas.errors import MalformedRecordError, UnknownSchemaError
from schemas.json_form import to_json
from schemas.upcasting import lineage, published

WRAPPINGS_MAX = 2
"""Signing twice is a mistake that is made; the event in it is shown all the same."""
SEALED = "it is sealed to the hub, which could not open it, and nobody else can: seal and send your event again"
NO_EVENT = "it is a record of the hub's own and no event: publish the event that was meant"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What was sent."""

    event: dict[str, object] | None = field(repr=False)
    """In JSON form; None when the bytes cannot be read."""
    key_id: str | None
    """With which key the record says that it was signed."""
    unreadable: str | None
    """Why there is no event."""


def sent_in(value: bytes, codec: Codec) -> Sent:
    """Return what *value* says; its schemas are looked up, which may raise RegistryUnavailableError."""
    key_id: str | None = None
    try:
        decoded = _decoded(value, codec)
        for _ in range(WRAPPINGS_MAX):
            if decoded.fullname != signed_event().fullname:
                break
            key_id = str(decoded.record["key_id"])
            decoded = _decoded(cast("bytes", decoded.record["event"]), codec)
        return Sent(event=_json_of(decoded), key_id=key_id, unreadable=_why_not(decoded))
    except UnknownSchemaError:
        return Sent(event=None, key_id=key_id, unreadable="the registry has no schema of the id that the bytes name")
    except MalformedRecordError as error:
        return Sent(event=None, key_id=key_id, unreadable=str(error))


def _decoded(value: bytes, codec: Codec) -> Decoded:
    codec.learn([value])
    return codec.decode(value)


def _why_not(decoded: Decoded) -> str | None:
    if decoded.fullname == sealed_event().fullname:
        return SEALED
    return NO_EVENT if _name_of(decoded) is None else None


def _json_of(decoded: Decoded) -> dict[str, object] | None:
    """Return the event in the words of today, those of its own version when that never landed; None for no event."""
    name = _name_of(decoded)
    if name is None:
        return None
    versions = lineage(name)
    version = versions.find(decoded.fingerprint)
    record: Record = decoded.record if version is None else versions.upcast(decoded.record, version, published)
    return to_json(record, contract(name).schema)


def _name_of(decoded: Decoded) -> str | None:
    """Return the event type of *decoded*; None when it is no event."""
    name = decoded.fullname.rsplit(".", 1)[-1]
    try:
        return name if contract(name).fullname == decoded.fullname else None
    except UnknownContractError:
        return None
