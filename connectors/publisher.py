"""The publisher: an agency's events, validated before they are sent, acknowledged by the broker.

    async with Publisher(Credentials.load(path)) as publisher:
        sent = await publisher.publish({"event_type": "PersonIdentified", "envelope": {...}, ...})

An event is taken in JSON form (dates as text or as `date` and `datetime` objects). What is wrong with it is
raised at once, all problems together, each with its path and never with a value.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self, cast

from connectors.access import Access, AccessUnavailableError
from connectors.arrival import Sealer
from connectors.event_ids import event_id_of
from connectors.link import EVENT_BYTES_MAX, NOT_FOR_THIS_AGENCY, TOO_LARGE, Link
from connectors.placing import Placed, PublishForbiddenError, PublishUnavailableError, Sent, Spooled
from connectors.send_queue import EVENTS_MAX, SendQueue
from connectors.signing import signer_for
from connectors.spool import Spool
from connectors.spool_key import key_file_beside
from infra.topology.credentials import Credentials
from schemas.codec import Codec, SchemaNotRegisteredError
from schemas.errors import InvalidEventError, Problem
from schemas.json_form import read_event
from schemas.names import EventId, TopicName

__all__ = [
    "EVENT_BYTES_MAX",
    "Placed",
    "PublishForbiddenError",
    "PublishUnavailableError",
    "Publisher",
    "Sent",
    "Spooled",
]

PATIENCE_S = 30.0
"""How long the broker may keep silent: a server that restarts is back by then."""
PATIENCE_WITH_SPOOL_S = 5.0
"""With a spool nothing is gained by waiting."""
BREATH = 200
"""After so many events the connection gets a turn."""


class Publisher:
    """Publishes as the agency of *credentials*; use it as an async context manager.

    With a folder *spool*, events are kept there, encrypted, while the broker is away, and sent in order when it is
    back. The key is the file *spool_key*, beside the folder when None. What leaves is signed with the key file that the
    credentials name, if they do, unless *sign* is false, and sealed to the hub's public key unless *seal* is false.
    """

    def __init__(
        self,
        credentials: Credentials,
        *,
        spool: Path | None = None,
        spool_key: Path | None = None,
        patience_s: float | None = None,
        seal: bool = True,
        sign: bool = True,
    ) -> None:
        self._credentials = credentials
        self.agency = str(credentials.principal)
        self.topic = TopicName(f"in.{self.agency}")
        self._spool = None
        if spool is not None:
            self._spool = Spool(spool, key_file=spool_key or key_file_beside(spool), owner=self.agency)
        patience = PATIENCE_S if spool is None else PATIENCE_WITH_SPOOL_S
        self._access = Access(credentials, memory=None if spool is None else spool / "hub")
        self._codec = Codec(self._access.registry())
        self._signer = signer_for(credentials, self._codec, self.topic) if sign else None
        self._link = Link(
            credentials,
            self.topic,
            patience_s=patience if patience_s is None else patience_s,
            signer=self._signer,
            sealer=Sealer(self._access, self._codec, self.topic) if seal else None,
        )
        self._queue = SendQueue(self._link, self._spool)

    async def __aenter__(self) -> Self:
        if self._spool is not None:
            self._spool.open()
        try:
            await self._queue.start()
            if not self._link.is_up:
                with contextlib.suppress(AccessUnavailableError):  # a wrong password is no absent broker
                    await asyncio.to_thread(self._access.check)
        except BaseException:
            await self._close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._close()

    async def _close(self) -> None:
        await self._queue.close()
        await self._link.close()
        if self._spool is not None:
            self._spool.close()
        self._access.close()

    @property
    def spooled(self) -> int:
        """How many events wait in the spool."""
        return 0 if self._spool is None else self._spool.count

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
        try:
            found, record = read_event(self.completed(event), self._access.now())
        except InvalidEventError as error:
            raise InvalidEventError(_of_the_sender(error.problems, event)) from None
        try:
            writer = self._codec.writer(f"{self.topic}-{found.fullname}", found.schema)
        except SchemaNotRegisteredError:
            raise InvalidEventError([NOT_FOR_THIS_AGENCY]) from None
        value = writer.encode(record)
        if len(value) > EVENT_BYTES_MAX:
            raise InvalidEventError([TOO_LARGE])
        return EventId(str(cast("dict[str, object]", record["envelope"])["event_id"])), value

    def signed(self, value: bytes) -> bytes:
        """Return what `encode` returned as it leaves, but for its seal: signed, when there is a key. It may block."""
        if self._signer is None:
            return value
        if not self._signer.is_ready:
            self._signer.prepare()
        return self._signer.sign(value)

    async def publish(self, event: Mapping[str, object]) -> Placed:
        """Validate *event*, send it and return where it is once the broker, or the spool, has it for good.

        Raises InvalidEventError with all its problems, PublishForbiddenError, UnavailableError. It may be called
        many times at once.
        """
        event_id, value = self.encode(event)
        return await (await self._queue.put(event_id, value))

    async def publish_many(self, events: Iterable[Mapping[str, object]]) -> list[Placed | InvalidEventError]:
        """Publish *events* in order and return for each where it is or what is wrong with it.

        Raises as `publish_all`: then publish them all again; what is there already is recognised by its id.
        """
        return [result async for result in self.publish_all(_each(events))]

    async def send(self, event_id: EventId, value: bytes) -> Sent:
        """Send what `encode` returned, again with the same id if need be; the spool is not asked."""
        placed = await (await self._queue.put(event_id, value, may_be_kept=False))
        assert isinstance(placed, Sent)
        return placed

    async def publish_all(
        self, events: AsyncIterable[Mapping[str, object]]
    ) -> AsyncGenerator[Placed | InvalidEventError, None]:
        """Publish *events* in order, many in flight, and yield for each where it is or what is wrong with it.

        However many there are, few are held: who takes results slowly slows the reading of *events* down.
        """
        results: asyncio.Queue[asyncio.Future[Placed] | InvalidEventError | None] = asyncio.Queue(EVENTS_MAX)
        feeding = asyncio.create_task(self._feed(events, results))
        try:
            while (result := await results.get()) is not None:
                yield result if isinstance(result, InvalidEventError) else await _settled(result)
            await feeding
        finally:
            feeding.cancel()
            await asyncio.gather(feeding, return_exceptions=True)
            while not results.empty():
                if isinstance(result := results.get_nowait(), asyncio.Future):
                    result.cancel()

    async def _feed(
        self,
        events: AsyncIterable[Mapping[str, object]],
        results: "asyncio.Queue[asyncio.Future[Placed] | InvalidEventError | None]",
    ) -> None:
        """Put for each of *events* into *results* what will become of it; None ends it, also after an error."""
        number = 0
        try:
            async for event in events:
                number += 1
                if number % BREATH == 0:
                    await asyncio.sleep(0)
                try:
                    event_id, value = self.encode(event)
                except InvalidEventError as error:
                    await results.put(error)
                else:
                    await results.put(await self._queue.put(event_id, value))
        except Exception:
            await results.put(None)
            raise
        await results.put(None)


async def _each(events: Iterable[Mapping[str, object]]) -> AsyncIterator[Mapping[str, object]]:
    for event in events:
        yield event


async def _settled(future: "asyncio.Future[Placed]") -> Placed | InvalidEventError:
    try:
        return await future
    except InvalidEventError as error:
        return error


def _of_the_sender(problems: Sequence[Problem], event: Mapping[str, object]) -> list[Problem]:
    """Return *problems* without those of a time of recording that the publisher took from `occurred_at`."""
    envelope = event.get("envelope")
    if not isinstance(envelope, Mapping) or "recorded_at" in envelope or "occurred_at" not in envelope:
        return list(problems)
    return [problem for problem in problems if problem.path != "envelope.recorded_at"] or list(problems)
