"""The ends of the topics that projections read, asked with their own principal."""

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


class LogsUnavailableError(UnavailableError):
    """The broker does not say how long the topics are."""

    code = "logs-unavailable"


def bounds(home: Home, partitions: Collection[Partition]) -> Mapping[Partition, tuple[int, int]]:
    """Return beginning and end of each of *partitions* as they are now; raise LogsUnavailableError."""
    consumer = _consumer(home)
    try:
        return {
            (topic, number): consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=CALL_S)
            for topic, number in sorted(partitions)
        }
    except KafkaException as error:
        code = error.args[0].name()
        raise LogsUnavailableError(f"Kafka does not answer ({code}); look at `hub status`") from None
    finally:
        consumer.close()


def age_s(home: Home, positions: Mapping[Partition, int]) -> Mapping[Partition, float]:
    """Return how long ago the record at each of *positions* was written, seconds; without those not found in time."""
    found: dict[Partition, float] = {}
    if not positions:
        return found
    consumer = _consumer(home)
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


def _consumer(home: Home) -> Consumer:
    credentials = Credentials.of(home, PRINCIPAL)
    return Consumer(
        {
            "bootstrap.servers": credentials.bootstrap,
            "security.protocol": "SASL_SSL",
            "sasl.mechanism": "SCRAM-SHA-512",
            "sasl.username": credentials.principal,
            "sasl.password": credentials.password,
            "ssl.ca.location": str(credentials.ca_file),
            "group.id": f"{credentials.principal}.status",
            "enable.auto.commit": False,
            "log_level": 0,
        }
    )
