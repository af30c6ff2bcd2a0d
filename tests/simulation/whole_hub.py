"""The real intake, the real release and the real projections, on the logs and books of the simulated world."""

import datetime as dt
import hashlib
import uuid
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from functools import cache
from typing import Any

from infra.control import ControlState
from infra.evidence.chain import Head
from infra.topology.model import Topology, load_topology
from projections.catalogue import PROJECTIONS
from projections.decoding import event_of
from projections.projection import countries_of
from projections.rows import Rows, combine
from schemas.catalogue import contract
from schemas.codec import Codec
from schemas.names import AgencyId, TopicName
from streams.intake.admission import Seen
from streams.intake.chaining import Chaining
from streams.intake.processor import Intake
from streams.pump.ports import Place, Supply
from streams.pump.records import Inputs, Output, SourceRecord, Transaction
from streams.release.processor import ReleaseProcessor
from tests.evidence import HUB, OneKey, export_of, findings_in
from tests.publishing import invented, put
from tests.schemas.registries import memory_codec
from tests.simulation.database import Database
from tests.simulation.kafka import Cluster, Entry
from tests.simulation.vault import MemoryVault
from tests.simulation.world import Worker, World

NOW = dt.datetime(2026, 11, 5, 8, 0, tzinfo=dt.UTC)
AGENCIES = (AgencyId("rs-police"), AgencyId("rs-counselling"))
LEDGER, DECISIONS = TopicName("ledger"), TopicName("decisions")
CANARY = "Canary Invented"
TYPES = {
    AGENCIES[0]: ("PersonIdentified", "ReferralOffered", "InvestigationOpened"),
    AGENCIES[1]: ("PersonIdentified", "ReferralAnswered", "ServiceProvided"),
}
Published = tuple[tuple[TopicName, bytes], ...]


@cache
def codec() -> Codec:
    """Return the one codec of all runs."""
    return memory_codec()


@cache
def topology() -> Topology:
    """Return the topology of the project, with less partitions."""
    return load_topology()


@cache
def pool() -> Mapping[AgencyId, tuple[bytes, ...]]:
    """Return events of each agency as they are published: most are valid, some are not, some cases meet again."""
    found: dict[AgencyId, list[bytes]] = defaultdict(list)
    for agency, names in TYPES.items():
        for number in range(24):
            name = names[number % len(names)]
            event = invented(name, agency, envelope__case_ref=f"K-{number % 3}")
            event["envelope"]["event_id"] = _event_id(agency, number)
            if "person" in event:
                event["person"] |= {"person_ref": f"P-{number % 4}", "full_name": CANARY}
            if _is_refused(number):
                put(event, "envelope.purpose", "NO_SUCH_PURPOSE")
            contracted = contract(name)
            subject = f"in.{agency}-{contracted.fullname}"
            found[agency].append(codec().writer(subject, contracted.schema).encode(event))
    return {agency: tuple(values) for agency, values in found.items()}


def _event_id(agency: AgencyId, number: int) -> str:
    return str(uuid.UUID(int=(7 << 76) | (2 << 62) | AGENCIES.index(agency) << 8 | number))


def _is_refused(number: int) -> bool:
    return number % 7 == 5


class PageMemory:
    """What intake remembers, on the page of the agency's partition."""

    async def recall(self, transaction: Any, agency: AgencyId, event_ids: Collection[str]) -> dict[str, Seen]:
        held = self._page(transaction, agency)
        return {event_id: held[event_id] for event_id in event_ids if event_id in held}

    async def remember(self, transaction: Any, agency: AgencyId, fresh: Mapping[str, Seen]) -> None:
        self._page(transaction, agency).update(fresh)

    def _page(self, transaction: Any, agency: AgencyId) -> dict[str, Seen]:
        found: dict[str, Seen] = transaction.pages[_place(agency)].seen
        return found


