"""What is in quarantine of one agency, read from its topic page by page; the record itself stays sealed here."""

import asyncio
import datetime as dt
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import cast

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from infra.kafka import consumer_for, let_go, to_the_end
from infra.topology.credentials import Credentials
from schemas.catalogue import hub_contract
from schemas.codec import Codec, Record
from schemas.errors import Problem, UnavailableError

NAME = "Quarantined"
READ_TIMEOUT_S = 20.0
READERS_MAX = 4
"""So many agencies read at the same time; the others wait for them."""


class QuarantineUnavailableError(UnavailableError):
    """The quarantine cannot be read now; nothing of it is lost."""

    code = "quarantine-unavailable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """One record that was refused: where it is, why, and the record as it was sent, sealed."""

    offset: int
    """In the topic of quarantine."""
    source_topic: str
    source_partition: int
    source_offset: int
    received_at: dt.datetime
    event_id: str | None
    event_type: str | None
    problems: tuple[Problem, ...]
    sealed: Record | None = field(repr=False)

    @property
    def place(self) -> str:
        """Return what the seal is bound to in the place of an event id."""
        return f"{self.source_topic}:{self.source_partition}:{self.source_offset}"


class QuarantineLog:
    """Reads the topics of quarantine as the principal of *credentials*."""

    def __init__(self, credentials: Credentials, codec: Codec) -> None:
        self._credentials = credentials
        self._codec = codec
        self._readers = asyncio.Semaphore(READERS_MAX)

    async def page(self, agency: str, after: int, limit: int) -> tuple[list[Held], bool]:
        """Return the first *limit* records of *agency* after the offset *after*, and whether more follow.

        Raises QuarantineUnavailableError.
        """
        found: list[Held] = []
        async with self._readers, aclosing(self._read(agency, after + 1)) as records:
            async for held in records:
                if len(found) == limit:
                    return found, True
                found.append(replace(held, sealed=None))  # a page holds no content, however large the records are
        return found, False

    async def at(self, agency: str, offset: int) -> Held | None:
        """Return the record of *agency* at *offset*, None when there is none; raise QuarantineUnavailableError."""
        async with self._readers, aclosing(self._read(agency, offset)) as records:
            async for held in records:
                return held if held.offset == offset else None
        return None

    async def _read(self, agency: str, offset: int) -> AsyncGenerator[Held, None]:
        """Yield what the topic holds from *offset* to its end as it is now."""
        source = TopicPartition(f"quarantine.{agency}", 0)
        consumer = consumer_for(self._credentials)
        try:
            async with asyncio.timeout(READ_TIMEOUT_S):
                await consumer.start()
                consumer.assign([source])
                first = (await consumer.beginning_offsets([source]))[source]
                if offset >= (await consumer.end_offsets([source]))[source]:
                    return  # a fetch from beyond the end would begin anew at the start
                consumer.seek(source, max(offset, first))
                async for _, records in to_the_end(consumer, [source]):
                    await self._codec.learn_aside([record.value for record in records])
                    for record in records:
                        yield self._held(record.offset, record.value)
        except (KafkaError, TimeoutError, OSError) as error:
            raise QuarantineUnavailableError(f"quarantine cannot be read now ({type(error).__name__})") from None
        finally:
            await let_go(consumer)

    def _held(self, offset: int, value: bytes | None) -> Held:
        record = self._codec.decode(value, hub_contract(NAME)).record
        problems = cast("list[dict[str, str]]", record["problems"])
        return Held(
            offset=offset,
            source_topic=str(record["source_topic"]),
            source_partition=cast("int", record["source_partition"]),
            source_offset=cast("int", record["source_offset"]),
            received_at=cast("dt.datetime", record["received_at"]),
            event_id=cast("str | None", record["event_id"]),
            event_type=cast("str | None", record["event_type"]),
            problems=tuple(Problem(each["path"], each["rule"], each["advice"]) for each in problems),
            sealed=cast("Record | None", record["record"]),
        )
