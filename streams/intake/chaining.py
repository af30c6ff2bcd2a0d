"""What intake answers gets its place in the chain of its source, and its receipt the proof of it.

Rule 1: each accepted and each refused record is one entry; a duplicate has the place of its original.
Rule 2: the chain advances in the SQL transaction of the batch: what is told again after a crash is the same bytes.
Rule 3: one statement for each batch, signed once; the receipts of the batch carry it.
"""

import datetime as dt
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace

from infra.evidence.answers import ACCEPTED, REFUSED, Answer
from infra.evidence.chain import Head, beginning
from infra.evidence.receipts import ms_of
from infra.evidence.signatures import Signer
from infra.evidence.statements import Rooted, rooted
from schemas.codec import Codec, Record
from schemas.names import AgencyId, TopicName
from streams.hub_records import hub_output
from streams.intake.admission import Admitted, Duplicate, Seen
from streams.intake.chains import Chains, SqlChains
from streams.intake.reading import Readable, Refused
from streams.intake.writing import receipt_output
from streams.pump.records import Output, SourceRecord, Transaction

Places = Mapping[int, int]
"""Position in the chain by offset in the source, of the records of one batch that are answered anew."""


class Chaining:
    """The chains of the hub whose id is *hub*, in *chains*, signed by *signer*."""

    def __init__(self, *, hub: str, codec: Codec, signer: Signer, chains: Chains | None = None) -> None:
        self._hub = hub
        self._codec = codec
        self._signer = signer
        self._chains = chains or SqlChains()

    async def head(self, transaction: Transaction, source: SourceRecord) -> Head:
        """Return the head of the chain of the source that *source* is of, locked until *transaction* ends."""
        found = await self._chains.head(transaction, source.topic, source.partition)
        return found or beginning(self._hub, source.topic, source.partition)

    async def outputs(
        self,
        admitted: Sequence[Admitted],
        ledger: Sequence[bytes],
        head: Head,
        agency: AgencyId,
        now: dt.datetime,
        transaction: Transaction,
    ) -> list[Output]:
        """Return the receipts of *admitted*, which follow *head*, and the statement about them.

        *ledger* holds what the ledger gets of those that are accepted, in order.
        """
        places = places_of(admitted, head)
        answers = answers_of(admitted, ledger, places, now)
        if not answers:
            return [self._receipt(each, agency, now, places, None) for each in admitted]
        key = await self._signer.current()
        found = rooted(list(answers.values()), head, hub=self._hub, created_at_ms=ms_of(now), key_id=key.key_id)
        statement = found.statement.text()
        signed: Record = {"statement": statement, "signature": key.sign(statement)}
        first = found.statement
        await self._chains.advance(transaction, TopicName(first.topic), first.partition, head, found.head)
        evidence = {offset: _evidence(answer, found) | signed for offset, answer in answers.items()}
        return [
            *(self._receipt(each, agency, now, places, evidence.get(source_of(each).offset)) for each in admitted),
            self._rooted(found, agency, now, signed),
        ]

    def _receipt(
        self, item: Admitted, agency: AgencyId, now: dt.datetime, places: Places, evidence: Record | None
    ) -> Output:
        if isinstance(item, Duplicate):
            evidence = {"chain_position": places.get(item.original.source_offset, item.original.chain_position)}
        return receipt_output(item, agency, self._codec, now, evidence or {})

    def _rooted(self, found: Rooted, agency: AgencyId, now: dt.datetime, signed: Record) -> Output:
        content: Record = {
            "number": found.statement.number,
            "first_position": found.statement.first_position,
            "last_position": found.statement.last_position,
            "created_at": now,
            **signed,
        }
        return hub_output(TopicName(f"roots.{agency}"), "BatchRooted", content, self._codec)


def source_of(item: Admitted) -> SourceRecord:
    """Return the record that *item* answers."""
    return item.event.source if isinstance(item, Duplicate) else item.source


def places_of(admitted: Sequence[Admitted], head: Head) -> Places:
    """Return the place of each record of *admitted* that is answered anew, after *head*."""
    anew = [each for each in admitted if not isinstance(each, Duplicate)]
    return {source_of(each).offset: head.position + number for number, each in enumerate(anew)}


def with_places(fresh: Mapping[str, Seen], places: Places) -> dict[str, Seen]:
    """Return *fresh* with the place of each event, for the receipts of what repeats it later."""
    return {event_id: replace(seen, chain_position=places[seen.source_offset]) for event_id, seen in fresh.items()}


def answers_of(
    admitted: Sequence[Admitted], ledger: Sequence[bytes], places: Places, now: dt.datetime
) -> dict[int, Answer]:
    """Return the answers to *admitted* by offset, in order; *ledger* holds a value for each that is accepted."""
    accepted = [each for each in admitted if isinstance(each, Readable)]
    records = {each.source.offset: value for each, value in zip(accepted, ledger, strict=True)}
    found: dict[int, Answer] = {}
    for item in admitted:
        if isinstance(item, Duplicate):
            continue
        source, is_accepted = item.source, isinstance(item, Readable)
        found[source.offset] = Answer(
            topic=source.topic,
            partition=source.partition,
            offset=source.offset,
            position=places[source.offset],
            outcome=ACCEPTED if is_accepted else REFUSED,
            event_id=item.event_id,
            event_type=item.contract.name if isinstance(item, Readable) else item.event_type,
            received_at_ms=ms_of(now),
            record=hashlib.sha256(records[source.offset]).digest() if is_accepted else None,
            problems=item.problems if isinstance(item, Refused) else (),
        )
    return found


def _evidence(answer: Answer, found: Rooted) -> Record:
    return {
        "chain_position": answer.position,
        "record_digest": answer.record,
        "proof": list(found.tree.proof(answer.position - found.statement.first_position)),
    }
