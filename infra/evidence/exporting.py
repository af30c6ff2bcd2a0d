"""Exports: statements, answers and what the ledger holds of them, out of the topics into one file. No key opens any.

The receipts of a source are in the order of its chain: they are read twice, first for what the ledger must be searched
for, then to be written. What is found of the ledger is kept beside the file meanwhile; memory holds hashes alone.
"""

import datetime as dt
import hashlib
import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, cast

from aiokafka import AIOKafkaConsumer, TopicPartition
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from infra.evidence.export_file import Sealing, answer_line, head_line, range_of, stamp_line, statement_line
from infra.evidence.kept import Kept, private
from infra.evidence.receipts import Proved, proved
from infra.evidence.signatures import SigningKey
from infra.evidence.statements import Statement
from infra.kafka import consumer_for, let_go, whole
from infra.topology.credentials import Credentials
from infra.topology.model import load_topology
from schemas.catalogue import hub_contract
from schemas.codec import Codec, Record
from schemas.errors import MisuseError

Progress = Callable[[int, int, str], None]
LEDGER = "ledger"


class NothingToExportError(MisuseError):
    """No statement of the hub falls into what was asked for."""

    code = "nothing-to-export"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which part of each chain is exported; whole batches, for a root is over a batch."""

    first_position: int = 0
    last_position: int | None = None
    since: dt.datetime | None = None
    until: dt.datetime | None = None

    def has(self, statement: Statement) -> bool:
        """Whether a batch is asked for, or a part of it."""
        at = dt.datetime.fromtimestamp(statement.created_at_ms / 1000, dt.UTC)
        return (
            statement.last_position >= self.first_position
            and (self.last_position is None or statement.first_position <= self.last_position)
            and (self.since is None or at >= self.since)
            and (self.until is None or at < self.until)
        )


@dataclass(slots=True, kw_only=True)
class Chosen:
    """What is exported of one agency."""

    agency: str
    statements: list[tuple[Statement, bytes]] = field(default_factory=list)
    """Each with its signature, in order."""
    stamps: dict[int, list[Record]] = field(default_factory=dict)
    """By the number of the statement."""

    def has(self, position: int) -> bool:
        """Whether the answer at *position* is exported."""
        return self.statements[0][0].first_position <= position <= self.statements[-1][0].last_position


@dataclass(frozen=True, slots=True, kw_only=True)
class Exporter:
    """Reads the topics as the principal of *credentials*; with *records* also the ledger."""

    credentials: Credentials
    codec: Codec
    records: bool
    progress: Progress

    async def export(
        self,
        agencies: Sequence[str],
        wanted: Wanted,
        output: Path,
        *,
        made_at_ms: int,
        key: SigningKey | None,
        keys: Sequence[Ed25519PublicKey],
    ) -> dict[str, int]:
        """Write what is *wanted* of *agencies* to *output*, and return how many statements and answers it holds.

        Raises NothingToExportError; UnavailableError and KafkaError when a part of the hub is away.
        """
        async with AsyncExitStack() as stack:
            consumer = consumer_for(self.credentials)
            stack.push_async_callback(let_go, consumer, 5)
            await consumer.start()
            found = [await self._chosen(consumer, agency, wanted) for agency in agencies]
            chosen = [each for each in found if each.statements]
            if not chosen:
                raise NothingToExportError("the hub has signed no statement about what was asked for")
            part = output.with_name(f"{output.name}.part")
            kept = stack.enter_context(Kept.beside(output))
            if self.records:
                await self._find(consumer, chosen, kept)
            with open(part, "wb", opener=private) as out:  # noqa: ASYNC230 - nobody else waits here
                counts = await self._write(consumer, chosen, kept, out, made_at_ms, key, keys)
            part.replace(output)
            return counts

    async def _chosen(self, consumer: AIOKafkaConsumer, agency: str, wanted: Wanted) -> Chosen:
        found, stamps = Chosen(agency=agency), dict[int, list[Record]]()
        between: list[tuple[Statement, bytes]] = []
        async for fullname, record in self._records(consumer, f"roots.{agency}"):
            if fullname == hub_contract("RootStamped").fullname:
                stamps.setdefault(cast("int", record["number"]), []).append(record)
                continue
            statement = Statement.parse(cast("bytes", record["statement"]))
            between.append((statement, cast("bytes", record["signature"])))
            if wanted.has(statement):
                found.statements += between  # with those between two that are asked for, should the clock have been set
            if wanted.has(statement) or not found.statements:
                between.clear()
        numbers = {statement.number for statement, _ in found.statements}
        found.stamps = {number: several for number, several in stamps.items() if number in numbers}
        return found

    async def _find(self, consumer: AIOKafkaConsumer, chosen: Sequence[Chosen], kept: "Kept") -> None:
        """Keep what the ledger holds of the answers of *chosen*."""
        missing: set[bytes] = set()
        for each in chosen:
            async for receipt in self._receipts(consumer, each):
                if (digest := receipt["record_digest"]) is not None:
                    missing.add(cast("bytes", digest))
        ledger = load_topology().topic(LEDGER)
        assert ledger is not None, "every topology has it"
        sources = [TopicPartition(LEDGER, number) for number in range(ledger.partitions)]
        total, done = sum((await consumer.end_offsets(sources)).values()), 0
        async for _, records in whole(consumer, sources):
            for record in records:
                if (digest := hashlib.sha256(record.value or b"").digest()) in missing:
                    kept.keep(digest, record.value)
                    missing.discard(digest)
            done += len(records)
            self.progress(done, total, "searching the ledger")

    async def _write(
        self,
        consumer: AIOKafkaConsumer,
        chosen: Sequence[Chosen],
        kept: "Kept",
        out: BinaryIO,
        made_at_ms: int,
        key: SigningKey | None,
        keys: Sequence[Ed25519PublicKey],
    ) -> dict[str, int]:
        hub = chosen[0].statements[0][0].hub
        sealing = Sealing(hub)
        sources = [range_of(each.statements[0][0], each.statements[-1][0]) for each in chosen]
        head = head_line(hub=hub, made_at_ms=made_at_ms, records=self.records, keys=keys, sources=sources)
        out.write(sealing.add(head))
        answers = 0
        for each in chosen:
            receipts = _Ahead(self._receipts(consumer, each))
            for number, (statement, signature) in enumerate(each.statements, 1):
                out.write(sealing.add(statement_line(statement.text(), signature)))
                for receipt, evidence in await receipts.up_to(statement.last_position):
                    record = kept.get(cast("bytes | None", receipt["record_digest"]))
                    out.write(sealing.add(answer_line(evidence.answer, evidence.proof, record)))
                    answers += 1
                out.writelines(sealing.add(_stamp_line(stamp)) for stamp in each.stamps.get(statement.number, ()))
                self.progress(number, len(each.statements), f"writing what was answered to {each.agency}")
        out.write(sealing.end(key))
        out.flush()
        os.fsync(out.fileno())
        return {"statements": sum(len(each.statements) for each in chosen), "answers": answers}

    async def _receipts(self, consumer: AIOKafkaConsumer, chosen: Chosen) -> AsyncIterator[Record]:
        """Yield the receipts of *chosen* that have a proof, in the order of the chain."""
        async for _, record in self._records(consumer, f"receipts.{chosen.agency}"):
            if record.get("statement") is not None and chosen.has(cast("int", record["chain_position"])):
                yield record

    async def _records(self, consumer: AIOKafkaConsumer, topic: str) -> AsyncIterator[tuple[str, Record]]:
        async for _, records in whole(consumer, [TopicPartition(topic, 0)]):
            await self.codec.learn_aside([record.value for record in records])
            for record in records:
                name = self.codec.fullname_in(record.value) or ""
                decoded = self.codec.decode(record.value, hub_contract(name.removeprefix("hub.v1.")))
                yield name, decoded.record


class _Ahead:
    """Receipts in the order of their chain, of which the next one may be looked at."""

    def __init__(self, receipts: AsyncIterator[Record]) -> None:
        self._receipts = receipts
        self._next: Record | None = None

    async def up_to(self, position: int) -> list[tuple[Record, Proved]]:
        """Return the receipts up to *position*; fewer than there were when some are gone."""
        found: list[tuple[Record, Proved]] = []
        while True:
            self._next = self._next or await anext(self._receipts, None)
            if self._next is None or cast("int", self._next["chain_position"]) > position:
                return found
            evidence = proved(self._next)
            assert evidence is not None, "receipts without a proof are passed over"
            found.append((self._next, evidence))
            self._next = None


def _stamp_line(stamp: Record) -> bytes:
    return stamp_line(
        cast("int", stamp["number"]),
        cast("int", stamp["leaf_index"]),
        cast("int", stamp["tree_size"]),
        cast("Sequence[bytes]", stamp["proof"]),
        cast("bytes", stamp["token"]),
    )
