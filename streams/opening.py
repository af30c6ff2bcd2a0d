"""Events of a channel that only the hub writes, opened in memory and in the words of today."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from infra.vault.vault import Vault
from schemas.catalogue import Contract, contract, contracts
from schemas.codec import Codec, Decoded, Record
from schemas.derive import Channel, derive
from schemas.errors import UnknownSchemaError
from schemas.names import KeyId
from schemas.opening import kids_in, open_record
from schemas.upcasting import lineage, version_of
from schemas.upcasting import opened as opened_form
from streams.pump.records import SourceRecord


@dataclass(frozen=True, slots=True)
class OpenedEvent:
    """One event; its representation hides the content. What is of an erased person holds `ERASED`."""

    source: SourceRecord
    contract: Contract
    record: Record = field(repr=False)


class EventOpener:
    """Opens events that *channel* carries, with the hub's own keys."""

    def __init__(self, codec: Codec, vault: Vault, channel: Channel) -> None:
        self._codec = codec
        self._vault = vault
        self._channel = channel
        self._by_fullname = {derive(known, channel).fullname: known.name for known in contracts()}

    async def opened(self, batch: Sequence[SourceRecord]) -> list[OpenedEvent]:
        """Return the events of *batch*; raise UnknownVersionError, UnknownSchemaError or UnreadableSealError."""
        return await self.opened_of([(source, self._codec.decode(source.value)) for source in batch])

    async def opened_of(self, batch: Sequence[tuple[SourceRecord, Decoded]]) -> list[OpenedEvent]:
        """Return the events of *batch*, which was decoded, as `opened` does."""
        read = [(source, *self._read(source, decoded)) for source, decoded in batch]
        kids: set[KeyId] = set().union(*(kids_in(sealed) for *_, sealed in read))
        keys = await self._vault.open(kids)
        found = []
        for source, known, version, sealed in read:
            record = open_record(version, self._channel, sealed, keys.get)
            record = lineage(known.name).upcast(record, version, opened_form(self._channel))
            found.append(OpenedEvent(source, known, record))
        return found

    def _read(self, source: SourceRecord, decoded: Decoded) -> tuple[Contract, Contract, Record]:
        """Return contract, version and sealed record; raise UnknownVersionError for a version that never landed."""
        name = self._by_fullname.get(decoded.fullname)
        if name is None:
            raise UnknownSchemaError(
                f"{source.topic} holds a record of {decoded.fullname}, which this release does not know"
            )
        version = version_of(decoded, name)
        written = derive(version, self._channel)  # as the compiler derives it today: its own form may be older
        return contract(name), version, self._codec.in_form(source.value, decoded, written)
