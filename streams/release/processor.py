"""Release as a processor: opens ledger events in memory, asks the rules about every audience, seals for each."""

import asyncio
import datetime as dt
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from infra.topology.agreements import Agreement
from infra.topology.model import Topology
from infra.vault.holders import holder_of_agency, holder_of_subject
from infra.vault.pseudonyms import PseudonymProvider
from infra.vault.vault import Vault
from schemas.catalogue import Contract
from schemas.codec import Codec, Record
from schemas.derive import Channel
from schemas.egress import Egress
from schemas.field_steps import AGENCY, persons, without_persons
from schemas.names import AgencyId, PartnerId, SubjectId, TopicName
from schemas.sealing import DataKey, Nonce
from streams.hub_records import withdrawal_outputs
from streams.opening import EventOpener
from streams.pump.records import Inputs, Output, SourceRecord, Transaction
from streams.release.basis import Because, considered, decided
from streams.release.decide import Facts, Release, facts_of
from streams.release.writing import Rested, decision_output, facts_outputs, feed_output, stage_output

LEDGER = TopicName("ledger")
CONSENT_WITHDRAWN = "ConsentWithdrawn"
STATISTICS = "STATISTICS"


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """One ledger event, opened in memory; its representation hides the content."""

    source: SourceRecord
    contract: Contract
    event_id: str
    agency: AgencyId
    facts: Facts
    record: Record = field(repr=False)
    subjects: dict[str, SubjectId]
    """Subject of each person by path."""


