"""Finds one event in the ledger by its id, by reading it: for operators, who seldom ask."""

import uuid
from typing import cast

from aiokafka import TopicPartition

from infra.kafka import reading
from infra.workplace import Workplace
from schemas.codec import Record
from schemas.errors import MisuseError
from schemas.names import TopicName
from streams.pump.records import SourceRecord

LEDGER = TopicName("ledger")


class UnknownEventError(MisuseError):
    """No event in the ledger has this id."""

    code = "unknown-event"


def event_id_in(text: str) -> str:
    """Return the id of an event as the ledger writes it; raise UnknownEventError for what is none."""
    try:
        return str(uuid.UUID(text))
    except ValueError:
        raise UnknownEventError("give the id of an event, as its receipt has it") from None


async def found_in_ledger(place: Workplace, event_id: str) -> SourceRecord:
    """Return the ledger record of the event *event_id*, whose schema is learnt; raise UnknownEventError."""
    topic = place.topology.topic(LEDGER)
    assert topic is not None, "the rules of the topology want it"
    sources, wanted = [TopicPartition(LEDGER, number) for number in range(topic.partitions)], event_id.encode()
    async with reading(place.credentials("hub-admin"), place.codec, sources) as pages:
        async for source, records in pages:
            for record in records:
                if wanted not in (record.value or b"").lower():
                    continue
                envelope = cast("Record", place.codec.decode(record.value).record["envelope"])
                if str(envelope["event_id"]).lower() == event_id:
                    return SourceRecord(LEDGER, source.partition, record.offset, record.key, record.value)
    raise UnknownEventError("the ledger holds no event of this id: only what was accepted is there")
