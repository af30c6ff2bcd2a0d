"""Which partition of its topic an output goes to, as every Kafka client computes it."""

import struct
from collections.abc import Sequence
from functools import lru_cache

from streams.pump.ports import Partitions, Routed
from streams.pump.records import Output

_M, _SEED, _MASK = 0x5BD1E995, 0x9747B28C, 0xFFFFFFFF
KEYS_KEPT = 16_384
"""Records of one case come together more often than not."""


def murmur2(data: bytes) -> int:
    """Return Kafka's hash of *data* (org.apache.kafka.common.utils.Utils), unsigned.

    Our own, a word at a time: aiokafka's goes byte by byte and costs twice as much. A test holds it to that one.
    """
    words = len(data) >> 2
    value = _SEED ^ len(data)
    for word in struct.unpack_from(f"<{words}I", data):
        mixed = word * _M & _MASK
        value = (value * _M & _MASK) ^ ((mixed ^ mixed >> 24) * _M & _MASK)
    if rest := data[words * 4 :]:
        value = (value ^ int.from_bytes(rest, "little")) * _M & _MASK
    value = (value ^ value >> 13) * _M & _MASK
    return value ^ value >> 15


@lru_cache(maxsize=KEYS_KEPT)
def target_partition(key: bytes | None, partitions: int) -> int:
    """Return the partition of *key* (murmur2, as in Java); 0 without a key."""
    return 0 if key is None or partitions == 1 else (murmur2(key) & 0x7FFFFFFF) % partitions


def routed(outputs: Sequence[Output], partitions: Partitions) -> Routed:
    """Return *outputs*, each with its partition."""
    return [(output, target_partition(output.key, partitions[output.topic])) for output in outputs]
