"""Contender: a bare loop on aiokafka, at least once: getmany, send_batch, commit of the offsets."""

import asyncio
import ssl
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.partitioner import murmur2

from benchmarks._contender import BATCH, POLL_S, Span, Task
from benchmarks._transform import Transform

BATCH_BYTES = 512 * 1024


def connection(task: Task) -> dict[str, Any]:
    """Return how aiokafka connects."""
    return {
        "bootstrap_servers": task.bootstrap,
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": task.user,
        "sasl_plain_password": task.password,
        "ssl_context": ssl.create_default_context(cafile=task.ca_file),
    }


async def send(producer: AIOKafkaProducer, target: tuple[str, int], outcomes: list[tuple[bytes, bytes]]) -> list[Any]:
    """Send *outcomes* (key and value) to *target* in as few batches as hold them; return their futures."""
    topic, partition = target
    futures, batch = [], producer.create_batch()
    for key, value in outcomes:
        if batch.append(key=key, value=value, timestamp=None) is None:
            futures.append(await producer.send_batch(batch, topic, partition=partition))
            batch = producer.create_batch()
            batch.append(key=key, value=value, timestamp=None)
    futures.append(await producer.send_batch(batch, topic, partition=partition))
    return futures


async def run(task: Task, span: Span) -> int:
    """Process every event and return how many there were."""
    transform = Transform(task.schemas, task.derived_id, bytes.fromhex(task.secret))
    producer = AIOKafkaProducer(
        **connection(task), acks="all", enable_idempotence=True, max_batch_size=BATCH_BYTES, max_request_size=4 << 20
    )
    consumer = AIOKafkaConsumer(
        *[task.source], **connection(task), group_id=task.group, enable_auto_commit=False, auto_offset_reset="earliest"
    )
    await producer.start()
    await consumer.start()
    seen = 0
    while seen < task.events:
        fetched = await consumer.getmany(timeout_ms=int(POLL_S * 1000), max_records=BATCH * task.partitions)
        if not fetched:
            continue
        span.begin()
        by_target: dict[tuple[str, int], list[tuple[bytes, bytes]]] = {}
        for record in (record for records in fetched.values() for record in records):
            route, key, value = transform(record.value)
            target = task.routes[route], (murmur2(key) & 0x7FFFFFFF) % task.partitions
            by_target.setdefault(target, []).append((key, value))
            seen += 1
        sent = [await send(producer, target, several) for target, several in by_target.items()]
        await asyncio.gather(*(future for futures in sent for future in futures))
        await consumer.commit()
        span.end()
    await consumer.stop()
    await producer.stop()
    return seen


def main() -> None:
    """Run the task on standard input."""
    task, span = Task.given(), Span()
    span.answer(asyncio.run(run(task, span)))


if __name__ == "__main__":
    main()
