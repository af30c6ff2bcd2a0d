"""The topics of agencies as the broker has them: where intake is, where they end, deleting from their start.

Each act is done by the principal that may do it: hub-truncator deletes and nothing else, hub-intake, which writes the
ledger anyway, writes the marker. Everything here blocks: call it from a thread.
"""

from collections.abc import Collection, Mapping
from concurrent.futures import Future
from typing import Any, TypeVar

from confluent_kafka import ConsumerGroupTopicPartitions, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from infra.topology.credentials import Credentials
from schemas.errors import UnavailableError
from schemas.names import TopicName

T = TypeVar("T")
TIMEOUT_S = 8.0
PARTITION = 0
"""A topic of an agency has one."""


class ArrivalsUnavailableError(UnavailableError):
    """The broker does not say or do what truncation needs; it tries again."""

    code = "arrivals-unavailable"


class Arrivals:
    """The broker, as the principals of *truncator* and *intake*, whose consumer group is *group*."""

    def __init__(self, truncator: Credentials, intake: Credentials, group: str) -> None:
        quiet = {"log_level": 0}
        self._truncator = AdminClient({**truncator.librdkafka(), **quiet})
        self._intake = AdminClient({**intake.librdkafka(), **quiet})
        self._producer = Producer(
            {**intake.librdkafka(), **quiet, "enable.idempotence": True, "delivery.timeout.ms": int(TIMEOUT_S * 1000)}
        )
        self._group = group

    def committed(self, topics: Collection[TopicName]) -> dict[TopicName, int]:
        """Return what intake's group has committed, without the topics where it has committed nothing yet."""
        asked = ConsumerGroupTopicPartitions(self._group, [TopicPartition(topic, PARTITION) for topic in topics])
        futures = self._intake.list_consumer_group_offsets([asked], require_stable=True, request_timeout=TIMEOUT_S)
        found = _result(futures[self._group]).topic_partitions or []
        return {TopicName(each.topic): each.offset for each in found if each.error is None and each.offset >= 0}

    def ends(self, topics: Collection[TopicName]) -> dict[TopicName, int]:
        """Return the end of each topic that the broker shows."""
        wanted = {TopicPartition(topic, PARTITION): OffsetSpec.latest() for topic in topics}  # type: ignore[no-untyped-call]
        futures = self._intake.list_offsets(wanted, request_timeout=TIMEOUT_S)
        return {
            TopicName(place.topic): future.result(TIMEOUT_S).offset
            for place, future in futures.items()
            if _settled(future)
        }

    def delete(self, until: Mapping[TopicName, int]) -> dict[TopicName, int]:
        """Delete the records of each topic before its offset; return the topics where that was done."""
        if not until:
            return {}
        places = [TopicPartition(topic, PARTITION, offset) for topic, offset in until.items()]
        futures = self._truncator.delete_records(places, request_timeout=TIMEOUT_S, operation_timeout=TIMEOUT_S)
        return {TopicName(place.topic): place.offset for place, future in futures.items() if _settled(future)}

    def mark(self, topic: TopicName, value: bytes) -> int:
        """Append the marker *value* to *topic* and return where the topic ends then."""
        found: list[int | KafkaError] = []

        def delivered(error: KafkaError | None, message: Any) -> None:
            found.append(message.offset() + 1 if error is None else error)

        self._producer.produce(topic, value, partition=PARTITION, on_delivery=delivered)
        self._producer.flush(TIMEOUT_S)
        if not found or not isinstance(found[0], int):
            raise ArrivalsUnavailableError("the broker did not take a marker")
        return found[0]


def _settled(future: "Future[object]") -> bool:
    """Whether *future* has a result; one topic that is away is no reason to leave the others."""
    try:
        future.result(TIMEOUT_S)
    except (KafkaException, TimeoutError):
        return False
    return True


def _result(future: "Future[T]") -> T:
    try:
        return future.result(TIMEOUT_S)
    except (KafkaException, TimeoutError) as error:
        raise ArrivalsUnavailableError(f"the broker does not answer ({type(error).__name__})") from None
