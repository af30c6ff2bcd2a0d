"""One event of a feed: which version wrote it, opened, and said as the version of this SDK says it."""

from collections.abc import Callable
from dataclasses import dataclass, field

from schemas.catalogue import Contract, contracts, hub_contract
from schemas.codec import Codec, Record
from schemas.derive import Channel, derive
from schemas.errors import RejectedError
from schemas.json_form import to_json
from schemas.names import KeyId
from schemas.opening import open_record
from schemas.upcasting import Lineages, lineage, opened

VIEWS = (Channel.PERSONAL, Channel.PSEUDONYMOUS)


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedEvent:
    """An event as it is on a feed; its representation hides the content."""

    version: Contract
    """The version of the contract that it was written with; ours when the hub's is newer than this SDK."""
    view: Channel
    record: Record = field(repr=False)


def sealed_event(codec: Codec, value: bytes | None, lineages: Lineages = lineage) -> SealedEvent:
    """Return the event in *value*; raise RejectedError for what this SDK does not know.

    A version that is newer than this SDK is read as Avro reads it: fields that we do not know are left out.
    """
    decoded = codec.decode(value)
    found = _BY_FULLNAME.get(decoded.fullname)
    if found is None:
        raise RejectedError(
            f"the feed carries {decoded.fullname}, which this version does not know; update the hub's SDK"
        )
    name, view = found
    versions = lineages(name)
    version = versions.find(decoded.origin) or versions.current
    return SealedEvent(version=version, view=view, record=codec.in_form(value, decoded, derive(version, view)))


def opened_content(
    event: SealedEvent, key_of: Callable[[KeyId], bytes | None], lineages: Lineages = lineage
) -> dict[str, object]:
    """Return what *event* says, in JSON form, as the current version of its contract says it."""
    versions = lineages(event.version.name)
    record = open_record(event.version, event.view, event.record, key_of)
    return to_json(versions.upcast(record, event.version, opened(event.view)), versions.current.schema)


def recall_in(codec: Codec, value: bytes | None) -> dict[str, object] | None:
    """Return the recall in *value*, in JSON form; None when it is an event."""
    recalled = hub_contract("Recalled")
    return (
        to_json(codec.decode(value).record, recalled.schema) if codec.fullname_in(value) == recalled.fullname else None
    )


_BY_FULLNAME = {derive(contract, view).fullname: (contract.name, view) for contract in contracts() for view in VIEWS}
