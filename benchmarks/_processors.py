"""The real processors of `stages.py` on the real database, without Kafka: batches go in, outputs are counted.

What intake remembers is rolled back after each batch, so that events can be told again; what the vault makes of their
persons and cases stays, as it does in life.
"""

import datetime as dt
import itertools
import json
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, cast

from psycopg_pool import AsyncConnectionPool

from connectors.access import Access
from connectors.arrival import Sealer
from connectors.publisher import Publisher
from infra.arrival.keys import ArrivalKeys
from infra.control import ControlReader, ControlState
from infra.evidence.keys import EvidenceKeys
from infra.home import Home
from infra.signing.key_log import KeyLog
from infra.topology.credentials import Credentials
from infra.topology.model import Topology
from infra.vault.vault import Vault
from infra.workplace import Workplace, workplace
from schemas.codec import Codec, Record
from schemas.examples import example
from schemas.names import TopicName
from streams.cohort.processor import CohortProcessor
from streams.hub_records import hub_output
from streams.intake.chaining import Chaining
from streams.intake.processor import Intake
from streams.pump.books import SqlBooks
from streams.pump.ports import Place
from streams.pump.records import Output, Processor, SourceRecord
from streams.pump.supply import WorldSupply
from streams.release.processor import ReleaseProcessor

AGENCY = "rs-police"
EPOCH = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
TYPES = ("PersonIdentified", "ReferralOffered", "InvestigationOpened", "ExtraditionRequested", "ControlFinding")
FILLED_IN = ("agency", "event_id", "recorded_at")
PER_CASE = 5
PER_PERSON = 2


@dataclass(frozen=True, kw_only=True)
class Bench:
    """The two processors and the connection that a pump would hand to them."""

    intake: Intake
    release: ReleaseProcessor
    pool: AsyncConnectionPool
    supply: WorldSupply
    place: Workplace
    vault: Vault

    def cohort(self, staged: Sequence[bytes], events_a_day: int) -> tuple[CohortProcessor, list[SourceRecord]]:
        """Return cohort release over a population of its own, and its stage: *staged*, with a day now and then."""
        name = f"bench-{uuid.uuid4().hex[:12]}"
        populations = tuple(
            replace(each, id=name, deadline_ticks=14)
            for each in self.place.topology.populations
            if each.id == "persons"
        )
        topology = replace(self.place.topology, populations=populations)
        topic, first_day = TopicName(f"stage.{name}"), 20_000
        values: list[bytes] = []
        for number, value in enumerate(staged):
            if number % events_a_day == 0:
                day: Record = {"tick": first_day + number // events_a_day, "term": 1, "begun_at": EPOCH}
                values.append(hub_output(TopicName("stage.persons"), "DayBegun", day, self.place.codec).value)
            values.append(value)
        found = CohortProcessor(topology=topology, codec=self.place.codec, vault=self.vault)
        return found, records(topic, [(None, value) for value in values])


class AgreedOnce:
    """The agreements of the topology; they do not change while something is measured."""

    def __init__(self, place: Workplace) -> None:
        self._state = ControlState(agreements=tuple(place.topology.agreements), offset=0)

    async def state(self) -> ControlState:
        """Return the agreements."""
        return self._state


def _optional(topology: Topology) -> Topology:
    """Return *topology* with agencies that may publish unsigned: what a signature costs shows beside what has none."""
    return replace(topology, agencies=tuple(replace(agency, signed="optional") for agency in topology.agencies))


@asynccontextmanager
async def bench(home: Home) -> AsyncIterator[Bench]:
    """Open what the processors need, as the worker does."""
    async with (
        workplace(home) as place,
        place.pool("hub_streams", 4) as pool,
        place.pool("hub_vault", 10, by_statement=True) as vaults,
        AsyncExitStack() as stack,
    ):
        vault, keyrings = place.vault(vaults), KeyLog(place.credentials("hub-intake"), place.codec)
        stack.push_async_callback(keyrings.stop)
        arrival = ArrivalKeys(vaults, vault)
        yield Bench(
            intake=Intake(
                topology=_optional(place.topology),
                codec=place.codec,
                vault=vault,
                arrival=arrival,
                keyrings=keyrings,
                chaining=Chaining(hub=home.id, codec=place.codec, signer=EvidenceKeys(vaults, vault)),
            ),
            release=ReleaseProcessor(topology=place.topology, codec=place.codec, vault=vault),
            pool=pool,
            supply=WorldSupply(place.clock, cast("ControlReader", AgreedOnce(place))),
            place=place,
            vault=vault,
        )


async def published(
    home: Home, names: Sequence[str], count: int, *, sign: bool = True, seal: bool = True
) -> list[SourceRecord]:
    """Return *count* events of the types *names* in turn, as they lie on the topic: signed, and sealed, or not."""
    run = uuid.uuid4().hex[:8]
    async with Publisher(Credentials.of(home, AGENCY), sign=sign) as publisher:
        values = [
            publisher.signed(publisher.encode(_event(name, run, number))[1])
            for number, name in zip(range(count), itertools.cycle(names), strict=False)
        ]
    if seal:
        access = Access(Credentials.of(home, AGENCY))
        sealer = Sealer(access, Codec(access.registry()), TopicName(f"in.{AGENCY}"))
        sealer.prepare()
        values = [sealer.seal(value) for value in values]
        access.close()
    return records(f"in.{AGENCY}", [(None, value) for value in values])


def records(topic: str, found: Sequence[tuple[bytes | None, bytes]]) -> list[SourceRecord]:
    """Return *found* (key and value) as a consumer gives it."""
    return [
        SourceRecord(topic=TopicName(topic), partition=0, offset=offset, key=key, value=value)
        for offset, (key, value) in enumerate(found)
    ]


async def process(
    processor: Processor,
    given: Sequence[SourceRecord],
    here: Bench,
    *,
    batch_of: int,
    outbox: bool,
    keeps: bool = False,
) -> list[Output]:
    """Return what *processor* makes of *given* in batches of *batch_of*, with the outbox written when it has one.

    What it remembers is rolled back unless it *keeps* that.
    """
    place = Place(processor="bench", topic=given[0].topic, partition=0)
    books = SqlBooks(here.pool, place)
    outputs: list[Output] = []
    for start in range(0, len(given), batch_of):
        batch = given[start : start + batch_of]
        inputs = await here.supply.inputs()
        async with books.transaction() as connection:
            found = await processor.process(batch, inputs, connection)
            if outbox:
                await books.keep_outputs(connection, [(output, 0) for output in found], start)
            if not keeps:
                await connection.rollback()
        outputs += found
    return outputs


def _event(name: str, run: str, number: int) -> dict[str, object]:
    found: dict[str, Any] = json.loads(json.dumps(example(name)))
    envelope = {key: value for key, value in found["envelope"].items() if key not in FILLED_IN}
    # The id is made from the content: without a reference of its own an event would be the duplicate of another.
    found["envelope"] = {**envelope, "officer_ref": f"O-{number}", "case_ref": f"K-{run}-{number // PER_CASE}"}
    if "to_agency" in found:
        found["to_agency"] = "rs-counselling"
    persons = [found.get("person"), *found.get("suspects", ()), found.get("establishment", {}).get("proprietor")]
    for person in filter(None, persons):
        person["person_ref"] = f"P-{run}-{number // PER_PERSON}"
    return found
