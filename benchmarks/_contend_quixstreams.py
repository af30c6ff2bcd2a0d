"""Contender: a quixstreams application, at least once, in an environment of its own (see `_quix_environment.py`)."""

import tempfile
from typing import Any

from quixstreams import Application
from quixstreams.kafka.configuration import ConnectionConfig
from quixstreams.models import BytesSerializer, SerializationContext

from benchmarks._contender import Span, Task
from benchmarks._transform import Outcome, Transform


class MadeBytes(BytesSerializer):
    """Writes the bytes of an outcome."""

    def __call__(self, value: Any, ctx: SerializationContext) -> bytes:  # noqa: ARG002 - as it is called
        """Return the bytes."""
        made: bytes = value[2]
        return made


def main() -> None:
    """Run the task on standard input."""
    task, span = Task.given(), Span()
    transform = Transform(task.schemas, task.derived_id, bytes.fromhex(task.secret))
    app = Application(
        broker_address=ConnectionConfig(
            bootstrap_servers=task.bootstrap,
            security_protocol="SASL_SSL",
            sasl_mechanism="SCRAM-SHA-512",
            sasl_username=task.user,
            sasl_password=task.password,
            ssl_ca_location=task.ca_file,
        ),
        consumer_group=task.group,
        auto_offset_reset="earliest",
        auto_create_topics=False,
        state_dir=tempfile.mkdtemp(prefix="quixstreams-"),  # else a folder `state` where the command was given
        producer_extra_config={"enable.idempotence": True, "linger.ms": 5, "partitioner": "murmur2_random"},
        loglevel="ERROR",
    )
    source = app.topic(task.source, key_deserializer="bytes", value_deserializer="bytes")
    routes = {
        route: app.topic(name, key_serializer="bytes", value_serializer=MadeBytes())
        for route, name in task.routes.items()
    }
    seen = 0

    def work(value: bytes) -> Outcome:
        nonlocal seen
        span.begin()
        seen += 1
        return transform(value)

    frame = app.dataframe(source).apply(work)
    frame.to_topic(lambda made, *_: routes[made[0]], key=lambda made: made[1])
    app.run(count=task.events)  # stops with a checkpoint: everything flushed, offsets committed
    span.end()
    span.answer(seen)


if __name__ == "__main__":
    main()
