"""The audit of break-glass: rows that are only ever added, chained by hash, each told on the topic `audit` as well.

An act counts once its row is committed and the topic has acknowledged it: until then nothing is shown. An entry that
the database has and the topic not (the process died in between) is told with the next act, before that.
"""

import datetime as dt
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import cast

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from infra.advisory_locks import AdvisoryLock
from infra.kafka import append, reading
from infra.vault.connection import Connection, Connections, rows_of
from infra.workplace import Workplace
from schemas.catalogue import hub_contract
from schemas.codec import Record
from schemas.errors import UnavailableError
from streams.breakglass.rules import Access, Entry, accesses

TOPIC = "audit"
NAME = "BreakGlassNoted"
BEGINNING = bytes(32)
_COLUMNS = (
    "access_id::text, act, by_whom, at, event_id::text, reason, ground, restricted, until, review_by, finding, "
    "key_id, signature"
)
_ALL = f"SELECT number, digest, {_COLUMNS} FROM vault.breakglass ORDER BY number"  # noqa: S608 - columns are ours
_ADD = (
    "INSERT INTO vault.breakglass (number, digest, access_id, act, by_whom, at, event_id, reason, ground, restricted, "
    "until, review_by, finding, key_id, signature) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
)
_LOCK = "SELECT pg_advisory_xact_lock(%s)"


class AuditUnavailableError(UnavailableError):
    """The audit cannot be written now: nothing is shown."""

    code = "audit-unavailable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    """An entry in its place."""

    number: int
    digest: bytes
    entry: Entry


Decide = Callable[[Mapping[str, Access]], Entry]
"""Gives the next entry by what there is, or raises why there is none."""


class Audit:
    """The audit of the hub of *place*, over *connections* of the role hub_vault."""

    def __init__(self, place: Workplace, connections: Connections) -> None:
        self._place = place
        self._connections = connections

    async def noted(self) -> tuple[Noted, ...]:
        """Return every entry, in order."""
        async with self._connections() as connection:
            return await _noted(connection)

    async def note(self, decide: Decide) -> Entry:
        """Add what *decide* gives and return it once it is kept for good; raise as that, or AuditUnavailableError.

        Nobody else adds an entry meanwhile. Nothing is added while the topic knows of acts that the table does not: who
        tells of one in advance would keep the real one off the topic.
        """
        async with self._connections() as connection, connection.transaction():
            await connection.execute(_LOCK, (int(AdvisoryLock.NOTING_BREAK_GLASS),))
            before = await _noted(connection)
            _agree(before, await self.told())
            entry = decide(accesses(each.entry for each in before))
            number, previous = (before[-1].number + 1, before[-1].digest) if before else (1, BEGINNING)
            noted = Noted(number=number, digest=digest_of(previous, entry), entry=entry)
            await connection.execute(_ADD, (number, noted.digest, *asdict(entry).values()))
        await self._tell([*before, noted])
        return entry

    async def told(self) -> dict[int, Record]:
        """Return what the topic says of each entry, by number; raise AuditUnavailableError."""
        reader, found = self._place.credentials("hub-admin"), dict[int, Record]()
        try:
            async with reading(reader, self._place.codec, [TopicPartition(TOPIC, 0)]) as pages:
                async for _, records in pages:
                    for record in records:
                        content = self._place.codec.decode(record.value).record
                        found.setdefault(cast("int", content["number"]), content)
        except (KafkaError, OSError) as error:
            raise AuditUnavailableError(f"the topic {TOPIC} cannot be read ({type(error).__name__})") from None
        return found

    async def _tell(self, noted: Sequence[Noted]) -> None:
        told = await self.told()
        _agree(noted, told)
        contract = hub_contract(NAME)
        writer = self._place.codec.writer(f"{TOPIC}-{contract.fullname}", contract.schema)
        missing = [writer.encode(_record(each)) for each in noted if each.number not in told]
        try:
            await append(self._place.credentials("hub-control"), TOPIC, missing)
        except (KafkaError, OSError) as error:
            raise AuditUnavailableError(
                f"the audit was not told ({type(error).__name__}): nothing is shown; give the command again"
            ) from None


def _agree(noted: Sequence[Noted], told: Mapping[int, Record]) -> None:
    """Raise AuditUnavailableError when the topic tells what *noted* does not know, or otherwise."""
    digests = {each.number: each.digest for each in noted}
    if any(digests.get(number) != said["digest"] for number, said in told.items()):
        raise AuditUnavailableError(
            f"the topic {TOPIC} tells of acts that the audit does not know: nothing is shown; `hub breakglass verify` "
            "says which, and somebody has to find out who wrote them"
        )


def digest_of(previous: bytes, entry: Entry) -> bytes:
    """Return the digest of *entry* after the one with the digest *previous*: SHA-256 over both, canonical."""
    plain = {name: value for name, value in asdict(entry).items() if name != "signature"}
    text = json.dumps(plain | {"signature": entry.signature.hex()}, sort_keys=True, default=_text)
    return hashlib.sha256(b"hub.v1.BreakGlass\n" + previous + text.encode()).digest()


def faults(noted: Sequence[Noted], told: Mapping[int, Record]) -> list[str]:
    """Return what is wrong with the audit: rows altered, missing or never told, and what the topic knows otherwise."""
    found, previous = list[str](), BEGINNING
    for position, each in enumerate(noted, 1):
        if each.number != position:
            found.append(f"entry {position} is missing before entry {each.number}")
        if each.digest != digest_of(previous, each.entry):
            found.append(f"entry {each.number} was altered, or the one before it")
        said = told.get(each.number)
        if said is not None and said["digest"] != each.digest:
            found.append(f"entry {each.number} is another one than was told on the topic {TOPIC}")
        if said is None and each.number < len(noted):
            found.append(f"entry {each.number} was never told on the topic {TOPIC}")
        previous = each.digest
    known = {each.number for each in noted}
    return found + [
        f"entry {number} was told, and the database has it no more" for number in sorted(told.keys() - known)
    ]


async def _noted(connection: Connection) -> tuple[Noted, ...]:
    rows = await rows_of(connection, _ALL)
    names = tuple(Entry.__dataclass_fields__)
    return tuple(Noted(number=row[0], digest=bytes(row[1]), entry=_entry(names, row[2:])) for row in rows)


def _entry(names: Sequence[str], row: Sequence[object]) -> Entry:
    values = dict(zip(names, row, strict=True))
    return Entry(**{**values, "signature": bytes(cast("bytes", values["signature"]))})  # type: ignore[arg-type]  # columns


def _record(noted: Noted) -> Record:
    entry = noted.entry
    return {
        "number": noted.number,
        "access_id": entry.access_id,
        "act": entry.act,
        "by_whom": entry.by_whom,
        "at": entry.at,
        "event_id": entry.event_id,
        "digest": noted.digest,
    }


def _text(value: object) -> str:
    assert isinstance(value, dt.datetime), "all else is text, a number or nothing"
    return value.astimezone(dt.UTC).isoformat(timespec="milliseconds")