class ReleaseProcessor:
    """Stateless: what it decides follows from the ledger, the control topics and the clock."""

    name = "release"
    stateful = False
    keyed = True
    topics: Sequence[TopicName] = (LEDGER,)

    def __init__(
        self, *, topology: Topology, codec: Codec, vault: Vault, pseudonyms: PseudonymProvider | None = None
    ) -> None:
        self._audiences = tuple(partner.id for partner in topology.partners)
        self._populations = topology.populations
        countries = {partner.country for partner in topology.partners if partner.country}
        self._of_country = {
            country: frozenset(str(partner.id) for partner in topology.partners if partner.country == country)
            for country in countries
        }
        self._codec = codec
        self._vault = vault
        self._pseudonyms: PseudonymProvider = pseudonyms or vault
        self._opener = EventOpener(codec, vault, Channel.LEDGER)
        self._egress = Egress(codec)

    async def process(
        self,
        batch: Sequence[SourceRecord],
        inputs: Inputs,
        transaction: Transaction,  # noqa: ARG002 - stateless
    ) -> Sequence[Output]:
        """Return feed events, stage rows and decisions for *batch*."""
        await self._codec.learn_aside([record.value for record in batch])
        control, now = inputs.control, inputs.now
        outputs: list[Output] = []
        released: dict[PartnerId, list[tuple[Opened, Release]]] = defaultdict(list)
        events = await self.open(batch)
        for event in events:
            for audience in self._audiences:
                if str(audience) == str(event.agency):
                    continue  # nobody is told what they said themselves
                if not _concerns(event.facts, audience, control.agreements):
                    continue  # follows from the agreements alone; nothing about this event is decided
                asked = considered(event.facts, audience, control)
                decision = decided(event.facts, audience, asked, now)
                if isinstance(decision, Release):
                    released[audience].append((event, decision))
                outputs.append(
                    decision_output(
                        event.source,
                        event.facts,
                        audience,
                        decision,
                        Rested(asked=asked, control=control, now=now, because=Because.FIRST),
                        self._codec,
                    )
                )
        feeds = (self.feed(audience, several, inputs) for audience, several in released.items())
        for feed in await asyncio.gather(*feeds):
            outputs += feed
        outputs += await self._stage(events, inputs.nonce)
        outputs += [each for event in events for each in self._non_personal(event, now)]
        return outputs

    async def discard(
        self,
        record: SourceRecord,  # noqa: ARG002 - the audit of parking has its position
        inputs: Inputs,  # noqa: ARG002 - as above
        transaction: Transaction,  # noqa: ARG002 - as above
    ) -> Sequence[Output]:
        """Return nothing: nobody was promised an event that the rules never saw."""
        return ()

    async def open(self, batch: Sequence[SourceRecord]) -> list[Opened]:
        """Return the ledger events of *batch*, opened, with the facts that the rules ask for."""
        read = [(each, persons(each.contract, each.record)) for each in await self._opener.opened(batch)]
        everybody = {SubjectId(str(p["subject"])) for _, people in read for p in people.values()}
        protected = await self._vault.restricted(everybody)
        events = []
        for each, people in read:
            envelope = cast("Record", each.record["envelope"])
            events.append(
                Opened(
                    source=each.source,
                    contract=each.contract,
                    event_id=str(envelope["event_id"]),
                    agency=AgencyId(str(envelope["agency"])),
                    facts=facts_of(each.contract.name, each.record, people, self._of_country, protected),
                    record=each.record,
                    subjects={path: SubjectId(str(person["subject"])) for path, person in people.items()},
                )
            )
        return events

    def _non_personal(self, event: Opened, now: dt.datetime) -> Iterator[Output]:
        """Yield what of *event* is about nobody, and to the populations who has withdrawn consent."""
        yield from facts_outputs(event.contract, event.record, now, self._egress)
        if event.contract.name == CONSENT_WITHDRAWN and _is_about_statistics(event.record):
            topics = [TopicName(f"stage.{population.id}") for population in self._populations]
            yield from withdrawal_outputs(event.event_id, event.subjects.values(), topics, self._codec)

    async def feed(
        self, audience: PartnerId, several: Sequence[tuple[Opened, Release]], inputs: Inputs
    ) -> list[Output]:
        """Return *several* events for *audience*, under keys and pseudonyms that only it has."""
        subjects = {subject for event, _ in several for subject in event.subjects.values()}
        names = await self._pseudonyms.pseudonyms(audience, inputs.now.year, subjects)
        holders = {holder_of_subject(subject): names[subject] for subject in subjects if subject in names}
        holders |= {holder_of_agency(event.agency): str(event.agency) for event, _ in several}
        keys = await self._vault.keys(holders, audience)
        outputs = []
        for event, release in several:
            record = without_persons(event.contract, event.record, release.left_out, release.agreement.roles)
            by_path = _by_path(event.contract, event.agency, record, keys)
            outputs.append(feed_output(event.contract, record, release, by_path, self._codec, inputs.nonce))
        return outputs

    async def _stage(self, events: Sequence[Opened], nonce: Nonce) -> list[Output]:
        holders = {holder_of_subject(s): str(s) for event in events for s in event.subjects.values()}
        holders |= {holder_of_agency(event.agency): str(event.agency) for event in events}
        keys = await self._vault.keys(holders)
        return [
            stage_output(
                event.contract,
                event.record,
                population.id,
                _by_path(event.contract, event.agency, event.record, keys),
                self._codec,
                nonce,
            )
            for event in events
            for population in self._populations
            if event.contract.name in population.event_types and not event.facts.erased
        ]


def _is_about_statistics(record: Record) -> bool:
    """Whether a withdrawal of consent takes back that the person is counted: no purpose named means all."""
    purposes = cast("list[str]", record["purposes"])
    return not purposes or STATISTICS in purposes


def _concerns(facts: Facts, audience: PartnerId, agreements: Sequence[Agreement]) -> bool:
    """Whether an agreement with *audience*, in force or not, speaks of events of this type and agency."""
    return any(
        each.partner == audience and facts.event_type in each.event_types and facts.agency in each.agencies
        for each in agreements
    )


def _by_path(
    contract: Contract, agency: AgencyId, record: Mapping[str, object], keys: Mapping[str, DataKey]
) -> dict[str, DataKey]:
    people = persons(contract, record)
    found = {path: keys[holder_of_subject(SubjectId(str(person["subject"])))] for path, person in people.items()}
    return {**found, AGENCY: keys[holder_of_agency(agency)]}
