"""Full intake: what an agency published lies on its topic, and the pump of intake takes it to the ledger.

Everything is on: the seal is opened, the signature verified, the event validated, looked for among those that came
before, every personal field sealed; the answer is chained, rooted and signed; ledger, receipt and offsets are committed
together, in the database and in Kafka. Measured is the process in which the pump runs, from its first batch to its last
commit. No worker may run: it would take the events. What each part costs is shared out by a sampler, in a run of its
own; the signatures, which are verified in a thread, are timed there. The other rows leave seal or signature out.
"""

import argparse
import asyncio
import json
import os
import platform
import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from aiokafka import AIOKafkaProducer

from benchmarks._contend_ours import Commits
from benchmarks._contender import Span, peak_memory_mb
from benchmarks._intake_table import show
from benchmarks._processors import AGENCY, TYPES, Bench, bench, published
from benchmarks._sampler import OTHER, Sampler, stages
from benchmarks.stages import RULES
from infra.home import Home
from infra.kafka import producer_for
from infra.stack import worker
from infra.topology.credentials import Credentials
from infra.topology.model import load_topology
from schemas.errors import MisuseError
from schemas.names import TopicName
from streams.intake.processor import Intake
from streams.intake.signatures import Unwrapped
from streams.pump.records import Inputs, Output, SourceRecord, Transaction
from streams.pump.service import Pump
from streams.pump.supply import WorldSupply

OUTPUTS = 2
"""A ledger event and a receipt for each accepted event; statements of batches come on top."""
WARM_EVENTS = 2_000
VERIFY = "verify signatures"
KINDS = {
    "signed and sealed": (True, True),
    "sealed": (False, True),
    "signed": (True, False),
    "neither": (False, False),
}
"""Whether events are signed, and sealed to the hub."""
PUMP_RULES = (
    *RULES,
    ("infra/arrival/", "", "open the seal"),
    ("infra/signing/", "", VERIFY),
    ("streams/pump/kafka_producer.py", "", "Kafka: produce and commit"),
    ("streams/pump/kafka_log.py", "", "Kafka: read"),
    ("streams/pump/", "", "pump itself"),
)


class Watched:
    """Intake on one agency's topic, with the moment at which its first batch came."""

    name = "intake"
    stateful = True
    keyed = False

    def __init__(self, intake: Intake, span: Span) -> None:
        self._intake = intake
        self._span = span
        self.topics: Sequence[TopicName] = (TopicName(f"in.{AGENCY}"),)
        self.seen = 0

    async def process(
        self, batch: Sequence[SourceRecord], inputs: Inputs, transaction: Transaction
    ) -> Sequence[Output]:
        """Return what intake makes of *batch*."""
        self._span.begin()
        self.seen += len(batch)
        return await self._intake.process(batch, inputs, transaction)

    async def discard(self, record: SourceRecord, inputs: Inputs, transaction: Transaction) -> Sequence[Output]:
        """Return what intake says of a record that is given up."""
        return await self._intake.discard(record, inputs, transaction)


class Verifying:
    """How much CPU time the threads that verify signatures take."""

    def __init__(self) -> None:
        self.cpu_s = 0.0

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Watch while the block runs."""
        faults = Unwrapped.faults

        def timed(found: Unwrapped, *arguments: Any) -> Any:
            began = time.thread_time()
            try:
                return faults(found, *arguments)
            finally:
                self.cpu_s += time.thread_time() - began

        Unwrapped.faults = timed  # type: ignore[method-assign]  # for as long as it is watched
        try:
            yield
        finally:
            Unwrapped.faults = faults  # type: ignore[method-assign]  # as it was


async def laid_out(home: Home, values: Sequence[bytes]) -> None:
    """Put *values* on the agency's topic."""
    producer: AIOKafkaProducer = producer_for(Credentials.of(home, AGENCY), linger_ms=20)
    await producer.start()
    try:
        for each in [await producer.send(f"in.{AGENCY}", value) for value in values]:
            await each
    finally:
        await producer.stop()


