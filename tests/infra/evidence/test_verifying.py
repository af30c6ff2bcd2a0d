"""The verifier: an export that is whole is good; one bit, one line, one batch less or more is found, and told where."""

import io
import json
import random
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.evidence.answers import Answer
from infra.evidence.export_file import answer_line, canonical, range_of, statement_line
from infra.evidence.findings import Findings
from infra.evidence.statements import rooted
from infra.evidence.verifying import verify
from tests.evidence import (
    HUB,
    KEYS,
    findings_in,
    invented_batches,
    invented_export,
    key,
    proved_of,
    rules_in,
    sealed_export,
)

EXPORT = invented_export(1, 5, 7, 2)
LINES = EXPORT.splitlines(keepends=True)


def resealed(lines: list[bytes]) -> bytes:
    """Return *lines* with a last line that fits them, as who holds the key of the hub could write it."""
    batches = invented_batches(1, 5, 7, 2)
    return sealed_export(lines[1:-1], [range_of(batches[0][0].statement, batches[-1][0].statement)])


def at(*numbers: int) -> list[int]:
    """Return the places of the statements *numbers* in LINES."""
    found = [place for place, line in enumerate(LINES) if b'"kind":"statement"' in line]
    return [found[number] for number in numbers]


@given(st.lists(st.integers(1, 9), min_size=1, max_size=6))
def test_an_export_that_is_whole_is_good(sizes: list[int]) -> None:
    found = verify(io.BytesIO(invented_export(*sizes)), KEYS)
    assert found.is_good
    assert (found.statements, found.accepted + found.refused) == (len(sizes), sum(sizes))
    assert not found.notes


