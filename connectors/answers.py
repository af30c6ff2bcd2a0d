"""Receipts, read while events are still being published: what waits for its answer stays little."""

import asyncio
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Self

from aiokafka.errors import KafkaError

from connectors.events_file import Place
from connectors.receipts import Receipt, Receipts
from schemas.errors import HubError, RejectedError

UNANSWERED_MAX = 50_000
"""So many events wait for their receipt; then publishing waits for intake."""
EARLY_MAX = 20_000
"""So many receipts are kept of events of which the publisher has not heard yet; then reading waits for it."""


class Answers:
    """Gives each receipt of an expected event to *note*; gives up when intake has not moved for *timeout_s*.

    Use it as an async context manager while publishing. Offsets are expected in rising order.
    """

    def __init__(self, receipts: Receipts, note: Callable[[Place, Receipt], None], *, timeout_s: float) -> None:
        self._receipts = receipts
        self._note = note
        self._timeout_s = timeout_s
        self._waiting: dict[int, Place] = {}
        self._early: deque[Receipt] = deque()
        self._highest = -1
        self._moved = asyncio.Event()
        self._failure: RejectedError | None = None
        """A receipt that is not the hub's: it is told, and no answer is taken for one."""
        self._reader: asyncio.Task[None] | None = None
        self.has_given_up = False
        """Whether events wait for a receipt that has not come in time."""

    async def __aenter__(self) -> Self:
        self._reader = asyncio.create_task(self._read())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._reader is not None:
            self._reader.cancel()
            await asyncio.gather(self._reader, return_exceptions=True)

    async def expect(self, offset: int, place: Place) -> None:
        """Expect the receipt of the record at *offset*, the event at *place*; wait while too many are expected."""
        if self.has_given_up:
            return
        self._highest = offset
        while self._early and self._early[0].source_offset < offset:
            self._early.popleft()  # of another publisher of this agency
        if self._early and self._early[0].source_offset == offset:
            self._note(place, self._early.popleft())
            return
        self._waiting[offset] = place
        if len(self._waiting) >= UNANSWERED_MAX:
            await self._until(UNANSWERED_MAX - 1)

    async def all(self) -> None:
        """Wait until every expected receipt has come, or too long for one."""
        await self._until(0)

    async def _until(self, count: int) -> None:
        """Wait until no more than *count* are expected."""
        while len(self._waiting) > count and not self.has_given_up:
            self._moved.clear()
            try:
                await asyncio.wait_for(self._moved.wait(), self._timeout_s)
            except TimeoutError:
                self._give_up()
        if self._failure is not None:
            raise self._failure

    async def _read(self) -> None:
        while not self.has_given_up:
            if len(self._early) >= EARLY_MAX:
                await asyncio.sleep(0.1)
                continue
            try:
                found = await self._receipts.some()
            except RejectedError as error:
                self._failure = error
                self._give_up()
                return
            except (HubError, KafkaError):  # the receipts stay where they are
                self._give_up()
                return
            for receipt in found:
                if receipt.source_offset > self._highest:
                    self._early.append(receipt)
                    continue
                self._moved.set()  # intake is at work, be it on what was there before
                if (place := self._waiting.pop(receipt.source_offset, None)) is not None:
                    self._note(place, receipt)

    def _give_up(self) -> None:
        self.has_given_up = True
        self._waiting.clear()
        self._early.clear()
        self._moved.set()
