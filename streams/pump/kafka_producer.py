"""The Kafka side of exactly-once: one transactional producer per input partition."""

import asyncio
import contextlib
from collections.abc import Sequence

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import (
    IllegalOperation,
    InvalidTxnState,
    KafkaError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
)
from aiokafka.structs import OffsetAndMetadata

from infra.kafka import producer_for
from infra.topology.credentials import Credentials
from schemas.names import TopicName
from streams.pump import failpoints
from streams.pump.parking import TooLargeError
from streams.pump.ports import Committed, Place, Routed
from streams.pump.records import Output

TRANSACTION_TIMEOUT_MS = 10_000
"""A stuck transaction blocks every read_committed reader for so long at most (streaming.md section 4c)."""
COMMIT_S_MAX = TRANSACTION_TIMEOUT_MS / 1000
"""The broker gives up a transaction by then. aiokafka would go on trying for ever, and nobody would see why."""
ABORT_S_MAX = 2.0
STOP_S_MAX = 5.0


class PartitionProducer:
    """The transactional producer of *place*; starting it fences every earlier owner.

    It is made anew after every error: one that does not know the fate of its last request keeps failing.
    """

    def __init__(self, place: Place, credentials: Credentials, group: str) -> None:
        self._place = place
        self._group = group
        self._producer: AIOKafkaProducer | None = producer_for(
            credentials,
            transactional_id=f"hub.{place.processor}.{place.topic}.{place.partition}",
            transaction_timeout_ms=TRANSACTION_TIMEOUT_MS,
        )

    async def start(self) -> None:
        """Fence the previous owner: its open transaction is aborted before this returns."""
        assert self._producer is not None, "a producer that was stopped is not used again"
        await self._producer.start()

    async def stop(self) -> None:
        """Stop whatever state the producer is in; a second call does nothing."""
        producer, self._producer = self._producer, None
        if producer is not None:
            with contextlib.suppress(Exception):  # it is thrown away; a new one fences what it left behind
                await asyncio.wait_for(producer.stop(), timeout=STOP_S_MAX)

    async def commit(self, outputs: Routed, reached: Committed) -> None:
        """Write *outputs* and the position *reached* in one transaction; return when Kafka has both.

        The number of retries goes as the metadata of the offset, so that it is committed with their outputs.
        """
        assert self._producer is not None, "a producer that was stopped is not used again"
        producer = self._producer
        try:
            async with asyncio.timeout(COMMIT_S_MAX):
                await self._commit(producer, outputs, reached)
        except BaseException as error:
            with contextlib.suppress(Exception):  # a new producer ends the transaction too; readers wait less like this
                async with asyncio.timeout(ABORT_S_MAX):
                    await producer.abort_transaction()
            if isinstance(error, TimeoutError):
                raise await _named(error, producer, outputs) from None
            raise

    async def _commit(self, producer: AIOKafkaProducer, outputs: Routed, reached: Committed) -> None:
        source = TopicPartition(self._place.topic, self._place.partition)
        offset = OffsetAndMetadata(reached.offset, str(reached.retries))
        await producer.begin_transaction()
        await self._send(producer, outputs)
        failpoints.reached(self._place.processor, "after-produce")
        await producer.send_offsets_to_transaction({source: offset}, self._group)
        failpoints.reached(self._place.processor, "before-kafka-commit")
        await producer.commit_transaction()

    async def _send(self, producer: AIOKafkaProducer, outputs: Routed) -> None:
        by_target: dict[tuple[TopicName, int], list[Output]] = {}
        for output, partition in outputs:
            by_target.setdefault((output.topic, partition), []).append(output)
        sent: list[asyncio.Future[object]] = []
        ended: list[BaseException] = []
        try:
            for target, several in by_target.items():
                await _send_to(producer, target, several, sent)
        except IllegalOperation:  # what was sent before has ended the transaction, and says why
            ended.append(KafkaError("the transaction ended before all was sent"))
        found = [
            each for each in await asyncio.gather(*sent, return_exceptions=True) if isinstance(each, BaseException)
        ]
        if found or ended:
            raise min((*found, *ended), key=lambda error: type(error) in (InvalidTxnState, KafkaError))


async def _named(error: TimeoutError, producer: AIOKafkaProducer, outputs: Routed) -> Exception:
    """Return why a commit took too long: a topic that is missing or closed, else *error*."""
    topics = {output.topic for output, _ in outputs}
    with contextlib.suppress(KafkaError, TimeoutError, OSError):
        async with asyncio.timeout(ABORT_S_MAX):
            await producer.client.force_metadata_update()
    cluster = producer.client.cluster
    found: Exception = error
    if topics & cluster.unauthorized_topics:
        found = TopicAuthorizationFailedError("a topic that is written to")
    elif topics - cluster.topics(exclude_internal_topics=False):
        found = UnknownTopicOrPartitionError("a topic that is written to")
    return found


async def _send_to(
    producer: AIOKafkaProducer,
    target: tuple[TopicName, int],
    outputs: Sequence[Output],
    sent: list["asyncio.Future[object]"],
) -> None:
    """Send *outputs* to one partition in as few batches as hold them, and note the future of each in *sent*."""
    topic, partition = target
    batch = producer.create_batch()
    for output in outputs:
        if batch.append(key=output.key, value=output.value, timestamp=output.timestamp_ms) is None:
            batch.close()
            sent.append(await producer.send_batch(batch, topic, partition=partition))
            batch = producer.create_batch()
            if batch.append(key=output.key, value=output.value, timestamp=output.timestamp_ms) is None:
                raise TooLargeError(f"an output for {topic} is larger than a batch may be")
    batch.close()
    sent.append(await producer.send_batch(batch, topic, partition=partition))
