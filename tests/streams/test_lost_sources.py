"""A log that is gone, closed or made anew is an error, never an empty log; keys that agencies write are not read."""

from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import NoOffsetForPartitionError, TopicAuthorizationFailedError, UnknownTopicOrPartitionError

from schemas.names import TopicName
from streams.pump.kafka_log import KafkaLog
from streams.pump.ports import Checkpoint
from streams.pump.positions import ContradictionError
from streams.pump.records import Output
from streams.pump.recovery import recover

SOURCE = TopicPartition("in.rs-police", 0)


class Consumer:
    """As much of aiokafka's consumer as a log needs, with what the broker told of its topics."""

    def __init__(self, records: list[Any], *, known: set[str], closed: set[str] | None = None) -> None:
        self.records = records
        cluster = SimpleNamespace(
            partitions_for_topic=lambda topic: {0} if topic in known else None,
            topics=lambda: known,
            unauthorized_topics=closed or set(),
        )
        self._client = SimpleNamespace(cluster=cluster)

    async def getmany(self, source: TopicPartition, **_: int) -> dict[TopicPartition, list[Any]]:
        return {source: self.records} if self.records else {}


def record() -> SimpleNamespace:
    return SimpleNamespace(partition=0, offset=4, key=b"a name", value=b"x", timestamp=1, timestamp_type=1)


async def test_an_empty_log_is_empty() -> None:
    assert await KafkaLog(Consumer([], known={SOURCE.topic}), SOURCE).read(0, 1) == []


async def test_a_topic_that_is_gone_is_not_taken_for_an_empty_one() -> None:
    with pytest.raises(UnknownTopicOrPartitionError):
        await KafkaLog(Consumer([], known={"ledger"}), SOURCE).read(0, 1)


async def test_a_topic_that_is_closed_is_not_taken_for_an_empty_one() -> None:
    with pytest.raises(TopicAuthorizationFailedError):
        await KafkaLog(Consumer([], known={"ledger"}, closed={SOURCE.topic}), SOURCE).read(0, 1)


async def test_what_an_agency_wrote_into_a_key_is_not_taken_up() -> None:
    (found,) = await KafkaLog(Consumer([record()], known={SOURCE.topic}), SOURCE, with_keys=False).read(0, 1)
    (keyed,) = await KafkaLog(Consumer([record()], known={SOURCE.topic}), SOURCE).read(0, 1)

    assert (found.key, keyed.key) == (None, b"a name")


async def test_an_error_from_before_the_first_seek_is_none() -> None:
    consumer = Consumer([], known={SOURCE.topic})

    async def failing(_source: TopicPartition, **_: int) -> dict[TopicPartition, list[Any]]:
        raise NoOffsetForPartitionError(SOURCE)

    consumer.getmany = failing  # type: ignore[method-assign]
    assert await KafkaLog(consumer, SOURCE).read(0, 1) == []


class Books:
    """The books of a place whose checkpoint was deleted while its outbox still held an output."""

    def __init__(self, *, outbox: int) -> None:
        self.pending = [(Output(topic=TopicName("ledger"), value=b"x"), 0)] * outbox
        self.begun = False

    @asynccontextmanager
    async def transaction(self) -> Any:
        yield None

    async def checkpoint(self, _transaction: Any) -> Checkpoint | None:
        return None

    async def pending_outputs(self, *_: Any) -> list[tuple[Output, int]]:
        return self.pending

    async def begin(self, *_: Any) -> None:
        self.begun = True

    async def own(self, *_: Any, is_first: bool) -> int:
        return int(is_first)

    async def parked(self, _transaction: Any) -> list[tuple[bytes | None, int]]:
        return []

    async def forget_outputs(self, *_: Any) -> None:
        return None


@pytest.mark.parametrize("outbox", [0, 2])
async def test_an_outbox_of_another_history_is_never_published_again(outbox: int) -> None:
    published: list[Any] = []

    async def nothing(*_: Any) -> None:
        return None

    async def bounds() -> tuple[int, int]:
        return 0, 2

    async def commit(outputs: Any, _reached: Any) -> None:
        published.extend(outputs)

    log: Any = SimpleNamespace(committed=nothing, bounds=bounds, seek=lambda _offset: None, resume=lambda: None)
    producer: Any = SimpleNamespace(start=nothing, commit=commit)
    books: Any = Books(outbox=outbox)
    recovering = recover(log=log, books=books, producer=producer, stateful=True, is_first=True)
    if outbox:
        with pytest.raises(ContradictionError, match="outbox"):
            await recovering
    else:
        await recovering
    assert (published, books.begun) == ([], not outbox)
