"""The ends of the topics that projections read, asked with their own principal."""

import datetime as dt
import time
from collections.abc import Collection, Mapping

from confluent_kafka import Consumer, KafkaException, TopicPartition

from infra.home import Home
from infra.topology.credentials import Credentials
from schemas.errors import UnavailableError

CALL_S = 5.0
PEEK_S = 2.0
PRINCIPAL = "hub-projections"

Partition = tuple[str, int]
"""Topic and number."""
Vector = Mapping[Partition, int]
"""Offset by partition."""


class LogsUnavailableError(UnavailableError):
    """The broker does not say how long the topics are."""

    code = "logs-unavailable"


def bounds(
    home: Home, partitions: Collection[Partition], principal: str = PRINCIPAL
) -> Mapping[Partition, tuple[int, int]]:
    """Return beginning and end of each of *partitions* as they are now; raise LogsUnavailableError."""
    consumer = consumer_of(home, principal)
    try:
        return bounds_by(consumer, partitions)
    finally:
        consumer.close()


def bounds_by(consumer: Consumer, partitions: Collection[Partition]) -> Mapping[Partition, tuple[int, int]]:
    """Return what `bounds` does, asked with *consumer*."""
    try:
        return {
            (topic, number): consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=CALL_S)
            for topic, number in sorted(partitions)
        }
    except KafkaException as error:
        raise _unavailable(error) from None


def age_s(home: Home, positions: Vector) -> Mapping[Partition, float]:
    """Return how long ago the record at each of *positions* was written, seconds; without those not found in time."""
    found: dict[Partition, float] = {}
    if not positions:
        return found
    consumer = consumer_of(home)
    try:
        consumer.assign([TopicPartition(topic, number, offset) for (topic, number), offset in positions.items()])
        deadline = time.monotonic() + PEEK_S
        while len(found) < len(positions) and time.monotonic() < deadline:
            for message in consumer.consume(100, timeout=0.2):
                if message.error() is None:
                    place = (str(message.topic()), int(message.partition() or 0))
                    found.setdefault(place, max(0.0, time.time() - message.timestamp()[1] / 1000))
    except KafkaException:
        return found
    finally:
        consumer.close()
    return found


def at_time(home: Home, partitions: Collection[Partition], moment: dt.datetime, principal: str = PRINCIPAL) -> Vector:
    """Return for each of *partitions* the offset of the first record that the broker wrote at *moment* or later.

    It is the end of the log where there is none yet. Raises LogsUnavailableError.
    """
    consumer = consumer_of(home, principal)
    asked = [TopicPartition(topic, n, int(moment.timestamp() * 1000)) for topic, n in sorted(partitions)]
    try:
        found = {(each.topic, each.partition): each for each in consumer.offsets_for_times(asked, timeout=CALL_S)}
        if any(each.error is not None for each in found.values()):
            raise LogsUnavailableError("Kafka does not know the offsets of that time; look at `hub status`")
    except KafkaException as error:
        raise _unavailable(error) from None
    finally:
        consumer.close()
    ends = bounds(home, partitions, principal)
    return {place: one.offset if one.offset >= 0 else ends[place][1] for place, one in found.items()}


def _unavailable(error: KafkaException) -> LogsUnavailableError:
    return LogsUnavailableError(f"Kafka does not answer ({error.args[0].name()}); look at `hub status`")


def consumer_of(home: Home, principal: str = PRINCIPAL, **settings: object) -> Consumer:
    """Return a consumer of committed records that belongs to no group."""
    credentials = Credentials.of(home, principal)
    return Consumer(
        {
            **credentials.librdkafka(),
            "group.id": f"{credentials.principal}.status",
            "enable.auto.commit": False,
            "log_level": 0,
            **settings,
        }
    )
