"""The simulation finds what it is for: a pump, a log or books without one of their rules fail in few worlds."""

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from streams.pump.parking import Sequences
from streams.pump.partition import Partition
from streams.pump.ports import Checkpoint, Committed
from streams.pump.retrying import Desk
from tests.simulation.database import MemoryBooks
from tests.simulation.kafka import MemoryLog, MemoryProducer
from tests.simulation.running import simulate
from tests.simulation.toy import Toy

WORLDS = 200
Patch = Callable[[pytest.MonkeyPatch], None]


def outbox_not_published(patch: pytest.MonkeyPatch) -> None:
    async def nothing(*_: Any) -> list[Any]:
        return []

    patch.setattr(MemoryBooks, "pending_outputs", nothing)


def outbox_forgotten_too_early(patch: pytest.MonkeyPatch) -> None:
    async def forget(self: Any, transaction: Any, _: Committed) -> None:
        (await self._page(transaction)).outbox = {}

    patch.setattr(MemoryBooks, "forget_outputs", forget)


def previous_owner_not_fenced(patch: pytest.MonkeyPatch) -> None:
    async def start(self: Any) -> None:
        self._epoch = self._cluster.epochs[self._id]

    patch.setattr(MemoryProducer, "start", start)


def no_seek(patch: pytest.MonkeyPatch) -> None:
    seek = MemoryLog.seek
    patch.setattr(MemoryLog, "seek", lambda self, offset: seek(self, offset) if self._position is None else None)


def checkpoint_not_compared(patch: pytest.MonkeyPatch) -> None:
    def expected(_: Partition, stored: Checkpoint) -> int:
        return stored.next_offset

    async def advance(self: Any, transaction: Any, _seen: int, reached: int) -> None:
        page, checkpoint = await self._at(transaction)
        page.checkpoint = dataclasses.replace(checkpoint, next_offset=reached)

    patch.setattr(Partition, "_expected", expected)
    patch.setattr(MemoryBooks, "advance", advance)


def nobody_queues_behind(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Sequences, "waits", lambda _self, _record: False)


def retries_not_committed(patch: pytest.MonkeyPatch) -> None:
    committed = MemoryLog.committed

    async def without(self: MemoryLog) -> Committed | None:
        found = await committed(self)
        return None if found is None else Committed(offset=found.offset)

    patch.setattr(MemoryLog, "committed", without)


def retry_without_ownership(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Desk, "_owns", lambda _self, _stored, _at: True)


MUTANTS: tuple[Patch, ...] = (
    outbox_not_published,
    outbox_forgotten_too_early,
    previous_owner_not_fenced,
    no_seek,
    checkpoint_not_compared,
    nobody_queues_behind,
    retries_not_committed,
    retry_without_ownership,
)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.__name__)
def test_a_pump_without_one_of_its_rules_is_found_out(mutant: Patch, monkeypatch: pytest.MonkeyPatch) -> None:
    mutant(monkeypatch)
    assert any(_fails(seed) for seed in range(WORLDS))


def _fails(seed: int) -> bool:
    try:
        simulate(Toy, seed)
    except AssertionError:
        return True
    return False
