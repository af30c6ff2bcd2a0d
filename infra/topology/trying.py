"""Tries every cell of the matrix on a broker, as the principal itself, and says where the broker differs."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from infra.kafka_wire import BrokerUnreachableError, Wire, connected
from infra.topology.credentials import Credentials
from infra.topology.matrix import Cell
from infra.topology.probes import REFUSED, Probe, probes_for

CONNECTIONS = 6
"""Principals that are tried at the same time."""

Answer = Literal["went through", "refused", "unclear"]
Progress = Callable[[int, int, str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """A cell, and what the broker said."""

    cell: Cell
    answer: Answer
    detail: str = ""
    """What an unclear answer was."""

    @property
    def as_it_should_be(self) -> bool:
        """Whether the broker does what the topology says."""
        return self.answer == ("went through" if self.cell.allowed else "refused")

    def __str__(self) -> str:
        said = f"{self.answer} ({self.detail})" if self.detail else self.answer
        return f"{self.cell}: {said}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What trying the whole matrix showed."""

    tried: int
    went_through: int
    """Allowed, and let through by the broker."""
    refused_by_broker: int
    """Forbidden, and refused by the broker for want of a right."""
    differences: tuple[Tried, ...]


async def try_all(
    cells: Iterable[Cell], credentials: Callable[[str], Credentials], progress: Progress
) -> tuple[Tried, ...]:
    """Return each of *cells* with the broker's answer to its principal; changes nothing."""
    by_principal: dict[str, list[Cell]] = {}
    for cell in cells:
        by_principal.setdefault(cell.principal, []).append(cell)
    total, done = sum(map(len, by_principal.values())), 0
    free = asyncio.Semaphore(CONNECTIONS)

    async def try_one(principal: str, some: Sequence[Cell]) -> list[Tried]:
        nonlocal done
        async with free:
            found = await _as_principal(credentials(principal), some)
        done += len(found)
        progress(done, total, principal)
        return found

    found = await asyncio.gather(*(try_one(*each) for each in by_principal.items()))
    return tuple(each for some in found for each in some)


def outcome_of(found: Sequence[Tried]) -> Outcome:
    """Count *found*."""
    right = [each for each in found if each.as_it_should_be]
    return Outcome(
        tried=len(found),
        went_through=sum(each.cell.allowed for each in right),
        refused_by_broker=sum(not each.cell.allowed for each in right),
        differences=tuple(each for each in found if not each.as_it_should_be),
    )


async def _as_principal(credentials: Credentials, cells: Sequence[Cell]) -> list[Tried]:
    try:
        async with connected(credentials) as wire:
            found = await asyncio.gather(*(_try(wire, some, probe) for some, probe in probes_for(cells)))
    except BrokerUnreachableError as error:
        return [Tried(cell=cell, answer="unclear", detail=str(error)) for cell in cells]
    return [each for some in found for each in some]


async def _try(wire: Wire, cells: Sequence[Cell], probe: Probe) -> list[Tried]:
    try:
        codes = probe.codes(await wire.ask(probe.request))
    except BrokerUnreachableError as error:
        return [Tried(cell=cell, answer="unclear", detail=str(error)) for cell in cells]
    return [_judged(cell, codes.get(cell.name), probe.proofs) for cell in cells]


def _judged(cell: Cell, code: int | None, proofs: frozenset[int]) -> Tried:
    if code in REFUSED:
        return Tried(cell=cell, answer="refused")
    if code in proofs:
        return Tried(cell=cell, answer="went through")
    return Tried(cell=cell, answer="unclear", detail="no answer" if code is None else f"Kafka's error code {code}")