class PageChains:
    """The chain of a source, on the page of its partition."""

    async def head(self, transaction: Any, topic: TopicName, partition: int) -> Head | None:  # noqa: ARG002 - of one
        found: Head | None = transaction.pages[_place(AgencyId(topic.removeprefix("in.")))].head
        return found

    async def advance(self, transaction: Any, topic: TopicName, partition: int, seen: Head, reached: Head) -> None:
        held = await self.head(transaction, topic, partition)
        assert held in (seen, None)
        transaction.pages[_place(AgencyId(topic.removeprefix("in.")))].head = reached


class Brittle(ReleaseProcessor):
    """Release that fails at some events until it is mended."""

    broken: "list[bool]"

    async def process(
        self, batch: Sequence[SourceRecord], inputs: Inputs, transaction: Transaction
    ) -> Sequence[Output]:
        if self.broken and any(hashlib.sha256(r.value or b"").digest()[0] < 20 for r in batch):
            raise ValueError("broken")
        return await super().process(batch, inputs, transaction)


class FixedSupply:
    """A fixed time, the agreements of the topology, nonces of the world."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    async def inputs(self, written_ms: int | None = None) -> Inputs:  # noqa: ARG002 - clocks agree here
        await self._worker.step("kafka control")
        agreements = tuple(sorted(topology().agreements, key=lambda each: each.id))
        nonce = self._worker.world.random.randbytes
        return Inputs(now=NOW, control=ControlState(agreements=agreements, offset=16), nonce=lambda: nonce(12))


class WholeHub:
    """A scenario of a dozen events of two agencies, some sent twice, some refused, some that release fails at."""

    partitions: Mapping[TopicName, int] = {**{topic.name: 1 for topic in topology().topics}, LEDGER: 2}

    def __init__(self, world: World) -> None:
        sent = [(agency, number) for agency in AGENCIES for number in range(8)]
        world.random.shuffle(sent)
        # In the order of an agency's numbers: what it publishes it publishes in order.
        numbers = {agency: iter(sorted(n for a, n in sent if a == agency)) for agency in AGENCIES}
        once = [(agency, pool()[agency][next(numbers[agency])]) for agency, _ in sent]
        again = [each for each in once if world.random.random() < 0.15]
        self._published = tuple((TopicName(f"in.{agency}"), value) for agency, value in once + again)
        self._held: dict[str, Any] = {}
        self._broken = [True]

    def processors_of(self, worker: Worker) -> Sequence[Any]:
        vault = MemoryVault(worker, self._held)
        chaining = Chaining(hub=HUB, codec=codec(), signer=OneKey(), chains=PageChains())
        intake = Intake(topology=topology(), codec=codec(), vault=vault, memory=PageMemory(), chaining=chaining)
        intake.topics = tuple(TopicName(f"in.{agency}") for agency in AGENCIES)
        release = Brittle(topology=topology(), codec=codec(), vault=vault)
        release.broken = self._broken
        return (intake, release)

    def supply(self, worker: Worker) -> Supply:
        return FixedSupply(worker)

    def published(self) -> Sequence[tuple[TopicName, bytes]]:
        return self._published

    def mend(self, database: Database) -> None:  # noqa: ARG002 - at once
        self._broken.clear()

    def check(self, cluster: Cluster, database: Database) -> None:  # noqa: ARG002 - what is on the topics counts
        """Fail unless published = accepted + refused + duplicates, accepted = ledger = decided, released = feeds."""
        self._check_nothing_in_clear(cluster)
        receipts = {agency: _decoded(cluster.records(TopicName(f"receipts.{agency}"))) for agency in AGENCIES}
        accepted = {}
        for agency, answers in receipts.items():
            source = TopicName(f"in.{agency}")
            assert [answer["source_offset"] for answer in answers] == list(range(len(cluster.logs[source, 0])))
            accepted[agency] = [a["event_id"] for a in answers if a["outcome"] == "ACCEPTED"]
            sent = {value: number for number, value in enumerate(pool()[agency])}
            numbers = dict.fromkeys(sent[entry.value or b""] for entry in cluster.logs[source, 0])
            assert accepted[agency] == [_event_id(agency, number) for number in numbers if not _is_refused(number)]
            refused = [answer for answer in answers if answer["outcome"] == "REFUSED"]
            assert len(cluster.records(TopicName(f"quarantine.{agency}"))) == len(refused)
        self._check_evidence(cluster)
        ledger = [_decoded(cluster.records(LEDGER, number)) for number in range(2)]
        ids = [(e["envelope"]["agency"], e["envelope"]["event_id"]) for part in ledger for e in part]
        assert Counter(ids) == Counter((a, e) for a, several in accepted.items() for e in several), "ledger"
        self._check_order(cluster, accepted)
        self._check_release(cluster, set(ids))
        self._check_projections(cluster, accepted)

    def _check_nothing_in_clear(self, cluster: Cluster) -> None:
        for (topic, _), log in cluster.logs.items():
            if not topic.startswith("in."):
                assert not any(CANARY.encode() in (entry.value or b"") for entry in log), topic

    def _check_evidence(self, cluster: Cluster) -> None:
        held = [entry.value or b"" for number in range(2) for entry in cluster.records(LEDGER, number)]
        for agency in AGENCIES:
            receipts = _decoded(cluster.records(TopicName(f"receipts.{agency}")))
            roots = _decoded(cluster.records(TopicName(f"roots.{agency}")))
            assert findings_in(export_of(receipts, roots, held)) == [], agency

    def _check_order(self, cluster: Cluster, accepted: Mapping[AgencyId, list[str]]) -> None:
        for number in range(2):
            by_case: dict[bytes, list[str]] = defaultdict(list)
            for entry, event in zip(
                cluster.records(LEDGER, number), _decoded(cluster.records(LEDGER, number)), strict=True
            ):
                by_case[entry.key or b""].append(event["envelope"]["event_id"])
            for several in by_case.values():
                wanted = [e for each in accepted.values() for e in each if e in several]
                assert several == wanted, "order of a case"

    def _check_release(self, cluster: Cluster, ids: set[tuple[str, str]]) -> None:
        decisions = _decoded(cluster.records(DECISIONS))
        keys = Counter((d["agency"], d["event_id"], d["audience"]) for d in decisions)
        assert not [key for key, times in keys.items() if times > 1], "decided twice"
        assert {key[:2] for key in keys} <= ids
        for partner in topology().partners:
            fed = [(e["envelope"]["agency"], e["envelope"]["event_id"]) for e in _feed(cluster, str(partner.id))]
            released = [
                (d["agency"], d["event_id"])
                for d in decisions
                if d["audience"] == partner.id and d["outcome"] == "RELEASED"
            ]
            assert Counter(fed) == Counter(released), f"feed of {partner.id}"

    def _check_projections(self, cluster: Cluster, accepted: Mapping[AgencyId, list[str]]) -> None:
        """Fold in two halves and at once, and count."""
        for projection in PROJECTIONS:
            events = [
                event_of(codec(), topic, offset, entry.key, entry.value)
                for (topic, _), log in sorted(cluster.logs.items())
                if topic in projection.topics(topology())
                for offset, entry in enumerate(log)
                if entry.state == "committed"
            ]
            countries = countries_of(topology())
            whole, middle = projection.apply(events, countries), len(events) // 2
            halves = combine(projection.apply(events[:middle], countries), projection.apply(events[middle:], countries))
            assert whole == halves
            if projection.name == "pipeline":
                assert _counted(whole, "ACCEPTED") == _counted(whole, "LEDGER") == sum(map(len, accepted.values()))


def _counted(rows: Rows, measure: str) -> int:
    return sum(values[1] for several in rows.values() for key, values in several.items() if key[0] == measure)  # type: ignore[misc]  # the table's own columns


def _place(agency: AgencyId) -> Place:
    return Place(processor="intake", topic=TopicName(f"in.{agency}"), partition=0)


def _feed(cluster: Cluster, partner: str) -> list[dict[str, Any]]:
    return _decoded(cluster.records(TopicName(f"to.{partner}")))


def _decoded(entries: Sequence[Entry]) -> list[dict[str, Any]]:
    return [codec().decode(entry.value).record for entry in entries]
