"""Kafka clients as every part of the hub makes them: TLS, SCRAM, and settings that lose nothing."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Iterable, Sequence

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError, ProducerClosed
from aiokafka.structs import ConsumerRecord

from infra.settings import settings
from infra.topology.credentials import Credentials
from schemas.codec import Codec

REQUEST_BYTES_MAX = 4 * 1024 * 1024
BATCH_BYTES_MAX = 512 * 1024
FETCH_BYTES_MAX = 2 * 1024 * 1024
METADATA_MS = 10_000
"""A topic that came back, or a right that was given back, is noticed after so long at the latest."""


def security_of(credentials: Credentials) -> dict[str, object]:
    """Return the connection settings of *credentials* as aiokafka takes them."""
    return {
        "bootstrap_servers": credentials.bootstrap,
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": credentials.principal,
        "sasl_plain_password": credentials.password,
        "ssl_context": ssl.create_default_context(cafile=str(credentials.ca_file)),
    }


def producer_for(
    credentials: Credentials,
    *,
    transactional_id: str | None = None,
    transaction_timeout_ms: int = 60_000,
    linger_ms: int = 0,
    compression: str | None = None,
) -> AIOKafkaProducer:
    """Return an idempotent producer (acks=all), transactional when it has a *transactional_id*."""
    return AIOKafkaProducer(
        **security_of(credentials),
        acks="all",
        enable_idempotence=True,
        transactional_id=transactional_id,
        transaction_timeout_ms=transaction_timeout_ms,
        max_batch_size=BATCH_BYTES_MAX,
        max_request_size=REQUEST_BYTES_MAX,
        linger_ms=linger_ms,
        compression_type=compression,
    )


async def discard(producer: AIOKafkaProducer, timeout_s: float = 5.0) -> None:
    """Stop *producer* without waiting for what it has not delivered: `stop` alone would wait for an absent broker.

    What was under way may have reached the broker or not.
    """
    sender = producer._sender  # noqa: SLF001 - aiokafka has no public way to give up
    producer._message_accumulator.fail_all(ProducerClosed())  # noqa: SLF001 - as above
    if sender.sender_task is not None:
        sender.sender_task.cancel()
    # Waited for as tasks: it is thrown away, whatever they come to, and what was cancelled in it was not our caller.
    for stopping in (producer.client.close(), producer.stop()):
        task = asyncio.ensure_future(stopping)
        await asyncio.wait({task}, timeout=timeout_s)
        if not task.cancel() and not task.cancelled():
            task.exception()


def consumer_for(
    credentials: Credentials,
    *,
    group: str | None = None,
    read_committed: bool = True,
    member: str | None = None,
    seeks: bool = False,
) -> AIOKafkaConsumer:
    """Return a consumer that commits nothing by itself and begins at the start of a topic.

    With *member*, a name that nobody else uses at the same time, it is a static member of *group*. One that *seeks*
    is told when its position is no longer in the log; any other would go to the start of it in silence.
    """
    return AIOKafkaConsumer(
        **security_of(credentials),
        group_id=group,
        group_instance_id=member,
        enable_auto_commit=False,
        auto_offset_reset="none" if seeks else "earliest",
        metadata_max_age_ms=METADATA_MS,
        isolation_level="read_committed" if read_committed else "read_uncommitted",
        session_timeout_ms=settings().session_timeout_ms,
        max_partition_fetch_bytes=FETCH_BYTES_MAX,
        fetch_max_wait_ms=200,
        max_poll_interval_ms=600_000,
    )


async def whole(
    consumer: AIOKafkaConsumer, sources: Sequence[TopicPartition]
) -> AsyncIterator[tuple[TopicPartition, Sequence[ConsumerRecord]]]:
    """Assign *sources* to *consumer* and yield their records, from the first that is kept to the end as it is now."""
    consumer.assign(sources)
    for source, first in (await consumer.beginning_offsets(sources)).items():
        consumer.seek(source, first)
    async for found in to_the_end(consumer, sources):
        yield found


@contextlib.asynccontextmanager
async def reading(
    credentials: Credentials, codec: Codec, sources: Sequence[TopicPartition], *, patience_s: float = 1.0
) -> AsyncIterator[AsyncIterator[tuple[TopicPartition, Sequence[ConsumerRecord]]]]:
    """Connect while the block runs, and give it what `whole` yields of *sources*; *codec* has learnt the schemas."""
    consumer = consumer_for(credentials)
    try:
        await consumer.start()
        yield _learnt(whole(consumer, sources), codec)
    finally:
        await let_go(consumer, patience_s)


async def _learnt(
    found: AsyncIterator[tuple[TopicPartition, Sequence[ConsumerRecord]]], codec: Codec
) -> AsyncIterator[tuple[TopicPartition, Sequence[ConsumerRecord]]]:
    async for source, records in found:
        await codec.learn_aside([record.value for record in records])
        yield source, records


async def to_the_end(
    consumer: AIOKafkaConsumer, sources: Sequence[TopicPartition]
) -> AsyncIterator[tuple[TopicPartition, Sequence[ConsumerRecord]]]:
    """Yield the records of *sources* from where *consumer* is to the end as it is now."""
    ends = await consumer.end_offsets(sources)
    while any([await consumer.position(source) < ends[source] for source in sources]):
        for found in (await consumer.getmany(timeout_ms=300)).items():
            yield found


async def let_go(consumer: AIOKafkaConsumer, patience_s: float = 1.0) -> None:
    """Stop *consumer*, which has nothing left to commit, and wait no longer than *patience_s* for its connections.

    On uvloop the end of a TLS connection now and then takes the thirty seconds that uvloop allows for it.
    """
    with contextlib.suppress(KafkaError, TimeoutError, OSError):
        await asyncio.wait_for(consumer.stop(), patience_s)


async def append(credentials: Credentials, topic: str, values: Iterable[bytes]) -> None:
    """Write *values* to *topic* in order; returns when all are acknowledged, raises KafkaError when one is not."""
    producer = producer_for(credentials)
    try:
        await producer.start()
        for value in values:
            await producer.send_and_wait(topic, value)
    finally:
        await producer.stop()
