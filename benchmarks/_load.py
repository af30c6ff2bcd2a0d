"""The load of `latency.py`: events of four agencies on cases of their own, sent when they are due and never later."""

import asyncio
import itertools
import json
import time
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from aiokafka import AIOKafkaProducer

from connectors.publisher import Publisher
from infra.home import Home
from infra.kafka import producer_for
from infra.topology.credentials import Credentials
from schemas.examples import example

AGENCIES = ("rs-police", "rs-border-police", "bg-police", "bg-border-police")
"""Whose identified persons an agreement opens to Europol."""
FILLED_IN = ("agency", "event_id", "recorded_at")
NAP_S = 0.0005
"""What is due sooner is not slept for: a sleep may take a millisecond."""


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """An event on the wire, and whose it is."""

    event_id: str
    agency: str
    value: bytes = field(repr=False)


async def prepare(home: Home, count: int) -> list[Prepared]:
    """Return *count* events, validated, encoded and signed, each about a person and a case of its own."""
    async with AsyncExitStack() as stack:
        publishers = [await stack.enter_async_context(Publisher(Credentials.of(home, agency))) for agency in AGENCIES]
        run = uuid.uuid4().hex[:8]
        found = []
        for number, publisher in zip(range(count), itertools.cycle(publishers), strict=False):
            event_id, value = publisher.encode(_event(f"{run}-{number}"))
            signed = publisher.signed(value)
            found.append(Prepared(event_id=str(event_id), agency=publisher.agency, value=signed))
        return found


def _event(reference: str) -> dict[str, object]:
    found: dict[str, object] = json.loads(json.dumps(example("PersonIdentified")))
    envelope, person = found["envelope"], found["person"]
    assert isinstance(envelope, dict)
    assert isinstance(person, dict)
    kept = {key: value for key, value in envelope.items() if key not in FILLED_IN}
    return {
        **found,
        "envelope": {**kept, "case_ref": f"K-{reference}"},
        "person": {**person, "person_ref": f"P-{reference}"},
    }


class Sender:
    """Sends what is due, and does not wait for answers."""

    def __init__(self, producers: dict[str, AIOKafkaProducer]) -> None:
        self._producers = producers

    async def send(self, events: Sequence[Prepared], due_at: Sequence[float]) -> list[float]:
        """Send each of *events* when it is due and return when each was given to the client."""
        sent_at, answers = [], []
        for event, moment in zip(events, due_at, strict=True):
            if (ahead := moment - time.perf_counter()) > NAP_S:
                await asyncio.sleep(ahead)
            sent_at.append(time.perf_counter())
            answers.append(await self._producers[event.agency].send(f"in.{event.agency}", event.value))
            await asyncio.sleep(0)  # the feed is watched in this loop as well, also when the sender is behind
        await asyncio.gather(*answers)
        return sent_at


@asynccontextmanager
async def sender(home: Home) -> AsyncIterator[Sender]:
    """Open a connection for each agency: acks=all, idempotent, no lingering."""
    producers = {agency: producer_for(Credentials.of(home, agency)) for agency in AGENCIES}
    for producer in producers.values():
        await producer.start()
    try:
        yield Sender(producers)
    finally:
        for producer in producers.values():
            await producer.stop()
