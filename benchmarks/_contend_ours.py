"""Contender: the pump of the hub, exactly once; the argument says which processor it runs: `clear` or `sealed`.

The span ends with the last transaction that the broker has committed: `commit_transaction` of the client is watched for
that, so that nothing of the pump has to be known here.
"""

import asyncio
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from _contender import Span, Task
from _sealing_work import SealingWork
from _transform import Transform
from aiokafka import AIOKafkaProducer

from infra.home import Home
from infra.topology.credentials import Credentials
from infra.workplace import workplace
from schemas.names import TopicName
from streams.pump import Pump
from streams.records import Effects, Output, SourceRecord, Transaction

PROCESSOR = "bench"
POOL = 8
LOOK_S = 0.05
QUIET_S = 10.0
"""After the last batch so long without a commit: what is missing will not come, and the check of the output says so."""


class Clear:
    """A stateless processor around the work that every contender does."""

    name = PROCESSOR
    stateful = False

    def __init__(self, task: Task, span: Span) -> None:
        self.topics: Sequence[TopicName] = (TopicName(task.source),)
        self.seen = 0
        self.open: set[object] = set()
        self._span = span
        self._topics = {route: TopicName(name) for route, name in task.routes.items()}
        self._transform = Transform(task.schemas, task.derived_id, bytes.fromhex(task.secret))

    async def process(self, batch: Sequence[SourceRecord], transaction: Transaction) -> Effects:  # noqa: ARG002 - stateless
        """Return what comes of *batch*."""
        self._span.begin()
        self.open.add(asyncio.current_task())
        outputs = []
        for record in batch:
            route, key, value = self._transform(record.value or b"")
            outputs.append(Output(topic=self._topics[route], key=key, value=value))
        self.seen += len(batch)
        return Effects(outputs=outputs)


class Sealed:
    """A stateless processor that seals every personal field for one recipient."""

    name = PROCESSOR
    stateful = False

    def __init__(self, task: Task, span: Span) -> None:
        self.topics: Sequence[TopicName] = (TopicName(task.source),)
        self.seen = 0
        self.open: set[object] = set()
        self._span = span
        self._topic = TopicName(next(iter(task.routes.values())))
        self._work = SealingWork(task.schemas, task.derived_id)

    async def process(self, batch: Sequence[SourceRecord], transaction: Transaction) -> Effects:  # noqa: ARG002 - stateless
        """Return *batch*, sealed."""
        self._span.begin()
        self.open.add(asyncio.current_task())
        made = [self._work(record.value or b"") for record in batch]
        self.seen += len(batch)
        return Effects(outputs=[Output(topic=self._topic, key=key, value=value) for key, value in made])


class Commits:
    """Counts the transactions that the broker has committed since the first record, and ends the span with each.

    A partition of the pump is one task: what it has processed is done when the same task has committed.
    """

    def __init__(self, span: Span, processor: Clear | Sealed) -> None:
        self._span = span
        self._processor = processor
        self.count = 0
        self.last_at = 0.0

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Watch while the block runs."""
        commit = AIOKafkaProducer.commit_transaction

        async def commit_and_tell(producer: AIOKafkaProducer) -> None:
            await commit(producer)
            self._processor.open.discard(asyncio.current_task())
            if self._processor.seen:
                self.count += 1
                self.last_at = asyncio.get_running_loop().time()
                self._span.end()

        AIOKafkaProducer.commit_transaction = commit_and_tell
        try:
            yield
        finally:
            AIOKafkaProducer.commit_transaction = commit

    async def finished(self, events: int) -> None:
        """Return when all *events* were seen and committed."""
        loop = asyncio.get_running_loop()
        while self._processor.seen < events:  # noqa: ASYNC110 - a record costs less without an event for it
            await asyncio.sleep(LOOK_S)
        deadline = loop.time() + QUIET_S
        while self._processor.open and loop.time() < max(deadline, self.last_at + QUIET_S):  # noqa: ASYNC110 - as above
            await asyncio.sleep(LOOK_S)


async def run(task: Task, span: Span, kind: str) -> tuple[int, int]:
    """Process every event and return how many there were, in how many transactions."""
    processor = Sealed(task, span) if kind == "sealed" else Clear(task, span)
    commits = Commits(span, processor)
    async with workplace(Home.current()) as place, place.pool("hub_streams", POOL) as pool:
        pump = Pump(
            processor,
            credentials=Credentials.of(place.home, task.user, place.topology),
            pool=pool,
            partitions={TopicName(name): task.partitions for name in task.routes.values()},
            read_committed=True,
        )
        with commits.watched():
            await pump.start()
            await commits.finished(task.events)
            await pump.stop()
    return processor.seen, commits.count


def main() -> None:
    """Run the task on standard input."""
    task, span = Task.given(), Span()
    seen, transactions = asyncio.run(run(task, span, sys.argv[1]))
    span.answer(seen, transactions=transactions)


if __name__ == "__main__":
    main()
