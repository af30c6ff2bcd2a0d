"""Model of deciding again: in whatever order marks, pages and changes come, each pair is released once at most."""

import asyncio
import dataclasses
import datetime as dt
from collections.abc import Sequence
from typing import Any, cast

from hypothesis import given, settings
from hypothesis import strategies as st

from infra.clock import tick_of
from infra.control import AGREEMENTS, ControlState
from schemas.catalogue import hub_contract
from schemas.codec import Record
from schemas.names import PartnerId, TopicName
from streams.pump.records import Inputs, Output, SourceRecord
from streams.release.basis import considered, decided
from streams.release.decide import Facts, Release, Withhold
from streams.release.processor import ReleaseProcessor
from streams.release.reconsider import REVIEWS, Reconsider
from streams.release.withheld import FINAL, Pair, Touched
from streams.release.writing import DECISIONS, Because, Rested, decision_output
from tests.schemas.registries import memory_codec
from tests.streams.release.test_decide import AGREEMENT, EUROPOL, FACTS

CODEC = memory_codec()
NOW = dt.datetime(2026, 11, 24, 12, tzinfo=dt.UTC)
TYPES = ("PersonIdentified", "InvestigationOpened", "ControlFinding")
LIMITED = tuple(
    dataclasses.replace(AGREEMENT, id=str(n), event_types=(name,)) for n, name in enumerate((*TYPES, TYPES[0]))
)


def facts(number: int) -> Facts:
    return dataclasses.replace(FACTS, event_id=f"00000000-0000-0000-0000-{number:012}", event_type=TYPES[number % 3])


class Table:
    """The pairs in memory."""

    def __init__(self) -> None:
        self.rows: dict[int, tuple[Record, str | None]] = {}
        self.newest, self.under_way = 0, False

    async def begin(self, _transaction: object, position: int) -> int:
        self.newest = max(self.newest, position)
        return self.newest

    async def note(self, _transaction: object, decision: Record, *, due: bool) -> None:
        self.rows.setdefault(cast("int", decision["ledger_offset"]), (decision, "CONTROL_CHANGED" if due else None))

    async def mark(self, _transaction: object, touched: Touched) -> None:
        for offset, (row, due) in self.rows.items():
            if due is None and row["event_type"] in (touched.event_types or ()):
                self.rows[offset] = row, touched.because.value

    async def due(self, _transaction: object, pairs_max: int) -> Sequence[Pair]:
        due = sorted(offset for offset, (_, why) in self.rows.items() if why)
        return [Pair(partition=0, offset=offset, audience=EUROPOL) for offset in due[:pairs_max]]

    async def drop(self, _transaction: object, pair: Pair) -> None:
        del self.rows[pair.offset]

    async def keep(self, _transaction: object, pair: Pair, _reasons: Sequence[str]) -> None:
        self.rows[pair.offset] = self.rows[pair.offset][0], None

    async def goes_on(self, _transaction: object, *, is_read: bool, insist: bool) -> bool:
        asked = (is_read or insist or not self.under_way) and any(why for _, why in self.rows.values())
        self.under_way = asked or (self.under_way and not is_read)
        return asked


class Ledger:
    """Records by their places; the content does not matter here."""

    async def records(self, places: Any) -> list[SourceRecord]:
        return [SourceRecord(TopicName("ledger"), *place, None, None) for place in sorted(set(places))]


class Releases:
    """What Reconsider asks of release: facts by place, and a feed that is counted."""

    def __init__(self) -> None:
        self.fed: list[int] = []

    async def open(self, batch: Sequence[SourceRecord]) -> list[Any]:
        return [_Opened(source, facts(source.offset)) for source in batch]

    async def feed(self, _audience: PartnerId, several: Sequence[Any], _inputs: Inputs) -> list[Output]:
        self.fed += [event.source.offset for event, _ in several]
        return []


@dataclasses.dataclass(frozen=True)
class _Opened:
    source: SourceRecord
    facts: Facts


def control(count: int) -> ControlState:
    return ControlState(agreements=LIMITED[:count], offset=count, offsets={AGREEMENTS: count})


def outcome(number: int, state: ControlState) -> Release | Withhold:
    return decided(facts(number), EUROPOL, considered(facts(number), EUROPOL, state), NOW)


