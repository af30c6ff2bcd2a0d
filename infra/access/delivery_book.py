"""Deliveries as an agency or a partner may see them, read as hub_reader: the database itself shows no other rows."""

import datetime as dt
from collections.abc import Sequence
from uuid import UUID

from psycopg.rows import dict_row
from psycopg_pool import AsyncConnectionPool

from infra.reading_rows import FOR

Row = dict[str, object]
LISTED_MAX = 200
_ACCEPTED = "SELECT received_at, source_offset FROM streams.seen_event WHERE agency = %(who)s AND event_id = %(id)s"
_LADDERS = (
    "SELECT recipient, about, event_type, outcome, decided_at, delivered_at, finished_at, delivery_warn_at, "
    "delivery_breach_at, finish_warn_at, finish_breach_at, "
    "CASE WHEN agency = %(who)s THEN reasons ELSE '{}' END AS reasons FROM streams.delivery WHERE id = %(id)s "
    "AND (agency = %(who)s OR recipient = %(who)s AND outcome = 'RELEASED') ORDER BY outcome, recipient"
)
_LATE = (
    "SELECT recipient, id::text AS id, about, event_type, agency, decided_at, delivered_at, finish_breach_at, "
    "delivery_breach_at FROM streams.delivery WHERE (agency = %(who)s OR recipient = %(who)s) "
    "AND outcome = 'RELEASED' AND finished_at IS NULL "
    "AND (finish_breach_at <= %(now)s OR delivered_at IS NULL AND delivery_breach_at <= %(now)s) "
    "ORDER BY finish_breach_at, id, recipient LIMIT %(limit)s"
)
_UNANSWERED = (
    "SELECT id::text AS id, event_type, reference::text AS reference, agency, addressee, asked_at, warn_at, "
    "breach_at FROM streams.question WHERE asked_at IS NOT NULL AND answered_at IS NULL AND ended_at IS NULL "
    "AND (agency = %(who)s OR addressee = %(who)s) ORDER BY breach_at, id LIMIT %(limit)s"
)
_REFUSED = (
    "SELECT rule, acknowledgement_offset, position, feed_offset, refused_at FROM streams.acknowledgement_refused "
    "WHERE recipient = %(who)s ORDER BY acknowledgement_offset DESC, position DESC LIMIT %(limit)s"
)


class DeliveryBook:
    """Reads through *readers*, a pool of hub_reader."""

    def __init__(self, readers: AsyncConnectionPool) -> None:
        self._readers = readers

    async def ladders(self, who: str, event_id: UUID) -> tuple[Sequence[Row], Sequence[Row]]:
        """Return where the event was accepted, if it is *who*'s own, and its ladders as far as *who* may see them."""
        return await self._rows(who, _ACCEPTED, id=event_id), await self._rows(who, _LADDERS, id=event_id)

    async def late(self, who: str, now: dt.datetime) -> Sequence[Row]:
        """Return what is overdue at *now* of what *who* published or got, the longest first, LISTED_MAX at most."""
        return await self._rows(who, _LATE, now=now, limit=LISTED_MAX)

    async def unanswered(self, who: str) -> Sequence[Row]:
        """Return the questions that *who* asked, or was asked and has, without an answer, the first due first."""
        return await self._rows(who, _UNANSWERED, limit=LISTED_MAX)

    async def refused(self, who: str) -> Sequence[Row]:
        """Return the acknowledgements of *who* that moved nothing, the newest first, LISTED_MAX at most."""
        return await self._rows(who, _REFUSED, limit=LISTED_MAX)

    async def _rows(self, who: str, query: str, **named: object) -> Sequence[Row]:
        async with self._readers.connection() as connection, connection.transaction():
            await connection.execute(FOR, (who,))
            cursor = connection.cursor(row_factory=dict_row)
            return await (await cursor.execute(query.encode(), {"who": who, **named})).fetchall()
