"""The Kafka side of exactly-once: one transactional producer per input partition."""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.partitioner import murmur2

from infra.kafka import producer_for
from infra.topology.credentials import Credentials
from schemas.errors import RejectedError
from schemas.names import TopicName
from streams import failpoints
from streams.checkpoints import Place
from streams.records import Output

TRANSACTION_TIMEOUT_MS = 10_000
"""A stuck transaction blocks every read_committed reader for so long at most (streaming.md section 4c)."""


class TooLargeError(RejectedError):
    """An output is larger than the producer may send."""

    code = "output-too-large"


def target_partition(key: bytes | None, partitions: int) -> int:
    """Return the partition of *key* as every Kafka client computes it (murmur2); 0 without a key."""
    return 0 if key is None or partitions == 1 else (murmur2(key) & 0x7FFFFFFF) % partitions


class PartitionProducer:
    """The transactional producer of *place*; starting it fences every earlier owner."""

    def __init__(self, place: Place, credentials: Credentials, group: str) -> None:
        self._place = place
        self._group = group
        self._producer: AIOKafkaProducer = producer_for(
            credentials,
            transactional_id=f"hub.{place.processor}.{place.topic}.{place.partition}",
            transaction_timeout_ms=TRANSACTION_TIMEOUT_MS,
        )

    async def start(self) -> None:
        """Fence the previous owner: its open transaction is aborted before this returns."""
        await self._producer.start()

    async def stop(self) -> None:
        """Stop whatever state the producer is in."""
        with contextlib.suppress(Exception):  # it is thrown away; a new one fences what it left behind
            await asyncio.wait_for(self._producer.stop(), timeout=5)

    async def commit(self, outputs: Sequence[tuple[Output, int]], reached: int) -> None:
        """Write *outputs* and the source offset *reached* in one transaction."""
        source = TopicPartition(self._place.topic, self._place.partition)
        async with self._producer.transaction():
            await self._send(outputs)
            await self._producer.send_offsets_to_transaction({source: reached}, self._group)
            failpoints.reached(self._place.processor, "before-kafka-commit")

    async def _send(self, outputs: Sequence[tuple[Output, int]]) -> None:
        by_target: dict[tuple[TopicName, int], list[Output]] = {}
        for output, partition in outputs:
            by_target.setdefault((output.topic, partition), []).append(output)
        acknowledged = [await self._send_to(target, several) for target, several in by_target.items()]
        await asyncio.gather(*(future for futures in acknowledged for future in futures))

    async def _send_to(
        self, target: tuple[TopicName, int], outputs: Sequence[Output]
    ) -> list["asyncio.Future[object]"]:
        topic, partition = target
        futures = []
        batch = self._producer.create_batch()
        for output in outputs:
            if batch.append(key=output.key, value=output.value, timestamp=None) is None:
                batch.close()
                futures.append(await self._producer.send_batch(batch, topic, partition=partition))
                batch = self._producer.create_batch()
                if batch.append(key=output.key, value=output.value, timestamp=None) is None:
                    raise TooLargeError(f"an output for {topic} is larger than a batch may be")
        batch.close()
        futures.append(await self._producer.send_batch(batch, topic, partition=partition))
        return futures


Partitions = Mapping[TopicName, int]
"""How many partitions each output topic has."""
