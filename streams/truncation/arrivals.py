"""The topics of agencies as the broker has them: where intake is, where they end, deleting from their start.

Each act is done by the principal that may do it: hub-truncator deletes and nothing else, hub-intake, which writes the
ledger anyway, writes the marker. On aiokafka: librdkafka's admin client ends the process when a broker dies in the
middle of a request (an assertion in rd_kafka_enq_once_del_source_return, met in tests/chaos with 2.16.1).
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Collection, Mapping

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.records_to_delete import RecordsToDelete
from aiokafka.errors import KafkaError

from infra.kafka import consumer_for, discard, producer_for, security_of
from infra.topology.credentials import Credentials
from schemas.errors import UnavailableError
from schemas.names import TopicName

ROUND_S_MAX = 15.0
"""The lock of a round is not held longer because of the broker."""
STOP_S_MAX = 5.0
PARTITION = 0
"""A topic of an agency has one."""


class ArrivalsUnavailableError(UnavailableError):
    """The broker does not say or do what truncation needs; it tries again."""

    code = "arrivals-unavailable"


class Arrivals:
    """The broker, as the principals of *truncator* and *intake*, whose consumer group is *group*."""

    def __init__(self, truncator: Credentials, intake: Credentials, group: str) -> None:
        self._truncator = AIOKafkaAdminClient(**security_of(truncator))
        self._intake = AIOKafkaAdminClient(**security_of(intake))
        self._reader: AIOKafkaConsumer = consumer_for(intake, read_committed=False)
        self._producer: AIOKafkaProducer = producer_for(intake)
        self._group = group

    async def start(self) -> None:
        """Connect; raises KafkaError."""
        for client in (self._truncator, self._intake, self._reader, self._producer):
            await client.start()

    async def close(self) -> None:
        """Let go of everything, whatever state it is in."""
        await discard(self._producer)
        for closing in (self._reader.stop(), self._intake.close(), self._truncator.close()):
            with contextlib.suppress(KafkaError, OSError, TimeoutError):
                await asyncio.wait_for(closing, STOP_S_MAX)

    async def committed(self, topics: Collection[TopicName]) -> dict[TopicName, int]:
        """Return what intake's group has committed, without the topics where it has committed nothing yet."""
        places = [TopicPartition(topic, PARTITION) for topic in topics]
        found = await self._intake.list_consumer_group_offsets(self._group, partitions=places)
        return {TopicName(place.topic): each.offset for place, each in found.items() if each.offset >= 0}

    async def ends(self, topics: Collection[TopicName]) -> dict[TopicName, int]:
        """Return the end of each topic."""
        found = await self._reader.end_offsets([TopicPartition(topic, PARTITION) for topic in topics])
        return {TopicName(place.topic): offset for place, offset in found.items()}

    async def delete(self, until: Mapping[TopicName, int]) -> dict[TopicName, int]:
        """Delete the records of each topic before its offset; return the topics where that was done."""
        done = {}
        for topic, offset in until.items():
            with contextlib.suppress(KafkaError):  # one topic that is away is no reason to leave the others
                await self._truncator.delete_records({TopicPartition(topic, PARTITION): RecordsToDelete(offset)})
                done[topic] = offset
        return done

    async def mark(self, topic: TopicName, value: bytes) -> int:
        """Append the marker *value* to *topic* and return where the topic ends then."""
        placed = await self._producer.send_and_wait(topic, value, partition=PARTITION)
        return int(placed.offset) + 1


class Connection:
    """Makes a connection when there is none, and a new one after every error."""

    def __init__(self, truncator: Credentials, intake: Credentials, group: str) -> None:
        self._settings = (truncator, intake, group)
        self._open: Arrivals | None = None

    @contextlib.asynccontextmanager
    async def arrivals(self) -> AsyncIterator[Arrivals]:
        """Lend the connection; what fails in the block, or takes too long, is ArrivalsUnavailableError."""
        try:
            async with asyncio.timeout(ROUND_S_MAX):
                if self._open is None:
                    self._open = Arrivals(*self._settings)
                    await self._open.start()
                yield self._open
        except (KafkaError, OSError, TimeoutError) as error:
            await self.close()
            raise ArrivalsUnavailableError(f"the broker does not answer ({type(error).__name__})") from None
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Close the connection if there is one."""
        found, self._open = self._open, None
        if found is not None:
            await found.close()
