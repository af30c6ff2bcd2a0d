"""Answers, statements and receipts have one text each: what is read back is the same, and nothing else is taken."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.evidence.answers import Answer
from infra.evidence.chain import genesis, linked
from infra.evidence.lines import MalformedEvidenceError
from infra.evidence.receipts import Proved, UnprovedReceiptError
from infra.evidence.signatures import KeyFileError, by_id, key_id_of, keys_in, pem_of
from infra.evidence.statements import Statement
from schemas.errors import Problem
from tests.evidence import HUB, KEYS, TOPIC, invented_batches, key, proved_of

DIGESTS = st.binary(min_size=32, max_size=32)
NUMBERS = st.integers(0, 2**60)
PROBLEMS = st.builds(Problem, st.text(max_size=20), st.text(max_size=20), st.text(max_size=20))
ANSWERS = st.builds(
    Answer,
    topic=st.just(TOPIC),
    partition=st.just(0),
    offset=NUMBERS,
    position=NUMBERS,
    outcome=st.just("REFUSED"),
    event_id=st.none() | st.uuids().map(str),
    event_type=st.none() | st.just("PersonIdentified"),
    received_at_ms=NUMBERS,
    record=st.none(),
    problems=st.lists(PROBLEMS, max_size=3).map(tuple),
)


@given(ANSWERS)
def test_an_answer_is_read_back_whatever_its_problems_say(answer: Answer) -> None:
    assert Answer.parse(answer.text()) == answer


@given(ANSWERS, ANSWERS)
def test_two_answers_have_two_leaves(one: Answer, other: Answer) -> None:
    assert (one.leaf() == other.leaf()) == (one == other)


@given(NUMBERS, DIGESTS, DIGESTS, st.integers(0, 1000))
def test_a_statement_is_read_back(number: int, before: bytes, root: bytes, more: int) -> None:
    statement = Statement(
        hub=HUB,
        topic=TOPIC,
        partition=0,
        number=number,
        first_position=number,
        last_position=number + more,
        first_offset=0,
        last_offset=number,
        chain_before=before,
        chain_after=root,
        root=root,
        previous=before,
        created_at_ms=number,
        key_id=key().key_id,
    )
    assert Statement.parse(statement.text()) == statement
    assert statement.size == more + 1


BATCH = invented_batches(3, 6)[1]
TEXTS = [(Answer.parse, BATCH[1][0][0].text()), (Answer.parse, BATCH[1][2][0].text()),
         (Statement.parse, BATCH[0].statement.text())]  # fmt: skip


@pytest.mark.parametrize(("parse", "text"), TEXTS)
@pytest.mark.parametrize(
    "change",
    [
        lambda text: text[:-1],
        lambda text: text + b"\n",
        lambda text: text + b"more -\n",
        lambda text: text.replace(b"\npartition 0\n", b"\npartition 00\n"),
        lambda text: text.replace(b"\npartition 0\n", b"\npartition -0\n"),
        lambda text: text.replace(b"\npartition 0\n", b"\n"),
        lambda text: text.replace(b"\n", b"\r\n"),
        lambda text: text.replace(b"hub.v1", b"hub.v2", 1),
        lambda text: text.replace(b"topic ", b"topic\xc2\xa0"),
        lambda text: text[:0],
        lambda text: text.split(b"\n", 1)[1],
    ],
)
def test_text_in_any_other_form_is_refused(
    parse: Callable[[bytes], object], text: bytes, change: Callable[[bytes], bytes]
) -> None:
    assert change(text) != text
    with pytest.raises(MalformedEvidenceError):
        parse(change(text))


def test_the_chain_of_no_other_hub_or_source_begins_the_same() -> None:
    heads = {genesis(hub, topic, number) for hub in ("a", "b") for topic in ("in.a", "in.b") for number in (0, 1)}
    assert len(heads) == 8


@given(st.lists(DIGESTS, min_size=2, max_size=6, unique=True), DIGESTS)
def test_the_chain_knows_order_and_number_of_its_entries(leaves: list[bytes], head: bytes) -> None:
    assert linked(linked(head, leaves[:1]), leaves[1:]) == linked(head, leaves)
    assert linked(head, leaves) != linked(head, [leaves[1], leaves[0], *leaves[2:]])
    assert linked(head, leaves) != linked(head, leaves[1:])


def test_a_receipt_proves_its_answer_and_survives_its_file() -> None:
    batch, answers = BATCH
    for answer, _ in answers:
        receipt = proved_of(batch, answer)
        assert receipt.check(KEYS) == answer
        assert Proved.parse(receipt.text()) == receipt


def test_a_changed_receipt_proves_nothing() -> None:
    batch, ((first, _), (second, _), *_) = BATCH
    good = proved_of(batch, first)
    other = proved_of(*_first_of(invented_batches(2, 6)))
    stranger = {key_id_of(each): each for each in KEYS.values()}
    changed = [
        dataclasses.replace(good, answer=second.text()),
        dataclasses.replace(good, answer=dataclasses.replace(first, offset=first.offset + 1).text()),
        dataclasses.replace(good, answer=b"hub.v1.Answer\n"),
        dataclasses.replace(good, proof=good.proof[1:]),
        dataclasses.replace(good, signature=bytes(64)),
        dataclasses.replace(good, statement=other.statement),
        dataclasses.replace(good, statement=other.statement, signature=other.signature),
    ]
    for each in changed:
        with pytest.raises(UnprovedReceiptError):
            each.check(stranger)
    with pytest.raises(UnprovedReceiptError):
        good.check({})


def test_any_bit_of_the_file_of_a_receipt_counts() -> None:
    batch, answers = BATCH
    text = proved_of(batch, answers[3][0]).text()
    for bit in range(len(text) * 8):
        changed = bytearray(text)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises((MalformedEvidenceError, UnprovedReceiptError)):
            Proved.parse(bytes(changed)).check(KEYS)


def _first_of(batches: list) -> tuple:  # type: ignore[type-arg]
    return batches[0][0], batches[0][1][0][0]


def test_a_file_of_public_keys_holds_all_there_ever_were(tmp_path: Path) -> None:
    public = key().private.public_key()
    path = tmp_path / "hub.pem"
    path.write_bytes(b"the keys of the hub\n" + pem_of([public, public]))
    assert keys_in(path) == by_id([public])
    assert len(key_id_of(public)) == 20


@pytest.mark.parametrize("content", [b"", b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", b"\xff"])
def test_a_file_without_public_keys_is_told(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "hub.pem"
    path.write_bytes(content)
    with pytest.raises(KeyFileError):
        keys_in(path)
    with pytest.raises(KeyFileError, match="cannot read"):
        keys_in(tmp_path / "none.pem")
