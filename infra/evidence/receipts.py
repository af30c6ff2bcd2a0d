"""A receipt by itself: what it proves to whoever has it and the public key of the hub, and its file. Pure.

The file is one line of JSON in its one form: `answer` and `statement` are texts, `proof` is hexadecimal digits,
`signature` base64.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self, cast

from infra.evidence.answers import Answer
from infra.evidence.export_file import base64_of, bytes_in, canonical, content_of
from infra.evidence.lines import MalformedEvidenceError, digest_of
from infra.evidence.merkle import is_included, leaf_of, steps_of
from infra.evidence.signatures import PublicKeys, is_signed
from infra.evidence.statements import Statement
from schemas.codec import Record
from schemas.errors import Problem, RejectedError

VERSION = 1


class UnprovedReceiptError(RejectedError):
    """A receipt that does not prove what it says: it is not the hub's, or it was changed."""

    code = "unproved-receipt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proved:
    """An answer with all that proves it."""

    answer: bytes
    statement: bytes
    signature: bytes
    proof: tuple[bytes, ...]

    def check(self, keys: PublicKeys) -> Answer:
        """Return the answer once it is proved by one of *keys*; raise UnprovedReceiptError with what is wrong."""
        try:
            said, answer = Statement.parse(self.statement), Answer.parse(self.answer)
        except MalformedEvidenceError as error:
            raise UnprovedReceiptError(f"the receipt was changed: {error}") from None
        key = keys.get(said.key_id)
        if key is None:
            raise UnprovedReceiptError("the statement names a key that is not among the hub's public keys")
        if not is_signed(self.statement, self.signature, key):
            raise UnprovedReceiptError("the hub has not signed the statement")
        if (answer.topic, answer.partition) != (said.topic, said.partition):
            raise UnprovedReceiptError("the answer is about another source than the statement")
        index = answer.position - said.first_position
        if not is_included(leaf_of(self.answer), index, said.size, self.proof, said.root):
            raise UnprovedReceiptError("the answer is not among those that the hub signed, or its proof was changed")
        return answer

    def steps(self) -> list[tuple[str, str]]:
        """Return the way to the root as side and hash, for whoever follows it by hand."""
        said, answer = Statement.parse(self.statement), Answer.parse(self.answer)
        sides = steps_of(answer.position - said.first_position, said.size) or ()
        return [(side, each.hex()) for side, each in zip(sides, self.proof, strict=True)]

    def text(self) -> bytes:
        """Return the file of the receipt."""
        return canonical(
            {
                "kind": "receipt",
                "version": VERSION,
                "answer": self.answer.decode("ascii"),
                "statement": self.statement.decode("ascii"),
                "signature": base64_of(self.signature),
                "proof": [each.hex() for each in self.proof],
            }
        )

    @classmethod
    def parse(cls, text: bytes) -> Self:
        """Return the receipt in the file *text*; raise MalformedEvidenceError."""
        content = content_of(text)
        try:
            if (content["kind"], content["version"]) != ("receipt", VERSION) or len(content) != len(_FIELDS):
                raise MalformedEvidenceError("it is no receipt of a version that is known here")
            return cls(
                answer=str(content["answer"]).encode(),
                statement=str(content["statement"]).encode(),
                signature=bytes_in(content["signature"]),
                proof=tuple(digest_of(each) for each in cast("list[str]", content["proof"])),
            )
        except (KeyError, TypeError):
            raise MalformedEvidenceError("a part of it is missing or of a wrong kind") from None


_FIELDS = ("kind", "version", "answer", "statement", "signature", "proof")


def answer_in(receipt: Record) -> Answer | None:
    """Return the answer that *receipt*, a record `hub.v1.Receipt`, tells; None of a duplicate."""
    if receipt.get("statement") is None:
        return None
    problems = cast("Sequence[Record]", receipt["problems"])
    return Answer(
        topic=str(receipt["source_topic"]),
        partition=cast("int", receipt["source_partition"]),
        offset=cast("int", receipt["source_offset"]),
        position=cast("int", receipt["chain_position"]),
        outcome=str(receipt["outcome"]),
        event_id=cast("str | None", receipt["event_id"]),
        event_type=cast("str | None", receipt["event_type"]),
        received_at_ms=ms_of(cast("dt.datetime", receipt["received_at"])),
        record=cast("bytes | None", receipt["record_digest"]),
        problems=tuple(Problem(str(each["path"]), str(each["rule"]), str(each["advice"])) for each in problems),
    )


def proved(receipt: Record) -> Proved | None:
    """Return what proves *receipt*, a record `hub.v1.Receipt`; None of a duplicate."""
    answer = answer_in(receipt)
    if answer is None:
        return None
    return Proved(
        answer=answer.text(),
        statement=cast("bytes", receipt["statement"]),
        signature=cast("bytes", receipt["signature"]),
        proof=tuple(cast("Sequence[bytes]", receipt["proof"])),
    )


def ms_of(moment: dt.datetime) -> int:
    """Return *moment* as milliseconds since 1970, UTC."""
    return (moment - dt.datetime.fromtimestamp(0, dt.UTC)) // dt.timedelta(milliseconds=1)
