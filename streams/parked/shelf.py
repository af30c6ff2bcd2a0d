"""What is parked, as the database knows it: sequences, one record, its audit. A key and a position, never content."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import psycopg

from schemas.errors import MisuseError
from streams.parked.ids import ParkedId
from streams.presence import GONE_S

Connection = psycopg.Connection[tuple[object, ...]]
_ID = 'processor = %s AND topic = %s AND partition = %s AND "offset" = %s'
_SEQUENCE = "processor = %s AND topic = %s AND partition = %s AND sequence_key = %s"


class NotParkedError(MisuseError):
    """The record is not parked: never was, or no longer is."""

    code = "not-parked"


@dataclass(frozen=True, slots=True, kw_only=True)
class ParkedRecord:
    """One record that is parked."""

    id: ParkedId
    sequence_key: bytes
    """Of the ledger the random id of the case; empty for a record that lets nobody wait."""
    code: str
    advice: str
    parked_at: dt.datetime
    attempts: int
    requested: str | None
    requested_by: str | None
    reason: str | None

    @property
    def sequence(self) -> str | None:
        """Return the key of the sequence as people read it."""
        if not self.sequence_key:
            return None
        try:
            return self.sequence_key.decode("ascii")
        except UnicodeDecodeError:
            return self.sequence_key.hex()


@dataclass(frozen=True, slots=True, kw_only=True)
class ParkedSequence:
    """The first record of a sequence and how many wait behind it."""

    head: ParkedRecord
    behind: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One thing that happened to a parked record."""

    at: dt.datetime
    action: str
    code: str
    by_whom: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Who would do what is asked on a partition."""

    works: bool
    """Whether a worker was heard of lately."""
    state: str
    code: str
    advice: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Details:
    """One parked record with its place in its sequence, and who would do what is asked."""

    record: ParkedRecord
    head: ParkedRecord
    behind: int
    owner: Owner


_COLUMNS = (
    'processor, topic, partition, "offset", sequence_key, code, advice, parked_at, attempts, requested, '
    "requested_by, reason"
)


def sequences(connection: Connection, processor: str | None = None, code: str | None = None) -> list[ParkedSequence]:
    """Return every sequence that waits, by place and offset; of *processor*, or stopped by *code*, when named."""
    rows = connection.execute(
        f"SELECT {_COLUMNS}, rank, length FROM (SELECT *, "  # noqa: S608 - names are ours
        # A record without a key is a sequence of its own.
        "row_number() OVER same AS rank, count(*) OVER (PARTITION BY processor, topic, partition, sequence_key, "
        'CASE WHEN length(sequence_key) = 0 THEN "offset" END) AS length FROM streams.parked '
        "WINDOW same AS (PARTITION BY processor, topic, partition, sequence_key, "
        'CASE WHEN length(sequence_key) = 0 THEN "offset" END ORDER BY "offset")) AS found '
        "WHERE rank = 1 AND (%s::text IS NULL OR processor = %s) AND (%s::text IS NULL OR code = %s) "
        'ORDER BY processor, topic, partition, "offset"',
        (processor, processor, code, code),
    ).fetchall()
    return [ParkedSequence(head=_record(row), behind=int(str(row[-1])) - 1) for row in rows]


def records(connection: Connection) -> list[ParkedId]:
    """Return the id of every parked record."""
    rows = connection.execute('SELECT processor, topic, partition, "offset" FROM streams.parked ORDER BY 1, 2, 3, 4')
    return [ParkedId(str(p), str(t), int(str(n)), int(str(o))) for p, t, n, o in rows.fetchall()]


def is_parked(connection: Connection, wanted: ParkedId) -> bool:
    """Whether the record is parked now."""
    found = connection.execute(
        f"SELECT EXISTS (SELECT FROM streams.parked WHERE {_ID})",  # noqa: S608 - names are ours
        wanted.key,
    ).fetchone()
    return bool(found and found[0])


def details(connection: Connection, wanted: ParkedId) -> Details:
    """Return all that is known of a parked record but its audit; raise NotParkedError when there is none."""
    found = record(connection, wanted)
    behind = sum(each.id.offset > wanted.offset for each in waiting(connection, found))
    return Details(record=found, head=head_of(connection, found), behind=behind, owner=owner(connection, wanted))


def record(connection: Connection, wanted: ParkedId, *, lock: bool = False) -> ParkedRecord:
    """Return the parked record *wanted*; raise NotParkedError when there is none."""
    for_update = "FOR UPDATE" if lock else ""
    row = connection.execute(
        f"SELECT {_COLUMNS} FROM streams.parked WHERE {_ID} {for_update}",  # noqa: S608 - names are ours
        wanted.key,
    ).fetchone()
    if row is None:
        became = [entry.action for entry in audit(connection, wanted)]
        told = f"it was {became[-1]}" if became else "`hub parked list` shows those that are"
        raise NotParkedError(f"{wanted} is not parked: {told}")
    return _record(row)


def head_of(connection: Connection, of: ParkedRecord) -> ParkedRecord:
    """Return the first record of the sequence of *of*, which is itself for one without a key."""
    if not of.sequence_key:
        return of
    row = connection.execute(
        f'SELECT {_COLUMNS} FROM streams.parked WHERE {_SEQUENCE} ORDER BY "offset" LIMIT 1',  # noqa: S608 - as above
        (*of.id.place, of.sequence_key),
    ).fetchone()
    return of if row is None else _record(row)


def waiting(connection: Connection, of: ParkedRecord) -> list[ParkedRecord]:
    """Return what is left of the sequence of *of*, by offset; of one without a key at most itself."""
    rows = connection.execute(
        f'SELECT {_COLUMNS} FROM streams.parked WHERE {_SEQUENCE} ORDER BY "offset"',  # noqa: S608 - as above
        (*of.id.place, of.sequence_key),
    ).fetchall()
    return [found for row in rows if (found := _record(row)) and (of.sequence_key or found.id == of.id)]


def audit(connection: Connection, of: ParkedId) -> Sequence[AuditEntry]:
    """Return what has happened to the record, the oldest first."""
    rows = connection.execute(
        f"SELECT at, action, code, by_whom, reason FROM streams.parking_audit WHERE {_ID} ORDER BY at",  # noqa: S608
        of.key,
    ).fetchall()
    return [
        AuditEntry(at=_time(at), action=str(action), code=str(code), by_whom=str(who), reason=str(reason))
        for at, action, code, who, reason in rows
    ]


def owner(connection: Connection, of: ParkedId) -> Owner:
    """Return how the processor is on the partition of the record."""
    alive = connection.execute(
        "SELECT EXISTS (SELECT FROM streams.worker WHERE seen_at > now() - %s)", (dt.timedelta(seconds=GONE_S),)
    ).fetchone()
    said = connection.execute(
        "SELECT state, code, advice FROM streams.partition_state "
        "WHERE processor = %s AND topic = %s AND partition = %s",
        of.place,
    ).fetchone()
    state, code, advice = said or ("", "", "")
    return Owner(works=bool(alive and alive[0]), state=str(state), code=str(code), advice=str(advice))


def _record(row: Sequence[object]) -> ParkedRecord:
    processor, topic, partition, offset, key, code, advice, parked_at, attempts, requested, by_whom, reason = row[:12]
    return ParkedRecord(
        id=ParkedId(str(processor), str(topic), int(str(partition)), int(str(offset))),
        sequence_key=bytes(key) if isinstance(key, bytes | memoryview) else b"",
        code=str(code),
        advice=str(advice),
        parked_at=_time(parked_at),
        attempts=int(str(attempts)),
        requested=None if requested is None else str(requested),
        requested_by=None if by_whom is None else str(by_whom),
        reason=None if reason is None else str(reason),
    )


def _time(value: object) -> dt.datetime:
    assert isinstance(value, dt.datetime), "the column is a timestamp"
    return value.astimezone(dt.UTC)
