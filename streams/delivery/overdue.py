"""What is late, in PostgreSQL: each limit that has passed is taken once, in the transaction that tells it."""

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import LiteralString, cast

from streams.delivery.ladder import LAST, About
from streams.delivery.steps import Late
from streams.pump.records import Transaction

LATE_MAX = 1000
"""Of each kind at a time; what is left is found when the clock is looked at again."""
DUE: LiteralString = """
SELECT EXISTS (SELECT FROM streams.delivery WHERE outcome = 'RELEASED' AND (
    (delivered_at IS NULL AND ((delivery_told IS NULL AND delivery_warn_at <= %(now)s)
        OR (delivery_told = 'WARNED' AND delivery_breach_at <= %(now)s)))
    OR (finished_at IS NULL AND ((finish_told IS NULL AND finish_warn_at <= %(now)s)
        OR (finish_told = 'WARNED' AND finish_breach_at <= %(now)s)))))
"""
_TAKEN = "RETURNING recipient, id::text, about, event_type, agency"


def _taking(step: LiteralString, reached: LiteralString, before: LiteralString, limit: LiteralString) -> LiteralString:
    after: LiteralString = "WARNED" if limit == "warn" else "OVERDUE"
    return (
        "UPDATE streams.delivery SET " + step + "_told = '" + after + "' WHERE (id, recipient) IN ("  # noqa: S608 - own
        "SELECT id, recipient FROM streams.delivery WHERE outcome = 'RELEASED' AND "
        + reached
        + " IS NULL AND "
        + step
        + "_told "
        + before
        + " AND "
        + step
        + "_"
        + limit
        + "_at <= %s "
        "ORDER BY " + step + "_" + limit + "_at, id, recipient LIMIT %s) " + _TAKEN + ", " + step + "_" + limit + "_at"
    )


_KINDS: Sequence[tuple[bool, str, LiteralString]] = (
    (False, "WARNED", _taking("delivery", "delivered_at", "IS NULL", "warn")),
    (False, "OVERDUE", _taking("delivery", "delivered_at", "= 'WARNED'", "breach")),
    (True, "WARNED", _taking("finish", "finished_at", "IS NULL", "warn")),
    (True, "OVERDUE", _taking("finish", "finished_at", "= 'WARNED'", "breach")),
)


async def take_late(transaction: Transaction, now: dt.datetime) -> list[Late]:
    """Return every limit that has passed at *now* and was not told, and note that it is; a warning before a breach."""
    found: list[Late] = []
    for is_last, outcome, query in _KINDS:
        cursor = await transaction.execute(query, (now, LATE_MAX))
        found += _late(await cursor.fetchall(), is_last=is_last, outcome=outcome)
    return found


def _late(rows: Sequence[tuple[object, ...]], *, is_last: bool, outcome: str) -> Iterator[Late]:
    for recipient, event_id, about, event_type, agency, at in rows:
        yield Late(
            recipient=str(recipient),
            id=str(event_id),
            about=cast("About", about),
            event_type=str(event_type),
            agency=cast("str | None", agency),
            step=LAST[cast("About", about)] if is_last else "DELIVERED",
            outcome=outcome,
            at=cast("dt.datetime", at),
        )
