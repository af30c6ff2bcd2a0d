"""Intake's answers in the chain: each has one place, a duplicate that of its original, and receipts prove it."""

import dataclasses
import hashlib
import uuid
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.evidence.receipts import proved
from schemas.catalogue import contract
from schemas.errors import Problem
from schemas.names import AgencyId, TopicName
from streams.intake.admission import Admitted, Duplicate, Seen
from streams.intake.chaining import Chaining
from streams.intake.reading import Readable, Refused
from streams.pump.records import SourceRecord
from tests.evidence import HUB, KEYS, MemoryChains, OneKey, export_of, findings_in
from tests.publishing import now
from tests.schemas.registries import memory_codec

AGENCY = AgencyId("rs-police")
SOURCE = TopicName("in.rs-police")
CODEC = memory_codec()
NOW = now()
Kinds = list[str]
KINDS = st.lists(st.lists(st.sampled_from(["new", "refused", "again", "long ago"]), min_size=1, max_size=8), max_size=4)


def items_of(kinds: Kinds, first_offset: int) -> list[Admitted]:
    """Return a batch of the *kinds*; what comes again repeats the first of the batch."""
    found: list[Admitted] = []
    for offset, kind in enumerate(kinds, first_offset):
        source = SourceRecord(SOURCE, 0, offset, None, b"")
        event = Readable(source=source, contract=contract("PersonIdentified"), event_id=str(uuid.uuid4()), record={})
        fresh = [each for each in found if isinstance(each, Readable)]
        if kind == "new" or (kind == "again" and not fresh):
            found.append(event)
        elif kind == "refused":
            found.append(Refused(source=source, problems=(Problem("$", "unknown-schema", "use another"),)))
        else:
            original = Seen(content_mac=b"", source_offset=-5, received_at=NOW, chain_position=None)
            if kind == "again":
                original = dataclasses.replace(original, source_offset=fresh[0].source.offset)
            found.append(Duplicate(event=event, original=original))
    return found


async def run(batches: list[Kinds]) -> tuple[list[dict[str, Any]], list[dict[str, Any]], list[bytes]]:
    """Return receipts, statements and ledger values of *batches*."""
    chaining = Chaining(hub=HUB, codec=CODEC, signer=OneKey(), chains=MemoryChains())
    outputs, ledger, offset = [], list[bytes](), 0
    for kinds in batches:
        items = items_of(kinds, offset)
        accepted = sum(isinstance(each, Readable) for each in items)
        values = [b"sealed %d" % (len(ledger) + number) for number in range(accepted)]
        head = await chaining.head(None, SourceRecord(SOURCE, 0, 0, None, b""))  # type: ignore[arg-type]  # in memory
        outputs += await chaining.outputs(items, values, head, AGENCY, NOW, None)  # type: ignore[arg-type]
        ledger += values
        offset += len(kinds) + 1
    decoded = [(each.topic, CODEC.decode(each.value).record) for each in outputs]
    receipts: list[dict[str, Any]] = [record for name, record in decoded if name == "receipts.rs-police"]
    roots: list[dict[str, Any]] = [record for name, record in decoded if name == "roots.rs-police"]
    return receipts, roots, ledger


@given(KINDS)
async def test_whatever_comes_every_receipt_is_proved_and_the_chain_is_whole(batches: list[Kinds]) -> None:
    receipts, roots, ledger = await run(batches)
    assert len(receipts) == sum(map(len, batches))
    anew = [each for each in receipts if each["outcome"] != "DUPLICATE"]
    assert [each["chain_position"] for each in anew] == list(range(len(anew)))
    assert len(roots) == sum(any(kind != "long ago" for kind in kinds) for kinds in batches)
    for each in anew:
        evidence = proved(each)
        assert evidence is not None
        answer = evidence.check(KEYS)
        assert (answer.position, answer.offset) == (each["chain_position"], each["source_offset"])
    digests = [each["record_digest"] for each in anew if each["outcome"] == "ACCEPTED"]
    assert digests == [hashlib.sha256(value).digest() for value in ledger]
    assert findings_in(export_of(receipts, roots, ledger)) == []


async def test_a_duplicate_has_the_place_of_its_original_and_no_proof_of_its_own() -> None:
    receipts, roots, _ = await run([["refused", "new", "again", "long ago"]])
    assert [each["chain_position"] for each in receipts] == [0, 1, 1, None]
    assert [each["statement"] is None for each in receipts] == [False, False, True, True]
    assert len(roots) == 1


async def test_a_batch_of_duplicates_alone_moves_nothing() -> None:
    receipts, roots, _ = await run([["long ago", "long ago"], ["new"]])
    assert [each["chain_position"] for each in receipts] == [None, None, 0]
    assert [each["number"] for each in roots] == [0]


async def test_an_event_that_is_accepted_without_its_ledger_record_is_a_defect() -> None:
    chaining = Chaining(hub=HUB, codec=CODEC, signer=OneKey(), chains=MemoryChains())
    head = await chaining.head(None, SourceRecord(SOURCE, 0, 0, None, b""))  # type: ignore[arg-type]  # in memory
    for values in ([], [b"one", b"two"]):
        with pytest.raises(ValueError, match="zip"):
            await chaining.outputs(items_of(["new"], 0), values, head, AGENCY, NOW, None)  # type: ignore[arg-type]
