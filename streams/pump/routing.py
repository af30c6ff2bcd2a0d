"""Which partition of its topic an output goes to, as every Kafka client computes it."""

from collections.abc import Sequence

from aiokafka.partitioner import murmur2

from streams.pump.ports import Partitions, Routed
from streams.pump.records import Output


def target_partition(key: bytes | None, partitions: int) -> int:
    """Return the partition of *key* (murmur2, as in Java); 0 without a key."""
    return 0 if key is None or partitions == 1 else (murmur2(key) & 0x7FFFFFFF) % partitions


def routed(outputs: Sequence[Output], partitions: Partitions) -> Routed:
    """Return *outputs*, each with its partition."""
    return [(output, target_partition(output.key, partitions[output.topic])) for output in outputs]
