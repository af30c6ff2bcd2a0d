"""Contender: the pump of the hub, exactly once; the argument says which processor it runs: `clear` or `sealed`.

The span ends with the last transaction that the broker has committed: the producer of the pump is watched for that.
"""

import asyncio
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from benchmarks._contender import Span, Task
from benchmarks._sealing_work import SealingWork
from benchmarks._transform import Transform
from infra.home import Home
from infra.topology.credentials import Credentials
from infra.workplace import workplace
from schemas.names import TopicName
from streams.pump.kafka_producer import PartitionProducer
from streams.pump.ports import Committed, Routed
from streams.pump.records import Inputs, Output, SourceRecord, Transaction
from streams.pump.service import Pump
from streams.pump.supply import WorldSupply

PROCESSOR = "bench"
POOL = 8
LOOK_S = 0.05
QUIET_S = 10.0
"""So long without a commit: what is missing will not come, and the check of the output says so."""


class Bench:
    """A stateless processor that does *work* on every event: bytes in; topic, key and bytes out."""

    name = PROCESSOR
    stateful = False
    keyed = True

    def __init__(self, task: Task, span: Span, work: Callable[[bytes], Output]) -> None:
        self.topics: Sequence[TopicName] = (TopicName(task.source),)
        self.seen = 0
        self._span = span
        self._work = work

    async def process(
        self,
        batch: Sequence[SourceRecord],
        inputs: Inputs,  # noqa: ARG002 - the work needs nothing of the world
        transaction: Transaction,  # noqa: ARG002 - stateless
    ) -> Sequence[Output]:
        """Return what comes of *batch*."""
        self._span.begin()
        outputs = [self._work(record.value or b"") for record in batch]
        self.seen += len(batch)
        return outputs


def clear(task: Task) -> Callable[[bytes], Output]:
    """Return the work that every contender does."""
    topics = {route: TopicName(name) for route, name in task.routes.items()}
    transform = Transform(task.schemas, task.derived_id, bytes.fromhex(task.secret))

    def work(event: bytes) -> Output:
        route, key, value = transform(event)
        return Output(topic=topics[route], key=key, value=value)

    return work


def sealed(task: Task) -> Callable[[bytes], Output]:
    """Return the work of sealing every personal field for one recipient."""
    topic = TopicName(next(iter(task.routes.values())))
    seal = SealingWork(task.schemas, task.derived_id)

    def work(event: bytes) -> Output:
        key, value = seal(event)
        return Output(topic=topic, key=key, value=value)

    return work


class Commits:
    """Counts the outputs and transactions that the broker has committed, and ends the span with each."""

    def __init__(self, span: Span) -> None:
        self._span = span
        self.outputs = 0
        self.count = 0
        self._last_at = 0.0

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Watch while the block runs."""
        commit = PartitionProducer.commit

        async def commit_and_tell(producer: PartitionProducer, outputs: Routed, reached: Committed) -> None:
            await commit(producer, outputs, reached)
            if outputs:
                self.outputs += len(outputs)
                self.count += 1
                self._last_at = asyncio.get_running_loop().time()
                self._span.end()

        PartitionProducer.commit = commit_and_tell  # type: ignore[method-assign]  # for as long as it is watched
        try:
            yield
        finally:
            PartitionProducer.commit = commit  # type: ignore[method-assign]  # as it was

    async def finished(self, events: int, pump: Pump) -> None:
        """Return when all *events* were committed, or nothing more comes of *pump*."""
        loop = asyncio.get_running_loop()
        while self.outputs < events and not pump.crashed:
            await asyncio.sleep(LOOK_S)
            if self.outputs and loop.time() > self._last_at + QUIET_S:
                return


async def run(task: Task, span: Span, kind: str) -> tuple[int, int]:
    """Process every event and return how many there were, in how many transactions."""
    processor = Bench(task, span, sealed(task) if kind == "sealed" else clear(task))
    commits = Commits(span)
    async with workplace(Home.current()) as place, place.pool("hub_streams", POOL) as pool:
        pump = Pump(
            processor,
            credentials=Credentials.of(place.home, task.user, place.topology),
            pool=pool,
            supply=WorldSupply(place.clock),
            partitions={TopicName(name): task.partitions for name in task.routes.values()},
            read_committed=True,
        )
        with commits.watched():
            await pump.start()
            await commits.finished(task.events, pump)
            await pump.stop()
            assert not pump.crashed, "the pump has crashed: its log says why"
    return processor.seen, commits.count


def main() -> None:
    """Run the task on standard input."""
    task, span = Task.given(), Span()
    seen, transactions = asyncio.run(run(task, span, sys.argv[1]))
    span.answer(seen, transactions=transactions)


if __name__ == "__main__":
    main()
