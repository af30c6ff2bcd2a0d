"""Evidence as tests make it: a hub with one key, chains in memory, exports of receipts and of what the ledger holds."""

import hashlib
import io
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from infra.evidence.answers import ACCEPTED, REFUSED, Answer
from infra.evidence.chain import Head, beginning
from infra.evidence.export_file import Range, Sealing, answer_line, head_line, range_of, statement_line
from infra.evidence.findings import Finding
from infra.evidence.receipts import Proved, proved
from infra.evidence.signatures import SigningKey, by_id
from infra.evidence.statements import Rooted, Statement, rooted
from infra.evidence.verifying import verify
from schemas.errors import Problem
from schemas.names import TopicName

HUB = "a-hub-in-tests"
TOPIC = "in.rs-police"
WRONG = Problem("person.group", "unknown-code", 'an advice with "quotes",\nlines and ž')


@cache
def key() -> SigningKey:
    """Return the one key of the hub in tests."""
    return SigningKey(Ed25519PrivateKey.from_private_bytes(hashlib.sha256(HUB.encode()).digest()))


KEYS = by_id([key().private.public_key()])


class OneKey:
    """Signs with the one key."""

    async def current(self) -> SigningKey:
        return key()


class MemoryChains:
    """Heads of chains, in memory."""

    def __init__(self) -> None:
        self.heads: dict[tuple[TopicName, int], Head] = {}

    async def head(self, _transaction: object, topic: TopicName, partition: int) -> Head | None:
        return self.heads.get((topic, partition))

    async def advance(self, _transaction: object, topic: TopicName, partition: int, seen: Head, reached: Head) -> None:
        assert self.heads.get((topic, partition)) in (seen, None)
        self.heads[topic, partition] = reached


def invented_answers(count: int, first_position: int = 0) -> list[tuple[Answer, bytes | None]]:
    """Return *count* answers that follow each other, each with what the ledger holds of it; every third is refused."""
    found: list[tuple[Answer, bytes | None]] = []
    for position in range(first_position, first_position + count):
        is_refused = position % 3 == 2
        record = None if is_refused else f"sealed {position}".encode()
        answer = Answer(
            topic=TOPIC,
            partition=0,
            offset=2 * position,
            position=position,
            outcome=REFUSED if is_refused else ACCEPTED,
            event_id=f"0199c0de-0000-7000-8000-{position:012d}",
            event_type="PersonIdentified",
            received_at_ms=1_772_522_102_000 + position,
            record=None if record is None else hashlib.sha256(record).digest(),
            problems=(WRONG,) if is_refused else (),
        )
        found.append((answer, record))
    return found


def invented_batches(*sizes: int) -> list[tuple[Rooted, list[tuple[Answer, bytes | None]]]]:
    """Return batches of *sizes* answers, one after the other."""
    head, found = beginning(HUB, TOPIC, 0), []
    for size in sizes:
        answers = invented_answers(size, head.position)
        made = rooted([each for each, _ in answers], head, hub=HUB, created_at_ms=1, key_id=key().key_id)
        found.append((made, answers))
        head = made.head
    return found


def proved_of(batch: Rooted, answer: Answer) -> Proved:
    """Return what proves *answer* of *batch*."""
    text = batch.statement.text()
    return Proved(
        answer=answer.text(),
        statement=text,
        signature=key().sign(text),
        proof=batch.tree.proof(answer.position - batch.statement.first_position),
    )


def invented_export(*sizes: int, signed: bool = True, records: bool = True) -> bytes:
    """Return an export of batches of *sizes* answers."""
    lines: list[bytes] = []
    batches = invented_batches(*sizes)
    for made, answers in batches:
        text = made.statement.text()
        lines.append(statement_line(text, key().sign(text)))
        for answer, record in answers:
            lines.append(answer_line(answer.text(), proved_of(made, answer).proof, record if records else None))
    sources = [range_of(batches[0][0].statement, batches[-1][0].statement)]
    return sealed_export(lines, sources, signed=signed, records=records)


def sealed_export(
    lines: Iterable[bytes], sources: Sequence[Range], *, signed: bool = True, records: bool = True
) -> bytes:
    """Return *lines* about *sources* as a whole export, sealed anew."""
    sealing = Sealing(HUB)
    public = [key().private.public_key()]
    head = head_line(hub=HUB, made_at_ms=1, records=records, keys=public, sources=sources)
    out = [sealing.add(each) for each in (head, *lines)]
    return b"".join([*out, sealing.end(key() if signed else None)])


def export_of(
    receipts: Iterable[Mapping[str, Any]], roots: Iterable[Mapping[str, Any]], ledger: Iterable[bytes]
) -> bytes:
    """Return the export of what the topics of one agency hold."""
    held = {hashlib.sha256(value).digest(): value for value in ledger}
    answered = [(each, found) for each in receipts if (found := proved(dict(each))) is not None]
    statements = [(Statement.parse(each["statement"]), each["signature"]) for each in roots]
    lines, rest = [], iter(answered)
    for statement, signature in statements:
        lines.append(statement_line(statement.text(), signature))
        for _ in range(statement.size):
            receipt, found = next(rest)
            lines.append(answer_line(found.answer, found.proof, held.get(receipt["record_digest"] or b"")))
    assert next(rest, None) is None, "every answer is in a statement"
    return sealed_export(lines, [range_of(statements[0][0], statements[-1][0])] if statements else [])


def findings_in(export: bytes) -> list[Finding]:
    """Return what is wrong with *export*."""
    return verify(io.BytesIO(export), KEYS).problems


def rules_in(export: bytes) -> set[str]:
    """Return the rules that *export* breaks."""
    return {each.rule for each in findings_in(export)}
