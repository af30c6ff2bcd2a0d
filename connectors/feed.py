"""A partner's feed: events in order, opened with the partner's keys, from a stored position.

    async with Feed(Credentials.load(path)) as feed:
        async for event in feed.events(from_offset=position):
            store(event.content, event.offset + 1)   # in one transaction of your own: exactly once

The hub's offset rises by one or more from event to event; who stores the next offset together with what they made of
the event sees every event exactly once, whatever crashes in between.
"""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self, cast

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError, TopicAuthorizationFailedError
from aiokafka.structs import ConsumerRecord

from connectors.access import Access, AccessRefusedError, FeedAgreement
from connectors.acknowledging import Acknowledger, Step
from connectors.feed_events import SealedEvent, opened_content, recall_in, sealed_event
from connectors.position import inside
from infra.kafka import consumer_for
from infra.topology.credentials import Credentials
from schemas.codec import Codec
from schemas.derive import Channel
from schemas.errors import MisuseError, RejectedError, UnavailableError
from schemas.names import KeyId
from schemas.opening import kids_in

BATCH_RECORDS_MAX = 500


class NoAgreementError(RejectedError):
    """No agreement opens a feed to this partner."""

    code = "no-agreement"


class FeedUnavailableError(UnavailableError):
    """The feed cannot be read now; go on from the stored position."""

    code = "feed-unavailable"


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedEvent:
    """One event on a partner's feed; its representation hides the content."""

    offset: int
    written_ms: int
    """When the broker wrote it, milliseconds since 1970 UTC."""
    event_type: str
    """Such as PersonIdentified; `Recalled` for a recall, which has no envelope and no view."""
    view: Channel | None
    content: dict[str, object] = field(repr=False)
    """The event in JSON form; a value whose key was destroyed is `{"erased": true}`."""

    @property
    def id(self) -> str:
        """Return the id of the event, of a recall the id of the recall."""
        if self.view is None:
            return str(self.content["recall_id"])
        return str(cast("Mapping[str, object]", self.content["envelope"])["event_id"])


class Feed:
    """Reads the feed of the partner of *credentials*; use it as an async context manager."""

    def __init__(self, credentials: Credentials) -> None:
        self.partner = str(credentials.principal)
        self._source = TopicPartition(f"to.{self.partner}", 0)
        self._credentials = credentials
        self._opened_consumer: AIOKafkaConsumer | None = None
        self._access = Access(credentials)
        self._codec = Codec(self._access.registry())
        self._acknowledger = Acknowledger(credentials, self._codec)
        self._keys: dict[KeyId, bytes | None] = {}
        self.agreements: tuple[FeedAgreement, ...] = ()

    async def __aenter__(self) -> Self:
        try:
            self.agreements = tuple(each for each in self._access.agreements() if each.state == "in force")
        except AccessRefusedError as error:
            raise NoAgreementError(str(error)) from None
        if not self.agreements:
            raise NoAgreementError(
                f"no agreement in force opens a feed to {self.partner}; "
                "the operator adds one to infra/topology/agreements and runs `hub topology apply`"
            )
        consumer = consumer_for(self._credentials)
        try:
            await consumer.start()
        except KafkaError as error:
            await consumer.stop()
            raise FeedUnavailableError(f"the broker does not let us in ({type(error).__name__})") from None
        consumer.assign([self._source])
        self._opened_consumer = consumer
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._opened_consumer is not None:
            await self._opened_consumer.stop()
        await self._acknowledger.close()
        self._access.close()

    async def acknowledge(self, events: Sequence[FeedEvent], step: Step = Step.DELIVERED) -> None:
        """Say that *events* have reached *step*; call it once they are stored for good, never before.

        Said twice it counts once. Raises AcknowledgementUnavailableError: repeat it.
        """
        if events:
            await self._acknowledger.say([(event.offset, event.id) for event in events], step)

    async def find(self, ids: Collection[str]) -> list[FeedEvent]:
        """Return the events and recalls of *ids* that the feed holds; it is read from its beginning."""
        return [event async for event in self.events(follow=False) if event.id in ids]

    @property
    def _consumer(self) -> AIOKafkaConsumer:
        if self._opened_consumer is None:
            raise MisuseError("open the feed first: `async with Feed(credentials) as feed`")
        return self._opened_consumer

    async def bounds(self) -> tuple[int, int]:
        """Return the first offset that is kept and the offset after the last event."""
        first = (await self._consumer.beginning_offsets([self._source]))[self._source]
        return first, (await self._consumer.end_offsets([self._source]))[self._source]

    async def events(self, *, from_offset: int | None = None, follow: bool = True) -> AsyncIterator[FeedEvent]:
        """Yield events from *from_offset* on (None: from the beginning); end at the end unless *follow*.

        Raises FeedUnavailableError, RegistryUnavailableError, AccessUnavailableError; PositionError when *from_offset*
        is outside what the feed holds; RejectedError for an event that
        cannot be opened, which is a fault of the hub: report its offset.
        """
        try:
            first, end = await self.bounds()
            position = first if from_offset is None else inside(from_offset, first, end)
            self._consumer.seek(self._source, position)
            while follow or position < end:
                fetched = await self._consumer.getmany(self._source, timeout_ms=500, max_records=BATCH_RECORDS_MAX)
                for event in await self._opened(fetched.get(self._source, ())):
                    yield event
                position = await self._consumer.position(self._source)
        except TopicAuthorizationFailedError:
            raise NoAgreementError(f"{self.partner} may not read {self._source.topic}") from None
        except KafkaError as error:
            raise FeedUnavailableError(f"the feed cannot be read ({type(error).__name__})") from None

    async def _opened(self, records: Sequence[ConsumerRecord]) -> list[FeedEvent]:
        if not records:
            return []
        await self._codec.learn_aside([record.value for record in records])
        recalls = {record.offset: found for record in records if (found := recall_in(self._codec, record.value))}
        read = {r.offset: sealed_event(self._codec, r.value) for r in records if r.offset not in recalls}
        await self._fetch({kid for each in read.values() for kid in kids_in(each.record)})
        return [
            self._recalled(record, recalls[record.offset])
            if record.offset in recalls
            else self._event(record, read[record.offset])
            for record in records
        ]

    def _event(self, record: ConsumerRecord, found: SealedEvent) -> FeedEvent:
        return FeedEvent(
            offset=record.offset,
            written_ms=record.timestamp,
            event_type=found.version.name,
            view=found.view,
            content=opened_content(found, self._key),
        )

    def _recalled(self, record: ConsumerRecord, content: dict[str, object]) -> FeedEvent:
        return FeedEvent(
            offset=record.offset, written_ms=record.timestamp, event_type="Recalled", view=None, content=content
        )

    async def _fetch(self, kids: Collection[KeyId]) -> None:
        """Fetch the keys of a batch; they are not kept beyond it, so that an erasure holds at once."""
        self._keys = await asyncio.to_thread(self._access.keys, kids)

    def _key(self, kid: KeyId) -> bytes | None:
        if kid not in self._keys:  # the inner seals of a nested narrative are seen only when the outer is open
            self._keys |= self._access.keys([kid])
        return self._keys[kid]
