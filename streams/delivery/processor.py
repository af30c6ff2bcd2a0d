"""Delivery as a processor: decisions, feeds, acknowledgements, the clock and the ledger become steps and answers.

Rule 1: nobody's word moves a ladder but that of its recipient, about a record that is on its feed.
Rule 2: the order in which the sources are read changes nothing of where a ladder ends (tests hold it to that).
Rule 3: each step, each limit and each refusal is told once: SQL state and the outbox commit together.
"""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar, cast

from infra.topology.clocks import ClocksFile
from infra.topology.model import Topology
from schemas.catalogue import hub_contract
from schemas.codec import Codec, Record
from schemas.errors import RejectedError
from schemas.names import TopicName
from streams.delivery import books, question_books, waiting
from streams.delivery.acknowledging import claims_in, whole
from streams.delivery.answering import LEDGER, Questions
from streams.delivery.knowing import known_of
from streams.delivery.ladder import Claim, Refusal, relayed_in_time
from streams.delivery.overdue import take_late
from streams.delivery.settling import settle
from streams.delivery.steps import Decided, decided, recalled, told_late, told_reached, told_refused, told_relayed
from streams.pump.records import Inputs, Output, SourceRecord, Transaction

DECISIONS = TopicName("decisions")
LOOKS = TopicName("clock.deliveries")
FEED, ACKS = "to.", "acks."
JUDGED_MAX = 20_000
"""Acknowledgements of a transaction, which must end in time and keeps all others from the books; the rest wait."""
PAGE = 5000
"""Claims that are judged at a time."""
T = TypeVar("T")


class DeliveryProcessor:
    """Keeps the ladders of every partner of *topology*, by the limits of *clocks*."""

    name = "delivery"
    stateful = True
    keyed = False

    def __init__(self, *, topology: Topology, codec: Codec, clocks: ClocksFile) -> None:
        partners = [str(partner.id) for partner in topology.partners]
        own = [TopicName(f"{prefix}{partner}") for partner in partners for prefix in (FEED, ACKS)]
        self.topics: Sequence[TopicName] = (DECISIONS, LOOKS, LEDGER, *own)
        self._codec = codec
        self._clocks = clocks
        self._questions = Questions(topology=topology, codec=codec, clocks=clocks.answers)

    async def process(
        self, batch: Sequence[SourceRecord], inputs: Inputs, transaction: Transaction
    ) -> Sequence[Output]:
        """Return what *batch* tells of deliveries."""
        await self._codec.learn_aside([record.value for record in batch])
        topic = batch[0].topic
        if topic == LEDGER:
            return await self._questions.heard(batch, transaction)
        await books.take_turn(transaction)
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
        return outputs + await self._settle(
            await waiting.numbers_about(transaction, ids, JUDGED_MAX), {}, inputs, transaction
        )

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
        numbers = await waiting.numbers_at(transaction, recipient, list(ids), JUDGED_MAX)
        return outputs + await self._settle(numbers, {}, inputs, transaction)

    async def _acknowledgements(
        self, recipient: str, batch: Sequence[SourceRecord], inputs: Inputs, transaction: Transaction
    ) -> list[Output]:
        claims: list[Claim] = []
        refusals: list[Refusal] = []
        for source in batch:
            said, refused = self._claims(recipient, source, inputs)
            claims += said
            refusals += refused
        outputs = await self._refuse(refusals, inputs, transaction)
        await waiting.keep(transaction, claims[JUDGED_MAX:])
        for page in _pages(claims[:JUDGED_MAX]):
            outputs += await self._judge(page, {}, inputs, transaction)
        return outputs

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
        late = await take_late(transaction, inputs.now)
        records = [self._codec.decode(source.value).record for source in batch]
        for moment in (record.get("ledger_read_until") for record in records):
            if moment is not None:
                late += await question_books.take_unanswered(transaction, cast("dt.datetime", moment))
        outputs = [told_late(each, self._codec) for each in late]
        for record in records:
            ends = {
                str(each["partner"]): cast("int", each["end_offset"]) for each in cast("list[Record]", record["feeds"])
            }
            numbers = await waiting.numbers_up_to(transaction, cast("int", record["waiting_until"]), ends, JUDGED_MAX)
            outputs += await self._settle(numbers, ends, inputs, transaction)
        return outputs

    async def _relay(self, several: Sequence[Decided], transaction: Transaction) -> list[Output]:
        kept = await books.keep_decided(transaction, several, self._clocks) if several else []
        new = [each for each in kept if each.released]
        accepted = await books.accepted_at(transaction, [each.id for each in new]) if new else {}
        return [
            told_relayed(
                each,
                relayed_in_time(
                    self._clocks.of(each.event_type).relay, accepted.get(f"{each.agency}/{each.id}"), each.at
                ),
                self._codec,
            )
            for each in new
        ]

    async def _settle(
        self, numbers: Sequence[int], ends: Mapping[str, int], inputs: Inputs, transaction: Transaction
    ) -> list[Output]:
        """Judge the waiting claims *numbers*; those that cannot be judged yet wait on, behind the others."""
        outputs: list[Output] = []
        for page in _pages(numbers):
            outputs += await self._judge(await waiting.take(transaction, page), ends, inputs, transaction)
        return outputs

    async def _judge(
        self, claims: Sequence[Claim], ends: Mapping[str, int], inputs: Inputs, transaction: Transaction
    ) -> list[Output]:
        """Enter what *claims* come to, and let wait what cannot be judged yet."""
        found = settle(zip(claims, await known_of(transaction, claims, ends), strict=True))
        await books.move(transaction, found.moves)
        await waiting.keep(transaction, found.waiting)
        told = [told_reached(each.ladder, each.step, each.claim, self._codec) for each in found.moves]
        return told + await self._refuse(found.refusals, inputs, transaction)

    async def _refuse(self, refusals: Sequence[Refusal], inputs: Inputs, transaction: Transaction) -> list[Output]:
        await books.keep_refused(transaction, refusals, inputs.now)
        return [told_refused(each, inputs.now, self._codec) for each in refusals]


def _pages(several: Sequence[T]) -> Iterator[Sequence[T]]:
    return (several[begin : begin + PAGE] for begin in range(0, len(several), PAGE))
