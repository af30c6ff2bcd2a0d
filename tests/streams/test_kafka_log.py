"""What recovery reads from a real broker: an offset, and the number of retries that aiokafka keeps to itself."""

import uuid
from collections.abc import AsyncIterator

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import ProducerFenced

from infra.home import Home
from infra.kafka import consumer_for
from infra.topology.credentials import Credentials
from schemas.names import TopicName
from streams.pump.kafka_log import KafkaLog
from streams.pump.kafka_producer import PartitionProducer
from streams.pump.ports import Committed, Place

pytestmark = pytest.mark.stack

SOURCE = TopicPartition("ledger", 5)


@pytest.fixture
def place() -> Place:
    return Place(processor=f"test-{uuid.uuid4().hex[:8]}", topic=TopicName(SOURCE.topic), partition=SOURCE.partition)


@pytest.fixture
async def log(home: Home, place: Place) -> AsyncIterator[KafkaLog]:
    consumer = consumer_for(Credentials.of(home, "hub-admin"), group=f"hub-admin.{place.processor}")
    consumer.assign([SOURCE])
    await consumer.start()
    yield KafkaLog(consumer, SOURCE)
    await consumer.stop()


def producer(home: Home, place: Place) -> PartitionProducer:
    return PartitionProducer(place, Credentials.of(home, "hub-admin"), f"hub-admin.{place.processor}")


async def test_the_number_of_retries_is_committed_with_the_offset(home: Home, place: Place, log: KafkaLog) -> None:
    assert await log.committed() is None
    for reached in (Committed(offset=0), Committed(offset=0, retries=3), Committed(offset=7, retries=3)):
        own = producer(home, place)
        await own.start()
        await own.commit([], reached)
        await own.stop()
        # A commit is answered before its offset can be read: only who starts a producer first reads what is final.
        following = producer(home, place)
        await following.start()
        assert await log.committed() == reached
        await following.stop()


async def test_who_starts_later_fences_who_was_there(home: Home, place: Place, log: KafkaLog) -> None:
    first, second = producer(home, place), producer(home, place)
    await first.start()
    await first.commit([], Committed(offset=1))
    await second.start()
    assert await log.committed() == Committed(offset=1)
    with pytest.raises(ProducerFenced):
        await first.commit([], Committed(offset=2))
    assert await log.committed() == Committed(offset=1)
    await first.stop()
    await second.stop()