async def drain(home: Home, here: Bench, events: int, span: Span) -> int:
    """Let the pump take *events* events; return in how many transactions it did."""
    processor, commits = Watched(here.intake, span), Commits(span)
    topology = load_topology()
    pump = Pump(
        processor,
        credentials=Credentials.of(home, "hub-intake", topology),
        pool=here.pool,
        supply=WorldSupply(here.place.clock),
        partitions={topic.name: topic.partitions for topic in topology.topics},
        read_committed=False,
    )
    with commits.watched():
        await pump.start()
        await commits.finished(events * OUTPUTS, pump)
        await pump.stop()
    if pump.crashed or processor.seen < events:
        raise MisuseError(f"intake has taken {processor.seen} of {events} events: see `hub status`")
    return commits.count


async def measure(home: Home, here: Bench, events: int, *, sign: bool, seal: bool, sampler: Sampler | None) -> Any:
    """Return what *events* events cost, and where, with a *sampler*."""
    values = [record.value or b"" for record in await published(home, TYPES, events, sign=sign, seal=seal)]
    await laid_out(home, values)
    span, verifying = Span(), Verifying()
    with verifying.watched():
        if sampler is None:
            transactions = await drain(home, here, events, span)
        else:
            with sampler.watching():
                transactions = await drain(home, here, events, span)
    wall_s, cpu_s = span.taken()
    return {
        "events_per_cpu_s": round(events / cpu_s),
        "events_per_s": round(events / wall_s),
        "cpu_us": round(cpu_s / events * 1e6, 1),
        "verify_us": round(verifying.cpu_s / events * 1e6, 1),
        "events_per_transaction": round(events / transactions),
        "bytes_per_event": round(sum(map(len, values)) / events),
    }


def split(sampler: Sampler, row: dict[str, Any]) -> dict[str, float]:
    """Return what each part costs of *row*, in CPU microseconds an event, the dearest first."""
    shares = {stage: share * row["cpu_us"] for stage, share in stages(sampler, PUMP_RULES).items()}
    # Samples are of the main thread: what the other one verified was told as the waiting of this one, or as its work.
    beside = row["verify_us"] - shares.get(VERIFY, 0.0)
    shares[VERIFY] = row["verify_us"]
    shares[OTHER] = max(0.0, shares.get(OTHER, 0.0) - beside)
    return {stage: round(cost, 1) for stage, cost in sorted(shares.items(), key=lambda pair: -pair[1])}


def medians(rounds: Sequence[dict[str, float]]) -> dict[str, float]:
    """Return the median of each figure."""
    return {name: statistics.median(row[name] for row in rounds) for name in rounds[0]}


async def run(events: int, rounds: int) -> dict[str, Any]:
    """Measure every kind in turn, *rounds* times, and return the medians."""
    home = Home.current()
    if worker.running(home) is not None:
        raise MisuseError("a worker runs in this home and would take the events: `hub worker --stop`, or another home")
    found: dict[str, list[Any]] = {kind: [] for kind in KINDS}
    sampler = Sampler()
    async with bench(home) as here:
        await measure(home, here, WARM_EVENTS, sign=True, seal=True, sampler=None)
        for _ in range(rounds):
            for kind, (sign, seal) in KINDS.items():
                found[kind].append(await measure(home, here, events, sign=sign, seal=seal, sampler=None))
        sampled = await measure(home, here, events, sign=True, seal=True, sampler=sampler)
    rows = {
        kind: {name: statistics.median(row[name] for row in each) for name in each[0]} for kind, each in found.items()
    }
    whole = {**rows["signed and sealed"], "verify_us": sampled["verify_us"]}
    return {
        "benchmark": "intake",
        "events": events,
        "rounds": rounds,
        "kinds": rows,
        "split_us": split(sampler, whole),
        "peak_memory_mb": round(peak_memory_mb()),
        "machine": {
            "cores": os.cpu_count(),
            "python": platform.python_version(),
            "load_1m": round(os.getloadavg()[0], 1),
        },
    }


def main() -> None:
    """Run and print a table, or one object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one object")
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    found = asyncio.run(run(given.events, given.rounds))
    print(json.dumps(found)) if given.json else show(found)


if __name__ == "__main__":
    main()
