"""Cohort release as a processor: reads a stage, asks the pure rules, writes batches, ledger and state together.

Rule 1: positions only grow. A record that was parked and is tried again takes the next one, whatever its offset is.
Rule 2: batches, ledger entry, state and source offsets are one transaction of the pump; the ledger is authoritative.
Rule 3: whoever has several ids in the vault is one person here, also when that is found out while a row waits.
Rule 4: before anything is let go, rows of persons whose keys are gone are taken out.
"""

import json
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import cast

from infra.topology.model import Topology
from infra.vault.vault import Vault
from schemas.codec import Codec, Decoded
from schemas.derive import Channel
from schemas.egress import Egress
from schemas.errors import MisuseError, RejectedError
from schemas.field_steps import persons
from schemas.names import AgencyId, SubjectId, TopicName
from streams.cohort import frozen, outputs, saved, store
from streams.cohort.populations import Prepared, prepared
from streams.cohort.records import Arrived, Changed, Merged, Record, Resumed, Ticked, Withdrawn
from streams.cohort.release import Keys, advance, marks_asked
from streams.cohort.rows import Tick
from streams.cohort.state import State, Step
from streams.cohort.statistics import IDENTIFIED, Statistics
from streams.hub_records import hub_output
from streams.opening import EventOpener, OpenedEvent
from streams.pump.records import Inputs, Output, SourceRecord, Transaction

HUB = "hub.v1."


class UnfitOrderError(RejectedError):
    """An order for a population cannot be followed; it is parked."""

    code = "unfit-order"


class CohortProcessor:
    """Stateful: its rows advance with its offsets."""

    name = "cohort"
    stateful = True
    keyed = False

    def __init__(self, *, topology: Topology, codec: Codec, vault: Vault) -> None:
        self._populations = {TopicName(f"stage.{each.id}"): prepared(topology, each) for each in topology.populations}
        self.topics: Sequence[TopicName] = tuple(self._populations)
        self._codec = codec
        self._vault = vault
        self._opener = EventOpener(codec, vault, Channel.STAGE)
        self._egress = Egress(codec)
        self._store = store.Store(vault)
        self._statistics = {
            each.population.id: Statistics(topology, each, vault)
            for each in self._populations.values()
            if IDENTIFIED in each.ways
        }

    async def process(
        self, batch: Sequence[SourceRecord], inputs: Inputs, transaction: Transaction
    ) -> Sequence[Output]:
        """Return batches that leave and ledger entries for *batch*, all of one population."""
        await self._codec.learn_aside([record.value for record in batch])
        population = self._populations[batch[0].topic]
        name = population.population.id
        before = await self._store.load(transaction, State.first(population.layout, population.rule), name)
        records = await self._records(batch, population, before.state, transaction, inputs)
        records = _in_step(before.state, records, population)
        if any(isinstance(record, Ticked) for record in records):
            before = await self._store.without_erased(before)
        keys = Keys(await self._vault.secret("cohort-order"), await self._vault.secret("cohort-ledger"))
        asked = marks_asked(records, population.layout, keys.ledger)
        spent = await self._store.spent(transaction, name, asked)
        step = advance(before.state, records, layout=population.layout, keys=keys, spent=spent)
        await self._store.spend(transaction, name, step.spent)
        await store.note(transaction, name, step.notices)
        statistics = self._statistics.get(name)
        told = (
            []
            if statistics is None
            else (await statistics.take(transaction, records, before.state, step, inputs.nonce)).outputs(self._codec)
        )
        ledger, digest = await self._entries(step, name, before.ledger_digest, transaction)
        await self._store.save(transaction, population.layout, before, step.state, digest, inputs.nonce)
        return [*self._batches(step, population), *ledger, *told]

    async def discard(
        self,
        record: SourceRecord,  # noqa: ARG002 - the audit of parking has its position
        inputs: Inputs,  # noqa: ARG002 - as above
        transaction: Transaction,  # noqa: ARG002 - as above
    ) -> Sequence[Output]:
        """Return nothing: a fact that could not be read is in no cohort."""
        return ()

    async def _records(
        self,
        batch: Sequence[SourceRecord],
        population: Prepared,
        state: State,
        transaction: Transaction,
        inputs: Inputs,
    ) -> list[Record]:
        decoded = [self._codec.decode(source.value) for source in batch]
        events = await self._opener.opened_of(
            [(source, each) for source, each in zip(batch, decoded, strict=True) if not each.fullname.startswith(HUB)]
        )
        orders = {
            number: _order(each, source.offset, population)
            for number, (source, each) in enumerate(zip(batch, decoded, strict=True))
            if each.fullname.startswith(HUB)
        }
        withdrawn = {
            subject
            for several in orders.values()
            for each in several
            if isinstance(each, Withdrawn)
            for subject in (each.subject, *each.also)
        }
        groups = await self._one_person_each(state, events, withdrawn)
        values = await frozen.remember(transaction, self._vault, population, events, inputs.nonce)
        opened, next_position = iter(events), state.next_position
        found: list[Record] = []
        for older, younger in sorted((root, other) for root, others in groups.items() for other in others):
            found.append(Merged(next_position, older, younger))
            next_position += 1
        for number, source in enumerate(batch):
            position = max(source.offset, next_position)
            next_position = position + 1
            if number in orders:
                found += [_of_everybody(replace(each, position=position), groups) for each in orders[number]]
            else:
                found.append(_arrived(next(opened), position, population, values))
        return found

    async def _one_person_each(
        self, state: State, events: Sequence[OpenedEvent], others: AbstractSet[SubjectId]
    ) -> Mapping[SubjectId, frozenset[SubjectId]]:
        """Let *events* speak of each person by one id, and return the other ids of who waits or comes, and of *others*.

        That two ids are one person is found out at any time: a row that waits must not count twice.
        """
        people = [person for event in events for person in persons(event.contract, event.record).values()]
        known = {SubjectId(str(person["subject"])) for person in people} | {row.subject for row in state.pending}
        groups = await self._vault.groups(known | others)
        root_of = {other: root for root, others in groups.items() for other in others}
        for person in people:
            subject = SubjectId(str(person["subject"]))
            person["subject"] = root_of.get(subject, subject)
        return groups

    def _batches(self, step: Step, population: Prepared) -> list[Output]:
        rule = step.state.rule
        return [
            output
            for batch in step.leaving
            for output in outputs.batch_outputs(batch, population, rule, self._codec, self._egress)
        ]

    async def _entries(self, step: Step, name: str, digest: str, transaction: Transaction) -> tuple[list[Output], str]:
        found = []
        for entry in step.entries:
            content = outputs.entry_content(entry, name, digest)
            digest = outputs.digest_of(content)
            sizes = [size for _, _, size in entry.classes]
            await store.record_entry(transaction, name, entry.tick, digest, sizes)
            found.append(hub_output(outputs.LEDGER, "CohortRecorded", content, self._codec))
        return found, digest


