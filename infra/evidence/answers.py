"""What intake decided on one record, as the text that is hashed into tree and chain. Pure.

The text covers every field of a receipt, so that none of them can be changed beside a proof that still holds.
"""

import json
from dataclasses import dataclass
from typing import Self

from infra.evidence.lines import ABSENT, MalformedEvidenceError, digest_of, lines_of, number_of, values_of
from infra.evidence.merkle import leaf_of
from schemas.errors import Problem

DOMAIN = "hub.v1.Answer"
NAMES = ("topic", "partition", "offset", "position", "outcome", "event_id", "event_type", "received_at", "record")
ACCEPTED, REFUSED = "ACCEPTED", "REFUSED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The answer to the record at *offset* of a source; *position* is its place in the chain of that source."""

    topic: str
    partition: int
    offset: int
    position: int
    outcome: str
    """ACCEPTED or REFUSED; a duplicate has the answer of its original."""
    event_id: str | None
    event_type: str | None
    received_at_ms: int
    record: bytes | None
    """SHA-256 of the value that the ledger holds, which is ciphertext; None of what was refused."""
    problems: tuple[Problem, ...] = ()

    def text(self) -> bytes:
        """Return the one text of the answer."""
        record = ABSENT if self.record is None else self.record.hex()
        text = (  # by hand: it is made for every record that is answered
            f"{DOMAIN}\ntopic {self.topic}\npartition {self.partition}\noffset {self.offset}\n"
            f"position {self.position}\noutcome {self.outcome}\nevent_id {self.event_id or ABSENT}\n"
            f"event_type {self.event_type or ABSENT}\nreceived_at {self.received_at_ms}\nrecord {record}\n"
        )
        return (text + "".join(f"problem {_problem_text(each)}\n" for each in self.problems)).encode("ascii")

    def leaf(self) -> bytes:
        """Return the leaf of the answer."""
        return leaf_of(self.text())

    @classmethod
    def parse(cls, text: bytes) -> Self:
        """Return the answer that *text* is; raise MalformedEvidenceError when it is none, or not in its one form."""
        lines = lines_of(text, DOMAIN)
        fields, told = lines[: len(NAMES)], lines[len(NAMES) :]
        topic, partition, offset, position, outcome, event_id, event_type, at, record = values_of(fields, NAMES)
        if outcome not in (ACCEPTED, REFUSED) or (outcome == ACCEPTED) == (record == ABSENT):
            raise MalformedEvidenceError("an answer is ACCEPTED with a record, or REFUSED without")
        found = cls(
            topic=topic,
            partition=number_of(partition),
            offset=number_of(offset),
            position=number_of(position),
            outcome=outcome,
            event_id=None if event_id == ABSENT else event_id,
            event_type=None if event_type == ABSENT else event_type,
            received_at_ms=number_of(at),
            record=None if record == ABSENT else digest_of(record),
            problems=tuple(_problem(value) for value in values_of(told, ("problem",) * len(told))),
        )
        if found.text() != text:
            raise MalformedEvidenceError("an answer is not written as it must be")
        return found


def _problem_text(problem: Problem) -> str:
    return json.dumps([problem.path, problem.rule, problem.advice], ensure_ascii=True, separators=(",", ":"))


def _problem(value: str) -> Problem:
    try:
        path, rule, advice = json.loads(value)
    except (ValueError, TypeError, RecursionError):
        raise MalformedEvidenceError("a problem is not written as it must be") from None
    if not all(isinstance(each, str) for each in (path, rule, advice)):
        raise MalformedEvidenceError("a problem is not written as it must be")
    return Problem(path, rule, advice)
