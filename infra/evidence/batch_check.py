"""The check of one statement and of the answers that it is about: the part of the verifier that knows the chain."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

from cryptography.x509 import Certificate

from infra.evidence.answers import ACCEPTED, Answer
from infra.evidence.chain import NOTHING, genesis, linked
from infra.evidence.findings import Findings
from infra.evidence.lines import MalformedEvidenceError
from infra.evidence.merkle import Tree, is_included, leaf_of
from infra.evidence.statements import Statement

ALTERED = "it was altered after the hub had answered"


@dataclass(slots=True)
class BatchCheck:
    """Checks what follows *said*, a statement of the hub whose id is *hub*, that itself follows *before*."""

    said: Statement
    hub: str
    before: Statement | None
    with_records: bool
    found: Findings
    _leaves: list[bytes] = field(default_factory=list)
    _last_offset: int = -1
    _first_offset: int | None = None

    def open(self) -> None:
        """Check that the statement follows the one before it."""
        said, before = self.said, self.before
        if said.hub != self.hub:
            self.found.wrong("other-hub", "the statement is that of another hub than the export")
        if before is None:
            self._check_beginning()
            return
        if said.number != before.number + 1:
            self.found.wrong("statements-missing", f"statement {before.number} is followed by {said.number}")
            return
        if said.previous != hashlib.sha256(before.text()).digest():
            self.found.wrong("statement-not-linked", "it names another statement before it than the one that is here")
        if said.first_position != before.last_position + 1:
            self.found.wrong("positions-missing", f"position {before.last_position} is not followed by the next one")
        if said.chain_before != before.chain_after:
            self.found.wrong("chain-broken", "its chain does not begin where the one before it ends")

    def answer(self, text: bytes, proof: Sequence[bytes], record: bytes | None) -> None:
        """Check one answer of the batch, which must be the next one."""
        wanted = self.said.first_position + len(self._leaves)
        leaf = leaf_of(text)
        index = len(self._leaves)
        self._leaves.append(leaf)
        self.found.position = wanted
        try:
            answer = Answer.parse(text)
        except MalformedEvidenceError as error:
            self.found.wrong("answer-altered", f"{ALTERED}: {error}")
            return
        if answer.position != wanted:
            self.found.wrong("answer-missing", f"the answer at position {answer.position} is here instead")
            index = answer.position - self.said.first_position
        if (answer.topic, answer.partition) != (self.said.topic, self.said.partition):
            self.found.wrong("other-source", "the answer is about another source than its statement")
        if not is_included(leaf, index, self.said.size, proof, self.said.root):
            self.found.wrong("answer-altered", f"it does not lead to the signed root: {ALTERED}, or its proof was")
        self._check_record(answer, record)
        self._first_offset = answer.offset if self._first_offset is None else self._first_offset
        self._last_offset = answer.offset
        self.found.accepted += answer.outcome == ACCEPTED
        self.found.refused += answer.outcome != ACCEPTED

    def stamp(
        self, place: tuple[int, int, int], proof: Sequence[bytes], token: bytes, roots: Sequence[Certificate]
    ) -> None:
        """Check a time-stamp on the statement; *place* is number, leaf and size of the tree."""
        number, index, size = place
        self.found.position = self.said.last_position
        if number != self.said.number:
            self.found.wrong("stamp-wrong", "the time-stamp is about another statement than the one above it")
            return
        if not roots:
            self.found.note("time-stamps were not checked: name the certificate of their authority (`--timestamp-ca`)")
            return
        from infra.evidence.stamps import WrongStampError, stamped_at

        try:
            stamped_at(token, hashlib.sha256(self.said.text()).digest(), index, size, proof, roots)
        except WrongStampError as error:
            self.found.wrong("stamp-wrong", f"the time-stamp is not the authority's word on this statement: {error}")
            return
        self.found.stamps += 1

    def close(self) -> None:
        """Check what only all answers together show."""
        self.found.position = self.said.first_position
        if len(self._leaves) != self.said.size:
            wanted = f"{self.said.size} answers were signed, and {len(self._leaves)} are here"
            self.found.wrong("answers-missing", wanted)
            return
        if Tree(self._leaves).root != self.said.root:
            self.found.wrong("root-wrong", "the answers do not have the signed root: one of them was altered")
        if linked(self.said.chain_before, self._leaves) != self.said.chain_after:
            self.found.wrong("chain-wrong", "the answers do not lead to the signed end of the chain")
        if (self._first_offset, self._last_offset) != (self.said.first_offset, self.said.last_offset):
            self.found.wrong("offsets-wrong", "the answers are about other offsets than the statement says")

    def _check_beginning(self) -> None:
        """Check the first statement of a source, if this is it."""
        said = self.said
        if said.number:
            return
        begins = genesis(said.hub, said.topic, said.partition)
        if (said.chain_before, said.previous, said.first_position) != (begins, NOTHING, 0):
            self.found.wrong("wrong-beginning", "the chain of the source does not begin as it must")

    def _check_record(self, answer: Answer, record: bytes | None) -> None:
        if record is None and answer.record is not None and self.with_records:
            self.found.wrong("record-missing", "the event was accepted, and what the ledger holds of it is missing")
        elif record is not None and hashlib.sha256(record).digest() != answer.record:
            self.found.wrong("record-altered", "what the ledger holds is not what was accepted")