def _in_step(state: State, records: list[Record], population: Prepared) -> list[Record]:
    """Return *records*, before them a change of the rule when the channels carry other columns than it says.

    A tier that gets more then waits, as every weaker rule does, until nothing waits that was promised less.
    """
    wanted = (state.awaited.parameters if state.awaited else state.rule).tiers
    if wanted == population.rule.tiers or not records:
        return records
    rule = replace(state.rule, tiers=population.rule.tiers)
    first = Changed(state.next_position, rule, population.layout.fingerprint)
    return [first, *(replace(record, position=record.position + 1) for record in records)]


def _arrived(event: OpenedEvent, position: int, population: Prepared, values: frozen.Values) -> Arrived:
    envelope = event.record["envelope"]
    assert isinstance(envelope, dict)
    facts = population.facts(event.contract, event.record, values)
    return Arrived(position, AgencyId(str(envelope["agency"])), tuple(facts))


def _of_everybody(record: Record, groups: Mapping[SubjectId, frozenset[SubjectId]]) -> Record:
    """Return *record*, a withdrawal of all ids of a person: an agency may know the person by one of them only."""
    if not isinstance(record, Withdrawn):
        return record
    ids = {record.subject, *record.also}
    for root, others in groups.items():
        if ids & {root, *others}:
            ids |= {root, *others}
    return replace(record, also=tuple(sorted(ids - {record.subject})))


def _order(decoded: Decoded, position: int, population: Prepared) -> list[Record]:
    """Return what a record of the hub asks of *population*; raise UnfitOrderError when it makes no sense."""
    said = decoded.record
    match decoded.fullname.removeprefix(HUB):
        case "DayBegun":
            return [Ticked(position, Tick(int(str(said["tick"]))), int(str(said["term"])))]
        case "SubjectWithdrawn":
            ids = [SubjectId(str(each)) for each in cast("list[object]", said["subject_ids"])]
            return [Withdrawn(position, ids[0], tuple(ids[1:]))] if ids else []
        case "ReleaseRuleChanged":
            try:
                rule = saved.rule_of(json.loads(str(said["rule"])))
            except (MisuseError, KeyError, TypeError, ValueError):
                raise UnfitOrderError(f"the rule for {population.population.id} is none; give it again") from None
            return [Changed(position, rule, str(said["layout"]))]
        case "ReleaseResumed":
            return [Resumed(position)]
    raise UnfitOrderError(f"stage.{population.population.id} holds a record that is no order for cohorts")
