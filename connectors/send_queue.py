"""What is on its way to the broker: in order, bounded by number and bytes, kept in the spool while the broker is away.

One task does everything, one step after the other: send what waits, or empty the spool first, or fill it. So nothing
newer overtakes what is older.
"""

import asyncio
import contextlib
from collections import deque
from dataclasses import dataclass, field
from itertools import islice

from connectors.link import PARTITION, Link
from connectors.placing import Placed, PublishForbiddenError, PublishUnavailableError, Sent, Spooled
from connectors.spool import Spool
from schemas.errors import HubError, InvalidEventError
from schemas.names import EventId

EVENTS_MAX = 4_000
"""So many events are on their way at most; who has more waits."""
BYTES_MAX = 8 * 1024 * 1024
BATCH_EVENTS_MAX = 2_000
DRAIN_BYTES = 512 * 1024
PAUSE_FIRST_S, PAUSE_LONGEST_S = 0.5, 5.0
"""Between two attempts to reach a broker that is away."""


@dataclass(slots=True, eq=False)
class Waiting:
    """One event that has no place yet."""

    event_id: EventId
    value: bytes = field(repr=False)
    placed: "asyncio.Future[Placed]"
    may_be_kept: bool


class SendQueue:
    """Brings events over *link*, by way of *spool* when there is one and the broker is away."""

    def __init__(self, link: Link, spool: Spool | None) -> None:
        self._link = link
        self._spool = spool
        self._waiting: deque[Waiting] = deque()
        self._bytes = 0
        self._room = asyncio.Event()
        self._wake = asyncio.Event()
        self._closing = False
        self._worker: asyncio.Task[None] | None = None
        self._reconnecting: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Connect; an absent broker is an error only without a spool."""
        try:
            await self._link.connect()
        except PublishUnavailableError:
            if self._spool is None:
                raise
        self._worker = asyncio.create_task(self._work())

    async def close(self) -> None:
        """Place what waits, or fail it, and stop."""
        self._closing = True
        self._wake.set()
        if self._worker is not None:
            await self._worker
        if self._reconnecting is not None:
            self._reconnecting.cancel()
            await asyncio.gather(self._reconnecting, return_exceptions=True)

    async def put(self, event_id: EventId, value: bytes, *, may_be_kept: bool = True) -> "asyncio.Future[Placed]":
        """Take an event as soon as there is room; what is returned says where it was put, or raises why it was not."""
        while len(self._waiting) >= EVENTS_MAX or self._bytes >= BYTES_MAX:
            self._room.clear()
            await self._room.wait()
        if self._closing or self._worker is None or self._worker.done():
            raise PublishUnavailableError("the publisher is closed; open a new one")
        placed: asyncio.Future[Placed] = asyncio.get_running_loop().create_future()
        self._waiting.append(Waiting(event_id, value, placed, may_be_kept))
        self._bytes += len(value)
        self._wake.set()
        return placed

    async def _work(self) -> None:
        try:
            while self._waiting or not self._closing:
                if self._is_idle():
                    self._wake.clear()
                    await self._wake.wait()
                elif self._spool is None:
                    await self._send()
                elif not self._link.is_up:
                    await self._keep(self._spool)
                elif self._spool.count:
                    await self._drain(self._spool)
                else:
                    await self._send()
        except BaseException as error:
            self._fail(PublishUnavailableError(f"the publisher stopped ({type(error).__name__})"))
            raise

    def _is_idle(self) -> bool:
        at_it = self._reconnecting is not None and not self._reconnecting.done()
        if self._spool is not None and not self._link.is_up and not at_it:
            self._reconnecting = asyncio.create_task(self._reconnect())
        has_spooled = self._spool is not None and self._link.is_up and self._spool.count > 0
        return not self._waiting and not has_spooled

    async def _reconnect(self) -> None:
        """Try until the broker lets us in again."""
        pause = PAUSE_FIRST_S
        while not self._link.is_up:
            try:
                await self._link.connect()
            except HubError:
                await asyncio.sleep(pause)
                pause = min(2 * pause, PAUSE_LONGEST_S)
        self._wake.set()

    async def _send(self) -> None:
        """Send what has waited longest."""
        first = [waiting.value for waiting in islice(self._waiting, BATCH_EVENTS_MAX)]
        try:
            offsets = await self._link.deliver(first)
        except InvalidEventError as error:
            self._fail(error, 1)
        except PublishForbiddenError as error:
            self._fail(error)
        except PublishUnavailableError as error:
            if self._spool is None:
                self._fail(error)
        else:
            for waiting, offset in zip(self._taken(len(offsets)), offsets, strict=True):
                _place(
                    waiting,
                    Sent(event_id=waiting.event_id, topic=self._link.topic, partition=PARTITION, offset=offset),
                )

    async def _drain(self, spool: Spool) -> None:
        """Send the oldest of what the spool holds."""
        try:
            await drain(self._link, spool)
        except PublishUnavailableError:
            return
        except HubError as error:  # nothing may overtake what cannot be sent
            self._fail(error)
            self._wake.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), 0 if self._closing else PAUSE_LONGEST_S)

    async def _keep(self, spool: Spool) -> None:
        """Put everything that waits into the spool."""
        for waiting in self._waiting:
            if not waiting.may_be_kept:
                _fail(waiting, PublishUnavailableError("the broker is away"))
        kept = [waiting for waiting in self._waiting if waiting.may_be_kept]
        several = list(self._waiting)
        try:
            numbers = await asyncio.to_thread(spool.append, [waiting.value for waiting in kept])
        except HubError as error:
            self._fail(error, len(several))
            return
        self._taken(len(several))
        for waiting, number in zip(kept, numbers, strict=True):
            _place(waiting, Spooled(event_id=waiting.event_id, number=number))

    def _fail(self, error: HubError, count: int | None = None) -> None:
        """Answer the first *count* of what waits, or everything, with *error*."""
        for waiting in self._taken(len(self._waiting) if count is None else count):
            _fail(waiting, error)

    def _taken(self, count: int) -> list[Waiting]:
        """Return the first *count* of what waits and forget it: there is room for others."""
        taken = [self._waiting.popleft() for _ in range(count)]
        self._bytes -= sum(len(waiting.value) for waiting in taken)
        self._room.set()
        return taken


async def drain(link: Link, spool: Spool) -> range:
    """Send the oldest of what *spool* holds, and let go of it once it is there for good; return its offsets."""
    values = await asyncio.to_thread(spool.oldest, DRAIN_BYTES)
    offsets = await link.deliver(values)
    await asyncio.to_thread(spool.forget, len(offsets))
    return offsets


def _place(waiting: Waiting, placed: Placed) -> None:
    if not waiting.placed.done():
        waiting.placed.set_result(placed)


def _fail(waiting: Waiting, error: HubError) -> None:
    if not waiting.placed.done():
        waiting.placed.set_exception(error)
