"""The hub's statement about one batch: what it answered, where that stands, signed once for all of it. Pure."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from infra.evidence.answers import Answer
from infra.evidence.chain import Head, linked
from infra.evidence.lines import MalformedEvidenceError, digest_of, lines_of, number_of, text_of, values_of
from infra.evidence.merkle import Tree

DOMAIN = "hub.v1.BatchRooted"
NAMES = (
    *("hub", "topic", "partition", "number", "first_position", "last_position", "first_offset", "last_offset"),
    *("chain_before", "chain_after", "root", "previous", "created_at", "key"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What the hub signs of the answers to one batch of one source."""

    hub: str
    topic: str
    partition: int
    number: int
    """Of this source, from 0."""
    first_position: int
    last_position: int
    first_offset: int
    last_offset: int
    chain_before: bytes
    chain_after: bytes
    root: bytes
    previous: bytes
    """SHA-256 of the statement before, zeros in the first."""
    created_at_ms: int
    key_id: str

    @property
    def size(self) -> int:
        """Return how many answers are in its tree."""
        return self.last_position - self.first_position + 1

    def text(self) -> bytes:
        """Return the one text, which is what is signed."""
        values = (
            *(self.hub, self.topic, str(self.partition), str(self.number)),
            *(str(self.first_position), str(self.last_position), str(self.first_offset), str(self.last_offset)),
            *(self.chain_before.hex(), self.chain_after.hex(), self.root.hex(), self.previous.hex()),
            *(str(self.created_at_ms), self.key_id),
        )
        return text_of(DOMAIN, zip(NAMES, values, strict=True))

    @classmethod
    def parse(cls, text: bytes) -> Self:
        """Return the statement that *text* is; raise MalformedEvidenceError when it is none, or not in its one form."""
        hub, topic, *numbers_and_hashes, created_at, key_id = values_of(lines_of(text, DOMAIN), NAMES)
        numbers = [number_of(each) for each in numbers_and_hashes[:6]]
        digests = [digest_of(each) for each in numbers_and_hashes[6:]]
        found = cls(
            hub=hub,
            topic=topic,
            partition=numbers[0],
            number=numbers[1],
            first_position=numbers[2],
            last_position=numbers[3],
            first_offset=numbers[4],
            last_offset=numbers[5],
            chain_before=digests[0],
            chain_after=digests[1],
            root=digests[2],
            previous=digests[3],
            created_at_ms=number_of(created_at),
            key_id=key_id,
        )
        if found.size < 1 or found.text() != text:
            raise MalformedEvidenceError("a statement is not written as it must be")
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Rooted:
    """A statement about *answers*, with their tree and the head of the chain after them."""

    statement: Statement
    tree: Tree
    head: Head


def rooted(answers: Sequence[Answer], head: Head, *, hub: str, created_at_ms: int, key_id: str) -> Rooted:
    """Return the statement about *answers*, one or more, which follow *head* in order and without a gap."""
    leaves = [answer.leaf() for answer in answers]
    tree, after = Tree(leaves), linked(head.entry, leaves)
    first, last = answers[0], answers[-1]
    statement = Statement(
        hub=hub,
        topic=first.topic,
        partition=first.partition,
        number=head.statements,
        first_position=head.position,
        last_position=head.position + len(answers) - 1,
        first_offset=first.offset,
        last_offset=last.offset,
        chain_before=head.entry,
        chain_after=after,
        root=tree.root,
        previous=head.statement,
        created_at_ms=created_at_ms,
        key_id=key_id,
    )
    return Rooted(
        statement=statement,
        tree=tree,
        head=Head(
            position=head.position + len(answers),
            entry=after,
            statements=head.statements + 1,
            statement=hashlib.sha256(statement.text()).digest(),
        ),
    )
