"""Clients that share no code with the hub: confluent-kafka with its own Avro and registry, on given credentials."""

import time
from collections.abc import Callable
from typing import Any

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaException, TopicPartition
from confluent_kafka.schema_registry import SchemaRegistryClient, topic_record_subject_name_strategy
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

from infra.home import Home
from infra.topology.credentials import Credentials

WAIT_S = 60.0


def settings_of(home: Home, principal: str) -> dict[str, Any]:
    """Return what `hub credentials PRINCIPAL --format librdkafka` writes, as confluent-kafka takes it."""
    lines = Credentials.of(home, principal).text("librdkafka").splitlines()
    return {"log_level": 0, **dict(line.split("=", 1) for line in lines if not line.startswith("#"))}


def registry_of(home: Home, principal: str) -> SchemaRegistryClient:
    """Return Confluent's registry client on the access server."""
    credentials = Credentials.of(home, principal)
    return SchemaRegistryClient(
        {
            "url": credentials.registry_url,
            "basic.auth.user.info": f"{principal}:{credentials.password}",
            "ssl.ca.location": str(credentials.ca_file),
        }
    )


def encoded(home: Home, principal: str, topic: str, schema: str, record: dict[str, Any]) -> bytes:
    """Return *record* as Confluent's own serialiser writes it for *topic*, with nothing registered by it."""
    conf = {
        "auto.register.schemas": False,
        "use.latest.version": True,
        "subject.name.strategy": topic_record_subject_name_strategy,
    }
    serialise = AvroSerializer(registry_of(home, principal), schema, conf=conf)
    return bytes(serialise(record, SerializationContext(topic, MessageField.VALUE)))


def event_on(home: Home, principal: str, topic: str, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """Return the first event that is *wanted* on *topic*, read by Confluent's consumer and deserialiser.

    Raises KafkaException when the broker refuses.
    """
    conf = {"subject.name.strategy": topic_record_subject_name_strategy}
    decode = AvroDeserializer(registry_of(home, principal), conf=conf)
    consumer = Consumer(
        {
            **settings_of(home, principal),
            "group.id": f"{principal}.interop",
            "enable.auto.commit": False,
            "isolation.level": "read_committed",
        }
    )
    try:
        if (refusal := consumer.list_topics(topic, timeout=20).topics[topic].error) is not None:
            raise KafkaException(refusal)
        consumer.assign([TopicPartition(topic, 0, OFFSET_BEGINNING)])
        deadline = time.monotonic() + WAIT_S
        while time.monotonic() < deadline:
            message = consumer.poll(0.5)
            if message is None:
                continue
            if (error := message.error()) is not None:
                raise KafkaException(error)
            event: dict[str, Any] = decode(message.value(), SerializationContext(topic, MessageField.VALUE))
            if wanted(event):
                return event
    finally:
        consumer.close()
    raise AssertionError(f"not on {topic} within {WAIT_S:.0f} s")
