"""How many events a second one core publishes, beside bare clients that send the same bytes.

Every figure is events per CPU-second of this process, threads of client libraries included: other processes on the
machine make it take longer, and hardly change what it costs. All are measured in one run, one after the other, in
several rounds of which the median counts.
"""

import argparse
import asyncio
import itertools
import json
import os
import platform
import resource
import statistics
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from functools import cache

from aiokafka import AIOKafkaProducer
from confluent_kafka import Producer

from connectors.publisher import Publisher, Sent
from infra.home import Home
from infra.kafka import producer_for
from infra.topology.credentials import Credentials
from schemas.examples import example

AGENCY = "rs-police"
TYPES = ("PersonIdentified", "ReferralOffered", "InvestigationOpened", "ExtraditionRequested", "ControlFinding")
DIFFERENT = 5_000
FILLED_IN = ("agency", "event_id", "recorded_at")
"""What the publisher adds when an agency's system leaves it out."""
Measured = dict[str, float]
Step = Callable[[], Awaitable[int]]


@cache
def different_events() -> tuple[dict[str, object], ...]:
    """Return invented events of several types as JSON, made once."""
    return tuple(_event(name, number) for number, name in zip(range(DIFFERENT), itertools.cycle(TYPES), strict=False))


def events() -> Iterator[dict[str, object]]:
    """Yield these events for ever."""
    return itertools.cycle(different_events())


def _event(name: str, number: int) -> dict[str, object]:
    found = json.loads(json.dumps(example(name)))
    envelope = {key: value for key, value in found["envelope"].items() if key not in FILLED_IN}
    found["envelope"] = {**envelope, "case_ref": f"K-{number}"}
    if "to_agency" in found:
        found["to_agency"] = "rs-counselling"
    return found


async def measured(step: Step) -> Measured:
    """Return what *step* came to."""
    wall, cpu = time.perf_counter(), time.process_time()
    count = await step()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return {"events_per_cpu_s": count / cpu, "events_per_s": count / wall, "cpu_us": cpu / count * 1e6}


async def steps(credentials: Credentials, count: int) -> AsyncIterator[tuple[str, Step]]:
    """Yield what is measured by name."""
    async with Publisher(credentials) as publisher:
        values = [publisher.encode(event)[1] for event in itertools.islice(events(), DIFFERENT)]

        async def encode() -> int:
            for event in itertools.islice(events(), count):
                publisher.encode(event)
            return count

        async def publish() -> int:
            async def stream() -> AsyncIterator[dict[str, object]]:
                for event in itertools.islice(events(), count):
                    yield event

            found = 0
            async for result in publisher.publish_all(stream()):
                assert isinstance(result, Sent), result
                found += 1
            return found

        yield "publisher: validate and encode, nothing sent", encode
        yield "publisher: validate, encode, send, acknowledged", publish

    def encoded() -> Iterator[bytes]:
        return itertools.islice(itertools.cycle(values), count)

    producer = producer_for(credentials, linger_ms=5)
    await producer.start()
    try:
        yield "aiokafka send(), the same bytes", lambda: _send(producer, encoded())
        yield "aiokafka send_batch(), the same bytes", lambda: _send_batches(producer, encoded())
    finally:
        await producer.stop()

    yield "confluent-kafka produce(), the same bytes", lambda: _produce(credentials, encoded())


async def _send(producer: AIOKafkaProducer, values: Iterator[bytes]) -> int:
    count = 0
    while several := list(itertools.islice(values, 1_000)):
        for future in [await producer.send(f"in.{AGENCY}", value) for value in several]:
            await future
        count += len(several)
    return count


async def _send_batches(producer: AIOKafkaProducer, values: Iterator[bytes]) -> int:
    count, batch = 0, producer.create_batch()
    for value in values:
        if batch.append(key=None, value=value, timestamp=None) is None:
            await (await producer.send_batch(batch, f"in.{AGENCY}", partition=0))
            batch = producer.create_batch()
            batch.append(key=None, value=value, timestamp=None)
        count += 1
    await (await producer.send_batch(batch, f"in.{AGENCY}", partition=0))
    return count


async def _produce(credentials: Credentials, values: Iterator[bytes]) -> int:
    producer = Producer(
        {
            **credentials.librdkafka(),
            "enable.idempotence": True,
            "linger.ms": 5,
            "queue.buffering.max.messages": 10_000,
        }
    )
    acknowledged = 0

    def told(error: object, _message: object) -> None:
        nonlocal acknowledged
        assert error is None, error
        acknowledged += 1

    for value in values:
        while True:
            try:
                producer.produce(f"in.{AGENCY}", value, on_delivery=told)
                break
            except BufferError:
                producer.poll(0.01)
        producer.poll(0)
    producer.flush()
    return acknowledged


async def run(count: int, rounds: int, only: str) -> dict[str, object]:
    """Measure everything whose name holds *only* and return the figures."""
    credentials = Credentials.of(Home.current(), AGENCY)
    found: dict[str, list[Measured]] = {}
    for _ in range(rounds):
        async for name, step in steps(credentials, count):
            if only in name:
                found.setdefault(name, []).append(await measured(step))
    results = {
        name: {key: round(statistics.median(each[key] for each in several), 1) for key in several[0]}
        for name, several in found.items()
    }
    return {
        "benchmark": "publisher",
        "events": count,
        "rounds": rounds,
        "machine": {"cores": os.cpu_count(), "python": platform.python_version()},
        "results": results,
        "peak_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


def main() -> None:
    """Run and print a table, or one object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one object")
    parser.add_argument("--events", type=int, default=30_000, help="in each step")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="", help="measure only what has this in its name")
    given = parser.parse_args()
    found = asyncio.run(run(given.events, given.rounds, given.only))
    if given.json:
        print(json.dumps(found))
        return
    print(f"{'events per CPU-second':>22} {'us per event':>13} {'events/s (wall)':>16}")
    for name, row in dict(found["results"]).items():  # type: ignore[call-overload]  # as `run` makes it
        print(f"{row['events_per_cpu_s']:>22,.0f} {row['cpu_us']:>13.1f} {row['events_per_s']:>16,.0f}  {name}")
    print(f"peak memory {found['peak_memory_mb']} MB")


if __name__ == "__main__":
    sys.exit(main())
