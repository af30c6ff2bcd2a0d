"""Receipts: the hub's answer to each record of an agency, accepted, refused with reasons, or a duplicate."""

import asyncio
from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass
from types import TracebackType
from typing import Self, cast

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from connectors.access import Access
from infra.kafka import consumer_for
from infra.topology.credentials import Credentials
from schemas.catalogue import hub_contract
from schemas.codec import Codec, Record
from schemas.errors import Problem, UnavailableError


class ReceiptsUnavailableError(UnavailableError):
    """The receipts cannot be read now; they stay on their topic."""

    code = "receipts-unavailable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """The answer to one record."""

    event_id: str | None
    event_type: str | None
    outcome: str
    """ACCEPTED, REFUSED or DUPLICATE."""
    source_offset: int
    original_offset: int | None
    problems: tuple[Problem, ...]


class Receipts:
    """Reads `receipts.<agency>` from now on; use it as an async context manager around publishing."""

    def __init__(self, credentials: Credentials) -> None:
        self._source = TopicPartition(f"receipts.{credentials.principal}", 0)
        self._consumer = consumer_for(credentials)
        self._access = Access(credentials)
        self._codec = Codec(self._access.registry())

    async def __aenter__(self) -> Self:
        try:
            await self._consumer.start()
            self._consumer.assign([self._source])
            end = (await self._consumer.end_offsets([self._source]))[self._source]
            self._consumer.seek(self._source, end)
        except KafkaError as error:
            await self._consumer.stop()
            raise ReceiptsUnavailableError(
                f"the broker does not answer ({type(error).__name__}), nothing was sent; "
                "when it is back (`hub up`, `hub status`), give the same command again"
            ) from None
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._consumer.stop()
        self._access.close()

    async def until(self, offsets: Collection[int], timeout_s: float) -> AsyncIterator[Receipt]:
        """Yield receipts until each record at *offsets* of the agency's topic has one.

        Raises ReceiptsUnavailableError when that takes longer than *timeout_s*: the records are safe, and answered
        as soon as a worker runs.
        """
        missing = set(offsets)
        deadline = asyncio.get_running_loop().time() + timeout_s
        while missing:
            if asyncio.get_running_loop().time() > deadline:
                raise ReceiptsUnavailableError(
                    f"{len(missing)} events wait for their receipt: they are safe on the topic; "
                    "does a worker run? (`hub status`)"
                )
            for receipt in await self.some():
                if receipt.source_offset in missing:
                    missing.discard(receipt.source_offset)
                    yield receipt

    async def some(self, wait_ms: int = 300) -> list[Receipt]:
        """Return the receipts that have come since the last call, of whatever record; wait a moment for the first."""
        records = (await self._consumer.getmany(self._source, timeout_ms=wait_ms)).get(self._source, ())
        if not all(self._codec.knows(record.value) for record in records):
            await self._codec.learn_aside([record.value for record in records])
        return [_receipt(self._codec.decode(record.value, hub_contract("Receipt")).record) for record in records]


def _receipt(record: Record) -> Receipt:
    problems = cast("list[dict[str, str]]", record["problems"])
    return Receipt(
        event_id=cast("str | None", record["event_id"]),
        event_type=cast("str | None", record["event_type"]),
        outcome=str(record["outcome"]),
        source_offset=cast("int", record["source_offset"]),
        original_offset=cast("int | None", record["original_offset"]),
        problems=tuple(Problem(each["path"], each["rule"], each["advice"]) for each in problems),
    )
