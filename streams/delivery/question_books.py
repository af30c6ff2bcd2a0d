"""Questions in PostgreSQL, read and written in the transaction of a batch that has its turn at the books."""

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from typing import LiteralString, cast

from psycopg.types.json import Jsonb

from streams.delivery.overdue import LATE_MAX
from streams.delivery.questions import Asked, Parties, Question
from streams.delivery.steps import Late
from streams.pump.records import Transaction

_KNOWN = (
    "SELECT q.event_type, q.reference::text, q.asker, q.addressee, q.id::text, q.agency, q.asked_at, q.warn_at, "
    "q.breach_at, q.answered_at, q.ended_at "
    "FROM unnest(%s::text[], %s::uuid[], %s::text[], %s::text[]) AS n (event_type, reference, asker, addressee) "
    "JOIN streams.question q USING (event_type, reference, asker, addressee)"
)
_KEEP = (
    "INSERT INTO streams.question (event_type, reference, asker, addressee, id, agency, asked_at, warn_at, breach_at, "
    "answered_at, ended_at) SELECT * FROM jsonb_to_recordset(%s) AS n (event_type text, reference uuid, asker text, "
    "addressee text, id uuid, agency text, asked_at timestamptz, warn_at timestamptz, breach_at timestamptz, "
    "answered_at timestamptz, ended_at timestamptz) "
    "ON CONFLICT (reference, event_type, asker, addressee) DO UPDATE SET "
    "(id, agency, asked_at, warn_at, breach_at, answered_at, ended_at) = (excluded.id, excluded.agency, "
    "excluded.asked_at, excluded.warn_at, excluded.breach_at, excluded.answered_at, excluded.ended_at)"
)
OPEN: LiteralString = "asked_at IS NOT NULL AND answered_at IS NULL AND ended_at IS NULL"
DUE: LiteralString = (
    "SELECT EXISTS (SELECT FROM streams.question WHERE " + OPEN + " AND "  # noqa: S608 - own
    "((told IS NULL AND warn_at <= %(now)s) OR (told = 'WARNED' AND breach_at <= %(now)s)))"
)


def _taking(told: LiteralString, before: LiteralString, limit: LiteralString) -> LiteralString:
    return (
        "UPDATE streams.question q SET told = '" + told + "' FROM (SELECT event_type, reference, asker, addressee "  # noqa: S608 - own
        "FROM streams.question WHERE " + OPEN + " AND told " + before + " AND " + limit + " <= %s "
        "ORDER BY " + limit + ", id, addressee LIMIT %s) n WHERE (q.reference, q.event_type, q.asker, q.addressee) = "
        "(n.reference, n.event_type, n.asker, n.addressee) "
        "RETURNING q.addressee, q.id::text, q.event_type, q.agency, q." + limit
    )


_KINDS: Sequence[tuple[str, LiteralString]] = (
    ("WARNED", _taking("WARNED", "IS NULL", "warn_at")),
    ("OVERDUE", _taking("OVERDUE", "= 'WARNED'", "breach_at")),
)


async def known(transaction: Transaction, several: Iterable[Parties]) -> dict[Parties, Question]:
    """Return what has been read before of the questions between *several*."""
    found = await transaction.execute(_KNOWN, tuple(map(list, zip(*several, strict=True))))
    questions = [_question(*row) for row in await found.fetchall()]
    return {each.parties: each for each in questions}


async def keep(transaction: Transaction, several: Iterable[Question]) -> None:
    """Keep all that is known of *several*; what was told of their limits stays as it is."""
    await transaction.execute(_KEEP, (Jsonb([_row(each) for each in several]),))


async def take_unanswered(transaction: Transaction, until: dt.datetime) -> list[Late]:
    """Return every limit of an open question that has passed at *until* and was not told, and note that it is."""
    found: list[Late] = []
    for outcome, query in _KINDS:
        cursor = await transaction.execute(query, (until, LATE_MAX))
        found += _late(await cursor.fetchall(), outcome)
    return found


def _late(rows: Iterable[tuple[object, ...]], outcome: str) -> Iterator[Late]:
    for addressee, event_id, event_type, agency, at in rows:
        yield Late(
            recipient=str(addressee),
            id=str(event_id),
            about="QUESTION",
            event_type=str(event_type),
            agency=str(agency),
            step="ANSWERED",
            outcome=outcome,
            at=cast("dt.datetime", at),
        )


def _question(*row: object) -> Question:
    event_type, reference, asker, addressee, event_id, agency, *moments = row
    asked_at, warn_at, breach_at, answered_at, ended_at = cast("list[dt.datetime | None]", moments)
    asked = None
    if asked_at is not None and warn_at is not None and breach_at is not None:
        asked = Asked(at=asked_at, id=str(event_id), agency=str(agency), warn_at=warn_at, breach_at=breach_at)
    return Question(
        parties=Parties(str(event_type), str(reference), str(asker), str(addressee)),
        asked=asked,
        answered_at=answered_at,
        ended_at=ended_at,
    )


def _row(each: Question) -> dict[str, object]:
    asked = each.asked
    moments = {"answered_at": each.answered_at, "ended_at": each.ended_at}
    row: dict[str, object] = dict(each.parties._asdict())
    if asked is not None:
        row |= {"id": asked.id, "agency": asked.agency}
        moments |= {"asked_at": asked.at, "warn_at": asked.warn_at, "breach_at": asked.breach_at}
    return row | {name: None if moment is None else moment.isoformat() for name, moment in moments.items()}
