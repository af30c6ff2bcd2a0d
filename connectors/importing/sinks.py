"""Where events of rows go: to the hub and its receipts, or, in a dry run, through the same checks and no further."""

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Protocol

from connectors.importing.mapper import Mapper
from connectors.importing.tally import Pending
from connectors.publisher import Publisher, Sent
from connectors.receipts import Receipt, Receipts, ReceiptsUnavailableError
from schemas.errors import InvalidEventError
from schemas.json_form import read_event

Item = tuple[Pending, int, Mapping[str, object]]
"""A row, the number of the plan, and the event."""


class Sink(Protocol):
    """Takes rows with their events, and notes the answer to each event in its row.

    Both raise UnavailableError when a part of the hub is away: nothing is lost, the same rows can be given again.
    """

    async def send(self, rows: Sequence[Pending]) -> None:
        """Bring the events of *rows* on their way."""

    async def settle(self, rows: Sequence[Pending]) -> None:
        """Wait until every event of *rows*, which were sent, is answered."""


class DryRun:
    """Checks events as the hub would, and sends none."""

    def __init__(self, mapper: Mapper, now: dt.datetime) -> None:
        self._mapper, self._now = mapper, now

    async def send(self, rows: Sequence[Pending]) -> None:
        """Check the events of *rows*."""
        for pending, index, event in _items(rows):
            try:
                read_event(event, self._now)
            except InvalidEventError as error:
                _refuse(pending, index, error, self._mapper)
            else:
                pending.answers["accepted"] += 1

    async def settle(self, rows: Sequence[Pending]) -> None:
        """Do nothing: a check is its own answer."""


class Hub:
    """Publishes events and waits for their receipts."""

    def __init__(self, mapper: Mapper, publisher: Publisher, receipts: Receipts, timeout_s: float) -> None:
        self._mapper, self._publisher, self._receipts = mapper, publisher, receipts
        self._timeout_s = timeout_s
        self._unanswered: dict[int, tuple[Pending, int]] = {}
        """Offset on the topic -> row, and number of the plan."""

    async def send(self, rows: Sequence[Pending]) -> None:
        """Publish the events of *rows*."""
        self._check_whole_rows(rows)
        items = [item for item in _items(rows) if not item[0].faults]
        place = 0
        async for result in self._publisher.publish_all(_events(items)):
            pending, index, _ = items[place]
            place += 1
            if isinstance(result, InvalidEventError):
                _refuse(pending, index, result, self._mapper)
            elif isinstance(result, Sent):  # an import is journalled: it needs no spool
                self._unanswered[result.offset] = (pending, index)
                pending.unanswered += 1

    async def settle(self, rows: Sequence[Pending]) -> None:
        """Wait for the receipts of the events of *rows*, and note those of others that come in between."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._timeout_s
        while waiting := sum(pending.unanswered for pending in rows):
            if loop.time() > deadline:
                raise ReceiptsUnavailableError(
                    f"{waiting} events wait for their receipt: they are safe on the topic; does a worker run? "
                    "(`hub status`) The same command goes on where this one stopped"
                )
            for receipt in await self._receipts.some():
                found = self._unanswered.pop(receipt.source_offset, None)
                if found is not None:
                    self._note(receipt, *found)
                    deadline = loop.time() + self._timeout_s

    def _check_whole_rows(self, rows: Sequence[Pending]) -> None:
        """Refuse a row as a whole when one of its several events is wrong: no half of it may be sent."""
        for pending in rows:
            if len(pending.mapped.events) > 1:
                for index, event in pending.mapped.events:
                    try:
                        self._publisher.encode(event)
                    except InvalidEventError as error:
                        _refuse(pending, index, error, self._mapper)

    def _note(self, receipt: Receipt, pending: Pending, index: int) -> None:
        pending.unanswered -= 1
        if receipt.outcome == "REFUSED":
            pending.faults += [self._mapper.fault_of(problem, index) for problem in receipt.problems]
        else:
            pending.answers["accepted" if receipt.outcome == "ACCEPTED" else "duplicate"] += 1


def _items(rows: Sequence[Pending]) -> list[Item]:
    return [(pending, index, event) for pending in rows for index, event in pending.mapped.events]


async def _events(items: Sequence[Item]) -> AsyncIterator[Mapping[str, object]]:
    for _, _, event in items:
        yield event


def _refuse(pending: Pending, index: int, error: InvalidEventError, mapper: Mapper) -> None:
    pending.faults += [mapper.fault_of(problem, index) for problem in error.problems]