class World:
    """Topics as lists, each with how far Reconsider has read it."""

    def __init__(self) -> None:
        self.release, self.table = Releases(), Table()
        self.topics: dict[str, list[bytes]] = {DECISIONS: [], AGREEMENTS: [], REVIEWS: []}
        self.read = dict.fromkeys(self.topics, 0)
        self.count, self.events = 0, 0
        self.first: list[int] = []
        self.reconsider = Reconsider(
            release=cast("ReleaseProcessor", self.release), ledger=Ledger(), codec=CODEC, withheld=self.table
        )

    def decide(self, stale: int) -> None:
        """Let release decide the next event, on a state of control that may be a little old."""
        state, number = control(max(0, self.count - stale)), self.events
        self.events += 1
        source, asked = (
            SourceRecord(TopicName("ledger"), 0, number, None, None),
            considered(facts(number), EUROPOL, state),
        )
        found = outcome(number, state)
        self.first += [number] if isinstance(found, Release) else []
        rested = Rested(asked=asked, control=state, now=NOW, because=Because.FIRST)
        self.topics[DECISIONS].append(decision_output(source, facts(number), EUROPOL, found, rested, CODEC).value)

    def agree(self) -> None:
        from infra.control import record_of

        if self.count < len(LIMITED):
            writer = CODEC.writer("control.agreements-hub.v1.Agreement", hub_contract("Agreement").schema)
            self.topics[AGREEMENTS].append(writer.encode(record_of(LIMITED[self.count])))
            self.count += 1

    async def step(self, topic: str, stale: int) -> None:
        """Let Reconsider take what it has not read of *topic*, with inputs that may be old but not older than that."""
        if (start := self.read[topic]) == len(self.topics[topic]):
            return
        count = self.count if topic == AGREEMENTS else max(0, self.count - stale)
        batch = [
            SourceRecord(TopicName(topic), 0, start + n, None, value)
            for n, value in enumerate(self.topics[topic][start:])
        ]
        self.read[topic] = len(self.topics[topic])
        inputs = Inputs(now=NOW, control=control(count), nonce=lambda: bytes(12))
        for output in await self.reconsider.process(batch, inputs, cast("Any", None)):
            self.topics[output.topic].append(output.value)


steps = st.lists(
    st.tuples(st.sampled_from(["decide", "agree", DECISIONS, AGREEMENTS, REVIEWS]), st.integers(0, 2)), max_size=40
)


@given(steps)
@settings(deadline=None)
def test_each_pair_is_released_once_and_in_the_end_as_if_all_were_decided_then(walk: Any) -> None:
    async def run() -> World:
        world = World()
        for what, stale in walk:
            if what == "decide":
                world.decide(stale)
            elif what == "agree":
                world.agree()
            else:
                await world.step(what, stale)
        while any(world.read[topic] < len(values) for topic, values in world.topics.items()):
            for topic in world.topics:
                await world.step(topic, 0)
        return world

    world = asyncio.run(run())
    released = world.first + world.release.fed
    assert len(released) == len(set(released))
    wanted = [number for number in range(world.events) if isinstance(outcome(number, control(world.count)), Release)]
    assert sorted(released) == wanted
    assert set(world.table.rows) == set(range(world.events)) - set(wanted)


def test_a_final_reason_keeps_nothing_waiting() -> None:
    async def run() -> Table:
        table = Table()
        for reason in sorted(FINAL):
            source = SourceRecord(TopicName("ledger"), 0, 0, None, None)
            rested = Rested(
                asked=considered(FACTS, EUROPOL, control(0)), control=control(0), now=NOW, because=Because.FIRST
            )
            told = decision_output(source, facts(0), EUROPOL, Withhold(reasons=(reason,)), rested, CODEC)
            one = Reconsider(release=cast("Any", Releases()), ledger=Ledger(), codec=CODEC, withheld=table)
            inputs = Inputs(now=NOW, control=control(0), nonce=lambda: bytes(12))
            await one.process([SourceRecord(DECISIONS, 0, 0, None, told.value)], inputs, cast("Any", None))
        return table

    assert asyncio.run(run()).rows == {}
    assert tick_of(NOW) > 0
