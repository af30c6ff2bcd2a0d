"""The publisher: an agency's events, validated before they are sent, acknowledged by the broker.

    async with Publisher(Credentials.load(path)) as publisher:
        sent = await publisher.publish({"event_type": "PersonIdentified", "envelope": {...}, ...})

An event is taken in JSON form (dates as text or as `date` and `datetime` objects). What is wrong with it is
raised at once, all problems together, each with its path and never with a value.
"""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Self, cast

from aiokafka.errors import KafkaError, MessageSizeTooLargeError, TopicAuthorizationFailedError

from connectors.access import Access
from connectors.event_ids import event_id_of
from infra.kafka import producer_for
from infra.topology.credentials import Credentials
from schemas.codec import Codec
from schemas.errors import InvalidEventError, Problem, RejectedError, UnavailableError
from schemas.json_form import read_event
from schemas.names import EventId, TopicName

EVENT_BYTES_MAX = 1_000_000
IN_FLIGHT_MAX = 1_000
TOO_LARGE = Problem(
    "$",
    "too-large",
    f"an event has at most {EVENT_BYTES_MAX} bytes; shorten its texts, or send several events",
)


class PublishUnavailableError(UnavailableError):
    """The broker does not take the event now; publish it again, with the same event id."""

    code = "publish-unavailable"


class PublishForbiddenError(RejectedError):
    """These credentials may not publish on the topic of this agency."""

    code = "publish-forbidden"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """Where the broker has put an event."""

    event_id: EventId
    topic: TopicName
    partition: int
    offset: int


class Publisher:
    """Publishes as the agency of *credentials*; use it as an async context manager."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials
        self.agency = str(credentials.principal)
        self.topic = TopicName(f"in.{self.agency}")
        self._access = Access(credentials)
        self._codec = Codec(self._access.registry())
        self._producer = producer_for(credentials, linger_ms=5)

    async def __aenter__(self) -> Self:
        try:
            await self._producer.start()
        except KafkaError as error:
            await self._producer.stop()
            raise PublishUnavailableError(f"the broker does not let us in ({type(error).__name__})") from None
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._producer.stop()
        self._access.close()

    def completed(self, event: Mapping[str, object]) -> dict[str, object]:
        """Return *event* with what the publisher knows itself: agency, event id and time of recording if missing.

        What it adds is the same for the same event, so that sending it again is a duplicate and not a second event:
        the id is made from the content, the time of recording is taken to be that of the fact.
        """
        envelope = event.get("envelope")
        if not isinstance(envelope, Mapping):
            return dict(event)
        own: dict[str, object] = {"agency": self.agency}
        if "event_id" not in envelope:
            own["event_id"] = event_id_of(event, self._credentials.password.encode())
        if "occurred_at" in envelope:
            own["recorded_at"] = envelope["occurred_at"]
        return {**event, "envelope": {**own, **envelope}}

    def encode(self, event: Mapping[str, object]) -> tuple[EventId, bytes]:
        """Return id and bytes of *event*; raise InvalidEventError with all its problems, UnavailableError."""
        found, record = read_event(self.completed(event), self._access.now())
        value = self._codec.writer(f"{self.topic}-{found.fullname}", found.schema).encode(record)
        if len(value) > EVENT_BYTES_MAX:
            raise InvalidEventError([TOO_LARGE])
        return EventId(str(cast("dict[str, object]", record["envelope"])["event_id"])), value

    async def publish(self, event: Mapping[str, object]) -> Sent:
        """Validate *event*, send it and return where it is once the broker has it for good.

        Raises InvalidEventError with all its problems, PublishForbiddenError, UnavailableError. It may be called
        many times at once.
        """
        event_id, value = self.encode(event)
        return await self.send(event_id, value)

    async def send(self, event_id: EventId, value: bytes) -> Sent:
        """Send what `encode` returned, again with the same id if need be."""
        try:
            placed = await self._producer.send_and_wait(self.topic, value)
        except MessageSizeTooLargeError:
            raise InvalidEventError([TOO_LARGE]) from None
        except TopicAuthorizationFailedError:
            raise PublishForbiddenError(f"{self.agency} may not write to {self.topic}") from None
        except KafkaError as error:
            raise PublishUnavailableError(f"the broker did not take the event ({type(error).__name__})") from None
        return Sent(event_id=event_id, topic=self.topic, partition=placed.partition, offset=placed.offset)

    async def publish_all(self, events: AsyncIterable[Mapping[str, object]]) -> AsyncIterator[Sent | InvalidEventError]:
        """Publish *events* in order, many in flight, and yield for each where it is or what is wrong with it."""
        waiting: list[asyncio.Task[Sent] | InvalidEventError] = []
        async for event in events:
            try:
                event_id, value = self.encode(event)
                waiting.append(asyncio.create_task(self.send(event_id, value)))
            except InvalidEventError as error:
                waiting.append(error)
            if len(waiting) >= IN_FLIGHT_MAX:
                yield await _settled(waiting.pop(0))
        for item in waiting:
            yield await _settled(item)


async def _settled(item: "asyncio.Task[Sent] | InvalidEventError") -> Sent | InvalidEventError:
    if isinstance(item, InvalidEventError):
        return item
    try:
        return await item
    except InvalidEventError as error:
        return error
