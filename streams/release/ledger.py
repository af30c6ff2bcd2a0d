"""Single records of the ledger, read again by their places."""

import asyncio
from collections.abc import Iterable
from typing import Protocol

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from infra.kafka import consumer_for, let_go
from infra.topology.credentials import Credentials
from schemas.errors import UnavailableError
from schemas.names import TopicName
from streams.pump.records import SourceRecord

LEDGER = TopicName("ledger")
READ_TIMEOUT_S = 20.0


class LedgerUnavailableError(UnavailableError):
    """The ledger cannot be read now."""

    code = "ledger-unavailable"


class Ledger(Protocol):
    """Gives records by their places."""

    async def records(self, places: Iterable[tuple[int, int]]) -> list[SourceRecord]:
        """Return the record at each (partition, offset) of *places*, in order; raise UnavailableError."""


class LedgerReader:
    """Reads single records as the principal of *credentials*; a connection for each page, which are rare."""

    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials

    async def records(self, places: Iterable[tuple[int, int]]) -> list[SourceRecord]:
        """Return the record at each (partition, offset) of *places*, in order; raise LedgerUnavailableError."""
        wanted = sorted(set(places))
        if not wanted:
            return []
        consumer = consumer_for(self._credentials, seeks=True)
        try:
            async with asyncio.timeout(READ_TIMEOUT_S):
                await consumer.start()
                consumer.assign([TopicPartition(LEDGER, number) for number in sorted({place[0] for place in wanted})])
                return [await _read(consumer, partition, offset) for partition, offset in wanted]
        except (KafkaError, TimeoutError, OSError) as error:
            raise LedgerUnavailableError(f"the ledger cannot be read ({type(error).__name__})") from None
        finally:
            await let_go(consumer)


async def _read(consumer: AIOKafkaConsumer, partition: int, offset: int) -> SourceRecord:
    source = TopicPartition(LEDGER, partition)
    consumer.seek(source, offset)
    found = await consumer.getone(source)
    if found.offset != offset:
        raise LedgerUnavailableError("a record that was decided about is not in the ledger: restore the ledger")
    return SourceRecord(LEDGER, partition, offset, found.key, found.value)
