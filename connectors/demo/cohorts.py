"""What left on the non-personal channels, counted by somebody who trusts nobody: classes as any reader sees them."""

from collections import Counter
from dataclasses import dataclass
from typing import cast

from aiokafka import TopicPartition

from infra.kafka import consumer_for, let_go, whole
from infra.topology.credentials import Credentials
from infra.topology.model import Topology
from schemas.catalogue import hub_contract
from schemas.channel_rules import kinds
from schemas.codec import Codec

HEAD = hub_contract("CohortReleased").fullname


@dataclass(frozen=True, slots=True)
class Classes:
    """The classes of one tier: rows of a batch that say the same in the columns by which they are grouped."""

    rows: int
    classes: int
    smallest: int | None
    """Persons in the smallest class; None when nothing has left."""
    too_small: int
    """Classes of fewer persons than the head of their batch promises."""


async def classes_of(credentials: Credentials, codec: Codec, topology: Topology, tier: str) -> Classes:
    """Return the classes that `anon.<tier>` shows, from its first record on."""
    axes = sorted({axis for population in topology.populations for axis in population.axes})
    sizes: Counter[tuple[object, ...]] = Counter()
    promised: dict[bytes, int] = {}
    consumer = consumer_for(credentials)
    await consumer.start()
    try:
        async for _, records in whole(consumer, [TopicPartition(f"anon.{tier}", 0)]):
            await codec.learn_aside([record.value for record in records])
            for record in records:
                decoded = codec.decode(record.value)
                if decoded.fullname == HEAD:
                    promised[record.key] = cast("int", decoded.record["k"])
                    continue
                said = [str(decoded.record.get(axis)) for axis in axes]
                split = kinds("anon")[decoded.fullname.rpartition(".")[2]].split
                part = None if split is None else decoded.record.get(split)
                sizes[(record.key, decoded.fullname, part, *said)] += 1
    finally:
        await let_go(consumer)
    too_small = sum(size < promised.get(cast("bytes", each[0]), size + 1) for each, size in sizes.items())
    return Classes(sum(sizes.values()), len(sizes), min(sizes.values(), default=None), too_small)