@given(st.integers(0, len(EXPORT) * 8 - 1))
def test_any_bit_that_is_changed_is_found(bit: int) -> None:
    changed = bytearray(EXPORT)
    changed[bit // 8] ^= 1 << bit % 8
    assert findings_in(bytes(changed))


def test_every_kind_of_byte_is_covered() -> None:
    draw = random.Random(8)  # noqa: S311 - not a secret
    for place, line in enumerate(LINES):
        before = sum(map(len, LINES[:place]))
        for _ in range(12):
            changed = bytearray(EXPORT)
            changed[before + draw.randrange(len(line))] ^= 1 << draw.randrange(8)
            assert findings_in(bytes(changed)), place


@pytest.mark.parametrize("end", range(1, len(EXPORT), 97))
def test_an_export_that_is_cut_off_is_told(end: int) -> None:
    assert "cut-off" in rules_in(EXPORT[:end])


CHANGES: dict[str, tuple[Callable[[], list[bytes]], str, int | None]] = {
    "an answer is left out": (lambda: LINES[: at(1)[0] + 2] + LINES[at(1)[0] + 3 :], "answer-missing", 2),
    "the last answer is left out": (lambda: LINES[: at(2)[0] - 1] + LINES[at(2)[0] :], "answers-missing", 1),
    "a batch is left out": (lambda: LINES[: at(1)[0]] + LINES[at(2)[0] :], "statements-missing", 6),
    "a batch is told twice": (lambda: LINES[: at(2)[0]] + LINES[at(1)[0] :], "statements-missing", 1),
    "the beginning is left out": (lambda: [LINES[0], *LINES[at(1)[0] :]], "range-missing", None),
    "the end is left out": (lambda: [*LINES[: at(3)[0]], LINES[-1]], "range-missing", None),
    "two answers change places": (lambda: _swapped(at(1)[0] + 1), "answer-missing", 1),
    "a record of the ledger is another": (lambda: _edited(at(1)[0] + 1, record="eA=="), "record-altered", 1),
    "a record of the ledger is missing": (lambda: _edited(at(1)[0] + 1, record=None), "record-missing", 1),
    "an answer says something else": (lambda: _retold(at(2)[0] + 1, b"offset 12", b"offset 13"), "answer-altered", 6),
    "a statement says something else": (
        lambda: _retold(at(2)[0], b"at 1", b"at 2"),
        "signature-wrong",
        6,
    ),
    "a signature is another": (lambda: _edited(at(2)[0], signature="AAAA"), "signature-wrong", 6),
    "a statement names another key": (lambda: _retold(at(2)[0], b"key hub-", b"key hub_"), "unknown-key", 6),
    "a line is no JSON": (lambda: [*LINES[:3], b"{\n", *LINES[3:]], "malformed-line", None),
    "a line is of no kind": (lambda: [*LINES[:3], canonical({"kind": "more"}), *LINES[3:]], "malformed-line", None),
}


def _edited(place: int, **changes: object) -> list[bytes]:
    lines = LINES.copy()
    lines[place] = canonical(json.loads(lines[place]) | changes)
    return lines


def _retold(place: int, old: bytes, new: bytes) -> list[bytes]:
    text = json.loads(LINES[place])["text"].encode()
    assert old in text
    return _edited(place, text=text.replace(old, new).decode())


def _swapped(place: int) -> list[bytes]:
    lines = LINES.copy()
    lines[place], lines[place + 1] = lines[place + 1], lines[place]
    return lines


@pytest.mark.parametrize("change", CHANGES)
def test_what_is_changed_is_told_with_its_rule_and_place_even_when_the_whole_is_sealed_anew(change: str) -> None:
    make, rule, position = CHANGES[change]
    found = findings_in(resealed(make()))
    told = {(each.rule, each.position) for each in found}
    assert (rule, position) in told or (position is None and rule in {each.rule for each in found}), told


def test_all_that_is_wrong_is_told_at_once() -> None:
    lines = _edited(at(1)[0] + 1, record="eA==")
    lines[at(2)[0] + 1] = canonical(json.loads(lines[at(2)[0] + 1]) | {"proof": []})
    assert {(each.rule, each.position) for each in findings_in(resealed(lines))} == {
        ("record-altered", 1),
        ("answer-altered", 6),
    }


def test_who_forges_a_chain_with_a_key_of_their_own_is_told() -> None:
    assert {"unknown-key"} == {each.rule for each in verify(io.BytesIO(EXPORT), {}).problems}
    trusting = verify(io.BytesIO(EXPORT), None)
    assert trusting.is_good
    assert key().key_id in " ".join(trusting.notes)


def test_a_history_that_is_signed_twice_over_does_not_fit_together() -> None:
    one, _, other = invented_batches(1, 5, 7), None, invented_batches(2, 4, 7)
    lines = []
    for made, answers in (one[0], one[1], other[2]):
        text = made.statement.text()
        lines.append(statement_line(text, key().sign(text)))
        lines += [answer_line(each.text(), proved_of(made, each).proof, record) for each, record in answers]
    found = rules_in(sealed_export(lines, [range_of(one[0][0].statement, other[2][0].statement)]))
    assert found == {"statement-not-linked"}


def test_a_chain_that_does_not_begin_as_it_must_is_told() -> None:
    (made, answers) = invented_batches(3)[0]
    foreign = rooted([each for each, _ in answers], made.head, hub=HUB, created_at_ms=1, key_id=key().key_id)
    assert foreign.statement.number == 1
    text = foreign.statement.text().replace(b"\nnumber 1\n", b"\nnumber 0\n")
    found = rules_in(sealed_export([statement_line(text, key().sign(text))], []))
    assert "wrong-beginning" in found


def test_a_readers_own_export_is_good_and_says_what_it_does_not_show() -> None:
    found = verify(io.BytesIO(invented_export(2, 3, signed=False, records=False)), KEYS)
    assert found.is_good
    assert len(found.notes) == 2
    assert rules_in(invented_export(2, 3, signed=False)) == {"not-signed"}


@given(st.binary(max_size=300))
def test_any_file_at_all_is_answered(content: bytes) -> None:
    assert not verify(io.BytesIO(content), KEYS).is_good


def test_endless_findings_are_counted_and_not_listed() -> None:
    found = Findings()
    for _ in range(1500):
        found.wrong("rule", "meaning")
    assert (len(found.problems), found.left_out) == (1000, 500)


def test_an_answer_of_another_source_is_told() -> None:
    made, answers = invented_batches(1)[0]
    answer, record = answers[0]
    text = answer.text().replace(b"in.rs-police", b"in.bg-police")
    assert Answer.parse(text)
    signed = made.statement.text()
    lines = [statement_line(signed, key().sign(signed)), answer_line(text, (), record)]
    assert "other-source" in rules_in(sealed_export(lines, [range_of(made.statement, made.statement)]))
