"""What the topics hold of the past: decisions, events, and the control records as they were at any moment."""

import datetime as dt
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from typing import NamedTuple, cast

from aiokafka import TopicPartition

from infra.control import AGREEMENTS, APPROVALS, CONSENTS, ControlFold, ControlState, agreement_from
from infra.kafka import reading
from infra.signing.key_log import KEYS
from infra.topology.agreements import Agreement
from infra.workplace import Workplace
from schemas.catalogue import hub_contract
from schemas.codec import Codec, Record
from schemas.names import TopicName
from streams.ledger_search import LEDGER
from streams.pump.records import SourceRecord

DECISIONS = "decisions"
TOPICS = (AGREEMENTS, CONSENTS, APPROVALS, KEYS)


class Written(NamedTuple):
    """A control record, and when the broker wrote it."""

    offset: int
    written_ms: int
    value: bytes | None


class Told(NamedTuple):
    """A version of an agreement, told or withdrawn."""

    written_at: dt.datetime
    agreement: Agreement
    withdrawn: bool


class Past:
    """The control topics, all their *records* by topic, folded as far as anybody asks."""

    def __init__(self, codec: Codec, records: Mapping[str, Sequence[Written]]) -> None:
        self._codec = codec
        self._records = records
        self._state: ControlState | None = None
        self._begin()

    def at_offsets(self, offsets: Mapping[str, int]) -> ControlState:
        """Return what the topics said up to *offsets*; quick for one question after another in order of time."""
        wanted = {topic: offsets.get(topic, 0) for topic in self._records}
        if self._state is not None and wanted == self._reached:
            return self._state
        if any(self._reached[topic] > end for topic, end in wanted.items()):
            self._begin()
        for topic, several in self._records.items():
            end, at = wanted[topic], self._taken[topic]
            while at < len(several) and several[at].offset < end:
                self._fold.takers[topic](several[at].value)
                at += 1
            self._taken[topic], self._reached[topic] = at, end
        self._state = self._fold.state(dict(self._reached))
        return self._state

    def at_time(self, moment: dt.datetime) -> ControlState:
        """Return what the topics said at *moment*, by the broker's clock."""
        moment_ms = int(moment.timestamp() * 1000)
        return self.at_offsets(
            {
                topic: max((each.offset + 1 for each in several if each.written_ms <= moment_ms), default=0)
                for topic, several in self._records.items()
            }
        )

    def at_the_end(self) -> ControlState:
        """Return what the topics say now."""
        return self.at_offsets({topic: each[-1].offset + 1 for topic, each in self._records.items() if each})

    def _begin(self) -> None:
        self._fold = ControlFold(self._codec, decides=True)
        self._state = None
        self._taken = dict.fromkeys(self._records, 0)
        self._reached = dict.fromkeys(self._records, 0)

    def agreements(self) -> list[Told]:
        """Return every record about agreements, in order."""
        return [
            Told(dt.datetime.fromtimestamp(each.written_ms / 1000, dt.UTC), *agreement_from(self._record(each.value)))
            for each in self._records[AGREEMENTS]
        ]

    def _record(self, value: bytes | None) -> Record:
        return self._codec.decode(value, hub_contract("Agreement")).record


async def past_of(place: Workplace) -> Past:
    """Return the control topics of the hub of *place*, from their first record to the end as it is now."""
    sources = [TopicPartition(topic, 0) for topic in TOPICS]
    found: dict[str, list[Written]] = {topic: [] for topic in TOPICS}
    async with reading(place.credentials("hub-admin"), place.codec, sources) as pages:
        async for source, records in pages:
            found[source.topic] += [Written(each.offset, each.timestamp, each.value) for each in records]
    return Past(place.codec, found)


async def decisions_of(place: Workplace, event_ids: Collection[str] | None = None) -> list[Record]:
    """Return every decision about *event_ids*, or every one, in order."""
    contract, found = hub_contract("Decision"), list[Record]()
    sources = [TopicPartition(DECISIONS, 0)]
    async with reading(place.credentials("hub-admin"), place.codec, sources) as pages:
        async for _, records in pages:
            for record in records:
                decision = place.codec.decode(record.value, contract).record
                if event_ids is None or str(decision["event_id"]).lower() in event_ids:
                    found.append(decision)
    return found


async def events_since(place: Workplace, since: dt.datetime | None) -> AsyncIterator[list[SourceRecord]]:
    """Yield the ledger's records in pages, those of them that the hub received at or after *since*; schemas learnt."""
    topic = place.topology.topic(LEDGER)
    assert topic is not None, "the rules of the topology want it"
    sources = [TopicPartition(LEDGER, number) for number in range(topic.partitions)]
    async with reading(place.credentials("hub-admin"), place.codec, sources) as pages:
        async for source, records in pages:
            yield [
                SourceRecord(TopicName(LEDGER), source.partition, record.offset, record.key, record.value)
                for record in records
                if since is None or _received(place, record.value) >= since
            ]


def _received(place: Workplace, value: bytes) -> dt.datetime:
    return cast("dt.datetime", place.codec.decode(value).record["received_at"])
