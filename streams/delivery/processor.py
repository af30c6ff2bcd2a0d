"""Delivery as a processor: decisions, feeds, acknowledgements and the clock become steps on ladders.

Rule 1: nobody's word moves a ladder but that of its recipient, about a record that is on its feed.
Rule 2: the order in which the sources are read changes nothing of where a ladder ends (tests hold it to that).
Rule 3: each step, each limit and each refusal is told once: SQL state and the outbox commit together.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import cast

from infra.topology.clocks import ClocksFile
from infra.topology.model import Topology
from schemas.catalogue import hub_contract
from schemas.codec import Codec, Record
from schemas.errors import RejectedError
from schemas.names import TopicName
from streams.delivery import books
from streams.delivery.acknowledging import claims_in, whole
from streams.delivery.ladder import Claim, Refusal, is_settled, reached, refused_rule, relayed_in_time
from streams.delivery.overdue import take_late
from streams.delivery.steps import Decided, decided, recalled, told_late, told_reached, told_refused, told_relayed
from streams.pump.records import Inputs, Output, SourceRecord, Transaction

DECISIONS = TopicName("decisions")
LOOKS = TopicName("clock.deliveries")
FEED, ACKS = "to.", "acks."


class DeliveryProcessor:
    """Keeps the ladders of every partner of *topology*, by the limits of *clocks*."""

    name = "delivery"
    stateful = True
    keyed = False

    def __init__(self, *, topology: Topology, codec: Codec, clocks: ClocksFile) -> None:
        partners = [str(partner.id) for partner in topology.partners]
        own = [TopicName(f"{prefix}{partner}") for partner in partners for prefix in (FEED, ACKS)]
        self.topics: Sequence[TopicName] = (DECISIONS, LOOKS, *own)
        self._codec = codec
        self._clocks = clocks

    async def process(
        self, batch: Sequence[SourceRecord], inputs: Inputs, transaction: Transaction
    ) -> Sequence[Output]:
        """Return what *batch* tells of deliveries."""
        await self._codec.learn_aside([record.value for record in batch])
        await books.take_turn(transaction)
        topic = batch[0].topic
        if topic == DECISIONS:
            return await self._decisions(batch, inputs, transaction)
        if topic == LOOKS:
            return await self._looks(batch, inputs, transaction)
        if topic.startswith(FEED):
            return await self._feed(topic.removeprefix(FEED), batch, inputs, transaction)
        return await self._acknowledgements(topic.removeprefix(ACKS), batch, inputs, transaction)

    async def discard(
        self,
        record: SourceRecord,  # noqa: ARG002 - the audit of parking has its position
        inputs: Inputs,  # noqa: ARG002 - as above
        transaction: Transaction,  # noqa: ARG002 - as above
    ) -> Sequence[Output]:
        """Return nothing: of what cannot be read no ladder is known."""
        return ()

    async def _decisions(self, batch: Sequence[SourceRecord], inputs: Inputs, transaction: Transaction) -> list[Output]:
        found = [decided(self._codec.decode(record.value).record) for record in batch]
        outputs = await self._relay(found, transaction)
        ids = [each.id for each in found if each.released]
        return outputs + await self._settle(await books.judgeable(transaction, (), ids), {}, inputs, transaction)

    async def _feed(
        self, recipient: str, batch: Sequence[SourceRecord], inputs: Inputs, transaction: Transaction
    ) -> list[Output]:
        """Note what is where on the feed; its content stays sealed, there is no key here."""
        ids: dict[int, str] = {}
        recalls: list[Decided] = []
        for source in batch:
            read = self._codec.decode(source.value)
            if read.fullname == hub_contract("Recalled").fullname:
                recalls.append(recalled(read.record, recipient))
                ids[source.offset] = recalls[-1].id
            else:
                ids[source.offset] = str(cast("Record", read.record["envelope"])["event_id"])
        await books.keep_feed(transaction, recipient, ids)
        outputs = await self._relay(recalls, transaction)
        numbers = await books.judgeable(transaction, (recipient,), ())
        return outputs + await self._settle(numbers, {}, inputs, transaction)

    async def _acknowledgements(
        self, recipient: str, batch: Sequence[SourceRecord], inputs: Inputs, transaction: Transaction
    ) -> list[Output]:
        outputs: list[Output] = []
        numbers: list[int] = []
        for source in batch:
            claims, refusals = self._claims(recipient, source, inputs)
            outputs += await self._refuse(refusals, inputs, transaction)
            numbers += await books.keep_claims(transaction, claims)
        return outputs + await self._settle(numbers, {}, inputs, transaction)

    def _claims(
        self, recipient: str, source: SourceRecord, inputs: Inputs
    ) -> tuple[Sequence[Claim], Sequence[Refusal]]:
        wanted = hub_contract("Acknowledged")
        try:
            read = self._codec.decode(source.value)
            record = self._codec.in_form(source.value, read, wanted) if read.fullname == wanted.fullname else None
        except RejectedError:
            record = None
        if record is None:
            return (), (whole(recipient, source.offset, "unreadable"),)
        return claims_in(record, recipient, source.offset, inputs.now)

    async def _looks(self, batch: Sequence[SourceRecord], inputs: Inputs, transaction: Transaction) -> list[Output]:
        """Tell what is late, and refuse what was acknowledged and is not there."""
        outputs = [told_late(late, self._codec) for late in await take_late(transaction, inputs.now)]
        for source in batch:
            record = self._codec.decode(source.value).record
            ends = {
                str(each["partner"]): cast("int", each["end_offset"]) for each in cast("list[Record]", record["feeds"])
            }
            numbers = await books.waiting_up_to(transaction, cast("int", record["waiting_until"]))
            outputs += await self._settle(numbers, ends, inputs, transaction)
        return outputs

    async def _relay(self, several: Sequence[Decided], transaction: Transaction) -> list[Output]:
        new = await books.keep_decided(transaction, several, self._clocks)
        told = [each for each in several if each.released and (each.recipient, each.id) in new]
        accepted = await books.accepted_at(transaction, [each.id for each in told]) if told else {}
        return [
            told_relayed(
                each,
                relayed_in_time(
                    self._clocks.of(each.event_type).relay, accepted.get(f"{each.agency}/{each.id}"), each.at
                ),
                self._codec,
            )
            for each in told
        ]

    async def _settle(
        self, numbers: Iterable[int], ends: Mapping[str, int], inputs: Inputs, transaction: Transaction
    ) -> list[Output]:
        """Enter the waiting claims *numbers* that can be judged by now; the others wait on."""
        outputs: list[Output] = []
        for number in numbers:
            claim, known = await books.claim(transaction, number, ends)
            rule = refused_rule(claim, known)
            if rule is not None:
                refusal = Refusal(
                    recipient=claim.recipient,
                    acknowledgement_offset=claim.acknowledgement_offset,
                    position=claim.position,
                    feed_offset=claim.feed_offset,
                    rule=rule,
                )
                outputs += await self._refuse([refusal], inputs, transaction)
            elif is_settled(known) and known.ladder is not None:
                for step in reached(known.ladder, claim):
                    await books.move(transaction, known.ladder, step.step, step.at)
                    outputs.append(told_reached(known.ladder, step, claim, self._codec))
            else:
                continue
            await books.done_with(transaction, number)
        return outputs

    async def _refuse(self, refusals: Sequence[Refusal], inputs: Inputs, transaction: Transaction) -> list[Output]:
        for each in refusals:
            await books.keep_refused(transaction, each, inputs.now)
        return [told_refused(each, inputs.now, self._codec) for each in refusals]
