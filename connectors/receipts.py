"""Receipts: the hub's answer to each record of an agency, accepted, refused with reasons, or a duplicate."""

import asyncio
from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass
from types import TracebackType
from typing import Self, cast

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from connectors.access import Access
from infra.evidence.receipts import Proved, UnprovedReceiptError, proved
from infra.evidence.signatures import PublicKeys, trusted_keys
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
    chain_position: int | None = None
    """Where the answer is in the chain of the topic; of a duplicate, where that of its original is."""
    evidence: Proved | None = None
    """What proves the answer to anybody who has the public key of the hub; a duplicate's original has it."""


class Receipts:
    """Reads `receipts.<agency>` from now on; use it as an async context manager around publishing.

    With *keys*, the public keys of the hub (else `HUB_EVIDENCE_KEY_FILE`), every receipt must prove what it says.
    """

    def __init__(self, credentials: Credentials, keys: PublicKeys | None = None) -> None:
        self._keys = trusted_keys() if keys is None else keys
        self._source = TopicPartition(f"receipts.{credentials.principal}", 0)
        self._about = f"in.{credentials.principal}"
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
        """Return the receipts that have come since the last call, of whatever record; wait a moment for the first.

        Raises UnprovedReceiptError for one that the known keys of the hub do not prove.
        """
        records = (await self._consumer.getmany(self._source, timeout_ms=wait_ms)).get(self._source, ())
        if not all(self._codec.knows(record.value) for record in records):
            await self._codec.learn_aside([record.value for record in records])
        found = [self._codec.decode(record.value, hub_contract("Receipt")).record for record in records]
        return [_receipt(record, self._keys, self._about) for record in found]


def _receipt(record: Record, keys: PublicKeys | None, topic: str) -> Receipt:
    evidence = proved(record)
    if keys is not None and record["outcome"] != "DUPLICATE":
        if evidence is None:
            raise UnprovedReceiptError("a receipt came without a proof, and the keys of the hub are known here")
        if evidence.check(keys).topic != topic:  # a genuine one of somebody else proves nothing here
            raise UnprovedReceiptError("a receipt came whose proof is about the events of another agency")
    problems = cast("list[dict[str, str]]", record["problems"])
    return Receipt(
        event_id=cast("str | None", record["event_id"]),
        event_type=cast("str | None", record["event_type"]),
        outcome=str(record["outcome"]),
        source_offset=cast("int", record["source_offset"]),
        original_offset=cast("int | None", record["original_offset"]),
        problems=tuple(Problem(each["path"], each["rule"], each["advice"]) for each in problems),
        chain_position=cast("int | None", record.get("chain_position")),
        evidence=evidence,
    )
