"""Decides again what was withheld, when control or the day changes: a pair is released once, or stays withheld.

It reads what release decided, the control topics and the days, and marks the pairs that a change may open; then it
asks itself, on the topic `reviews`, for page after page of them. A pair goes from the table in the transaction that
releases it. An event that is released late comes after newer ones of its case.
"""

import uuid
from collections import defaultdict
from collections.abc import Sequence
from typing import cast

from infra.clock import tick_of
from infra.consents import consent_fact_from
from infra.control import AGREEMENTS, APPROVALS, CONSENTS
from schemas.catalogue import hub_contract
from schemas.codec import Codec, Record
from schemas.names import PartnerId, TopicName
from streams.hub_records import hub_output
from streams.pump.records import Inputs, Output, SourceRecord, Transaction
from streams.release.basis import Because, considered, decided
from streams.release.decide import Release
from streams.release.ledger import Ledger
from streams.release.processor import Opened, ReleaseProcessor
from streams.release.withheld import FINAL, Pair, SqlWithheld, Touched, Withheld
from streams.release.writing import DECISIONS, Rested, decision_output

TICKS, REVIEWS = TopicName("clock.ticks"), TopicName("reviews")
PAGE_PAIRS = 100


class Reconsider:
    """Stateful: the pairs go from its table together with its offsets."""

    name = "reconsider"
    stateful = True
    keyed = True
    topics: Sequence[TopicName] = (
        DECISIONS,
        TopicName(AGREEMENTS),
        TopicName(CONSENTS),
        TopicName(APPROVALS),
        TICKS,
        REVIEWS,
    )

    def __init__(
        self, *, release: ReleaseProcessor, ledger: Ledger, codec: Codec, withheld: Withheld | None = None
    ) -> None:
        self._release = release
        self._ledger = ledger
        self._codec = codec
        self._withheld: Withheld = withheld or SqlWithheld()

    async def process(
        self, batch: Sequence[SourceRecord], inputs: Inputs, transaction: Transaction
    ) -> Sequence[Output]:
        """Return what is released of what *batch* touches, and the order for the next page."""
        await self._codec.learn_aside([record.value for record in batch])
        topic, position = batch[0].topic, inputs.control.position + tick_of(inputs.now)
        newest = await self._withheld.begin(transaction, position)
        outputs: list[Output] = []
        if topic == REVIEWS:
            if position >= newest:  # else somebody marked pairs by a newer state than this batch has
                outputs += await self._review(inputs, transaction)
        elif topic == DECISIONS:
            for source in batch:
                await self._note(source, newest, transaction)
        else:
            for source in batch:
                if (touched := self._touched(source)) is not None:
                    await self._withheld.mark(transaction, touched)
        if await self._withheld.goes_on(transaction, is_read=topic == REVIEWS, insist=topic == TICKS):
            outputs.append(hub_output(REVIEWS, "ReviewDue", {"asked_at": inputs.now}, self._codec))
        return outputs

    async def discard(
        self,
        record: SourceRecord,  # noqa: ARG002 - the audit of parking has its position
        inputs: Inputs,  # noqa: ARG002 - as above
        transaction: Transaction,  # noqa: ARG002 - as above
    ) -> Sequence[Output]:
        """Return nothing: what was withheld stays withheld."""
        return ()

    async def _note(self, source: SourceRecord, newest: int, transaction: Transaction) -> None:
        contract = hub_contract("Decision")
        decision = self._codec.in_form(source.value, self._codec.decode(source.value), contract)
        if decision["outcome"] == "WITHHELD" and not FINAL & set(cast("list[str]", decision["reasons"])):
            await self._withheld.note(transaction, decision, due=position_of(decision) < newest)

    def _touched(self, source: SourceRecord) -> Touched | None:
        """Return which pairs a record of a control topic, or a new day, may open; None for none."""
        if source.topic == TICKS:
            return Touched(reason="agreement-not-yet-valid", because=Because.TIME)
        decoded = self._codec.decode(source.value)
        record = decoded.record
        if source.topic == AGREEMENTS:
            agencies, types = (cast("list[str]", record[name]) for name in ("agencies", "event_types"))
            touched = Touched(audiences=[str(record["partner"])], agencies=agencies, event_types=types)
            return None if record["withdrawn"] else touched
        if source.topic == CONSENTS:
            fact = consent_fact_from(record)
            touched = Touched(audiences=fact.recipients, agencies=[fact.agency], reason="no-consent")
            return None if fact.withdrawn else touched
        try:
            event_id = str(uuid.UUID(str(record["event_id"])))
        except ValueError:
            return None  # of no event: it opens nothing
        return Touched(event_id=event_id, audiences=[str(record["audience"])])

    async def _review(self, inputs: Inputs, transaction: Transaction) -> list[Output]:
        """Decide a page of pairs again, and return what goes to their audiences."""
        pairs = await self._withheld.due(transaction, PAGE_PAIRS)
        sources = await self._ledger.records((pair.partition, pair.offset) for pair in pairs)
        await self._codec.learn_aside([source.value for source in sources])
        events = {(each.source.partition, each.source.offset): each for each in await self._release.open(sources)}
        released: dict[PartnerId, list[tuple[Opened, Release]]] = defaultdict(list)
        outputs: list[Output] = []
        for pair in pairs:
            event = events[pair.partition, pair.offset]
            asked = considered(event.facts, pair.audience, inputs.control)
            decision = decided(event.facts, pair.audience, asked, inputs.now)
            if isinstance(decision, Release):
                released[pair.audience].append((event, decision))
                rested = Rested(asked=asked, control=inputs.control, now=inputs.now, because=pair.because)
                outputs.append(decision_output(event.source, event.facts, pair.audience, decision, rested, self._codec))
            await self._settle(pair, None if isinstance(decision, Release) else decision.reasons, transaction)
        for audience, several in released.items():
            outputs += await self._release.feed(audience, several, inputs)
        return outputs

    async def _settle(self, pair: Pair, reasons: Sequence[str] | None, transaction: Transaction) -> None:
        if reasons is None or FINAL & set(reasons):
            await self._withheld.drop(transaction, pair)
        else:
            await self._withheld.keep(transaction, pair, reasons)


def position_of(decision: Record) -> int:
    """Return the state of control and clock that *decision* was made on; 0 for one of before that was kept."""
    offsets = cast("list[Record]", decision["control_offsets"])
    if not offsets:
        return 0
    return sum(cast("int", each["offset"]) for each in offsets) + tick_of(decision["decided_at"])  # type: ignore[arg-type]
