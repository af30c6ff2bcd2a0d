"""The reader's side of one partition, on a Kafka consumer that several partitions share."""

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import NoOffsetForPartitionError, TopicAuthorizationFailedError, UnknownTopicOrPartitionError

from schemas.names import TopicName
from streams.pump.ports import Committed
from streams.pump.records import SourceRecord

_BY_THE_BROKER = 1
"""Kafka's number for LogAppendTime."""


class KafkaLog:
    """The partition *source* of *consumer*; keys that mean nothing here are not even taken up (*with_keys*)."""

    def __init__(self, consumer: AIOKafkaConsumer, source: TopicPartition, *, with_keys: bool = True) -> None:
        self._consumer = consumer
        self._source = source
        self._with_keys = with_keys
        self._topic = TopicName(source.topic)

    async def committed(self) -> Committed | None:
        """Return what the group has committed, None before the first commit."""
        # `committed()` keeps the metadata to itself, which holds the number of retries.
        coordinator = self._consumer._coordinator  # noqa: SLF001 - as above; a test holds aiokafka to it
        found = (await coordinator.fetch_committed_offsets([self._source])).get(self._source)
        if found is None or found.offset < 0:
            return None
        return Committed(offset=found.offset, retries=int(found.metadata or 0))

    async def bounds(self) -> tuple[int, int]:
        """Return the offsets of the beginning and the end of the log."""
        self._require_visible()
        beginning = await self._consumer.beginning_offsets([self._source])
        end = await self._consumer.end_offsets([self._source])
        return beginning[self._source], end[self._source]

    async def position(self) -> int:
        """Return the offset of the next record to read; markers of transactions count in it."""
        return int(await self._consumer.position(self._source))

    async def read(self, timeout_ms: int, records_max: int) -> list[SourceRecord]:
        """Return the next records, none when there are none within *timeout_ms*.

        Raises OffsetOutOfRangeError when the position is no longer in the log.
        """
        try:
            fetched = await self._consumer.getmany(self._source, timeout_ms=timeout_ms, max_records=records_max)
        except NoOffsetForPartitionError:  # from before the first seek
            return []
        if not fetched:
            self._require_visible()  # else a topic that is gone looks like one that is empty
        topic, partition, with_keys = self._topic, self._source.partition, self._with_keys
        return [
            SourceRecord(
                topic,
                partition,
                record.offset,
                record.key if with_keys else None,
                record.value,
                record.timestamp if record.timestamp_type == _BY_THE_BROKER else None,
            )
            for record in fetched.get(self._source, ())
        ]

    def _require_visible(self) -> None:
        cluster = self._consumer._client.cluster  # noqa: SLF001 - aiokafka tells nobody that a topic has gone
        if cluster.partitions_for_topic(self._topic):
            return
        if self._topic in cluster.unauthorized_topics:
            raise TopicAuthorizationFailedError(self._topic)
        if cluster.topics():  # else nothing is known yet
            raise UnknownTopicOrPartitionError(self._topic)

    def seek(self, offset: int) -> None:
        """Read on from *offset*."""
        self._consumer.seek(self._source, offset)

    def pause(self) -> None:
        """Fetch nothing for the partition until `resume`: what waits here must not hold up the others."""
        if self._source in self._consumer.assignment():
            self._consumer.pause(self._source)

    def resume(self) -> None:
        """Fetch again."""
        self._consumer.resume(self._source)
