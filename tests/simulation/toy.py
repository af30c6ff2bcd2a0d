"""Two small processors of the shape of intake and release, so that thousands of runs take seconds."""

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from schemas.names import TopicName
from streams.pump.caution import CODE
from streams.pump.ports import Place, Supply
from streams.pump.records import Inputs, Output, SourceRecord
from streams.pump.supply import NO_CONTROL
from tests.simulation.database import Database
from tests.simulation.kafka import Cluster
from tests.simulation.world import Crash, Worker, World

SOURCES = (TopicName("in.a"), TopicName("in.b"))
LEDGER, RECEIPTS, FEED = TopicName("ledger"), TopicName("receipts"), TopicName("to.x")


class Numbered:
    """Stateful: passes each value on once, and answers every record."""

    name = "intake"
    stateful = True
    topics: Sequence[TopicName] = SOURCES

    async def process(self, batch: Sequence[SourceRecord], inputs: Inputs, transaction: Any) -> Sequence[Output]:  # noqa: ARG002 - needs neither
        """Return a ledger record for every value that is new, and a receipt for each."""
        place = Place(processor=self.name, topic=batch[0].topic, partition=0)
        seen = transaction.pages[place].seen
        outputs = []
        for record in batch:
            value = record.value or b""
            if value not in seen:
                seen[value] = record.offset
                outputs.append(Output(topic=LEDGER, key=value.partition(b"-")[0], value=value))
            outputs.append(Output(topic=RECEIPTS, value=b"%s@%d" % (record.topic.encode(), record.offset)))
        return outputs

    async def discard(self, record: SourceRecord, inputs: Inputs, transaction: Any) -> Sequence[Output]:  # noqa: ARG002 - nobody is told
        """Return nothing."""
        return ()


class Copied:
    """Stateless: copies what it reads, unless that is poison."""

    name = "release"
    stateful = False
    topics: Sequence[TopicName] = (LEDGER,)

    def __init__(self, poison: set[bytes], deadly: set[bytes], worker: Worker) -> None:
        self._poison = poison
        self._deadly = deadly
        self._worker = worker

    async def process(self, batch: Sequence[SourceRecord], inputs: Inputs, transaction: Any) -> Sequence[Output]:  # noqa: ARG002 - needs neither
        """Return a copy of each record; fail at poison, die at what is deadly."""
        await self._worker.step("vault open")
        if any(record.value in self._deadly for record in batch):
            self._worker.kill()
            raise Crash
        if any(record.value in self._poison for record in batch):
            raise ValueError("poison")
        return [Output(topic=FEED, key=record.key, value=record.value or b"") for record in batch]

    async def discard(self, record: SourceRecord, inputs: Inputs, transaction: Any) -> Sequence[Output]:  # noqa: ARG002 - nobody is told
        """Return nothing."""
        return ()


class ToySupply:
    """Time of the world and nothing else."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    async def inputs(self, written_ms: int | None = None) -> Inputs:  # noqa: ARG002 - clocks agree here
        """Return the inputs of a batch."""
        await self._worker.step("kafka control")
        return Inputs(now=dt.datetime(2026, 1, 5, tzinfo=dt.UTC), control=NO_CONTROL, nonce=lambda: bytes(12))


class Toy:
    """A scenario of some dozen numbered records of a few keys, some sent twice, some poison until mended."""

    partitions: Mapping[TopicName, int] = {**dict.fromkeys(SOURCES, 1), LEDGER: 2, RECEIPTS: 1, FEED: 2}

    def __init__(self, world: World, records: int = 24) -> None:
        numbers = range(records)
        sent = [(world.random.choice(SOURCES), n) for n in numbers]
        values = [(topic, b"%s%d-%d" % (topic[-1].encode(), n % 3, n)) for topic, n in sent]
        again = [each for each in values if world.random.random() < 0.2]
        self._published = values + again
        self._poison = {value for _, value in values if world.random.random() < 0.08}
        self._deadly: set[bytes] = set()
        self._of_older_code: list[set[bytes]] = []
        self._world = world
        self._is_deadly = False

    def processors_of(self, worker: Worker) -> Sequence[Any]:
        """Return both."""
        return (Numbered(), Copied(self._poison_of(worker), self._deadly, worker))

    def _poison_of(self, worker: Worker) -> set[bytes]:
        """Return what *worker* fails at: of the same code the same as all others, of older code something more."""
        if worker.world.random.random() < 0.7 or worker.world.is_peaceful:
            return self._poison
        own = {*self._poison, worker.world.random.choice(self._published)[1]}
        self._of_older_code.append(own)
        return own

    def supply(self, worker: Worker) -> Supply:
        """Return the supply of *worker*."""
        return ToySupply(worker)

    def published(self) -> Sequence[tuple[TopicName, bytes]]:
        """Return the records in order."""
        return self._published

    def mend(self, database: Database) -> None:  # noqa: ARG002 - at once
        """Make poison digestible."""
        for each in (self._poison, *self._of_older_code):
            each.clear()

    def check(self, cluster: Cluster, database: Database) -> None:
        """Fail unless ledger and feed hold every value once, in the order of its key, and every record was answered."""
        wanted = list(dict.fromkeys(value for _, value in self._published))
        receipts = [entry.value for entry in cluster.records(RECEIPTS)]
        sources = [b"%s@%d" % (t.encode(), o) for t in SOURCES for o in range(len(cluster.logs[t, 0]))]
        assert Counter(receipts) == Counter(sources), "receipts"
        for topic in (LEDGER, FEED):
            held = [entry.value or b"" for number in range(2) for entry in cluster.records(topic, number)]
            assert Counter(held) == Counter(wanted), topic
            assert _by_key(held) == _by_key(wanted), f"order of {topic}"
        died = any(event.startswith("death") for event in self._world.events) or bool(self._is_deadly)
        for page in database.pages.values():
            assert not page.parked
            assert died or not any(CODE in action for _, action in page.audit), "an innocent record was suspected"
            assert not any(number > 0 and not kept for (_, number), kept in page.outbox.items())


class Deadly(Toy):
    """The same with a record at which every worker dies, until it is parked and the cause is mended."""

    def __init__(self, world: World, records: int = 24) -> None:
        super().__init__(world, records)
        self._is_deadly = True
        self._deadly.add(world.random.choice(self._published)[1])

    def mend(self, database: Database) -> None:
        """Make everything digestible as soon as the deadly record was found out."""
        super().mend(database)
        pages = database.pages.values()
        if any(parked.code == CODE for page in pages for parked, _ in page.parked.values()):
            self._deadly.clear()

    def check(self, cluster: Cluster, database: Database) -> None:
        """Fail unless it was parked, and delivered in the end like every other record."""
        assert not self._deadly
        super().check(cluster, database)


def _by_key(values: Sequence[bytes]) -> dict[bytes, list[bytes]]:
    found: dict[bytes, list[bytes]] = defaultdict(list)
    for value in values:
        found[value.partition(b"-")[0]].append(value)
    return found
