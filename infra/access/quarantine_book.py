"""What became of records in quarantine, and who was given one: rows that are only ever added to.

What an agency is shown is read as hub_reader, so that the database itself keeps it to the rows of that agency.
"""

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal, cast

from psycopg_pool import AsyncConnectionPool

from infra.access.quarantine_log import Held
from infra.reading_rows import FOR

State = Literal["open", "resubmitted", "discarded"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """What became of one record."""

    state: State
    accepted_offset: int | None = None
    """Where on the agency's topic the event is that was accepted in its place."""
    reason: str | None = None
    """Why the agency discarded it."""


OPEN = Fate(state="open")


def fate_of(held: Held, seen: int | None, told: int | None, reason: str | None) -> Fate:
    """Return what became of *held*: accepted is stronger than given up, and only what came later counts.

    *seen* is where an event of the same id was accepted, *told* where the agency said that its event was.
    """
    later = [offset for offset in (seen, told) if offset is not None and offset > held.source_offset]
    if later:
        return Fate(state="resubmitted", accepted_offset=min(later), reason=reason)
    return OPEN if reason is None else Fate(state="discarded", reason=reason)


class QuarantineBook:
    """Writes through *pool* (role hub_access), reads through *readers* (role hub_reader)."""

    def __init__(self, pool: AsyncConnectionPool, readers: AsyncConnectionPool) -> None:
        self._pool = pool
        self._readers = readers

    async def fates(self, agency: str, several: Collection[Held]) -> dict[int, Fate]:
        """Return what became of each of *several* records of *agency*, by offset."""
        offsets = [held.offset for held in several]
        ids = [held.event_id for held in several if held.event_id is not None]
        seen = await self._of(
            agency,
            "SELECT event_id::text, source_offset FROM streams.seen_event WHERE agency = %s "
            "AND event_id = ANY(%s::uuid[])",
            ids,
        )
        told = await self._of(
            agency,
            'SELECT "offset", accepted_offset FROM hub.quarantine_resubmitted WHERE agency = %s '
            'AND "offset" = ANY(%s::bigint[])',
            offsets,
        )
        given_up = await self._of(
            agency,
            'SELECT "offset", reason FROM hub.quarantine_discarded WHERE agency = %s AND "offset" = ANY(%s::bigint[])',
            offsets,
        )
        return {
            held.offset: fate_of(
                held,
                cast("int | None", seen.get(held.event_id)),
                cast("int | None", told.get(held.offset)),
                cast("str | None", given_up.get(held.offset)),
            )
            for held in several
        }

    async def accepted_at(self, agency: str, event_id: uuid.UUID) -> int | None:
        """Return where on its topic an event of *agency* was accepted; None when it was not."""
        query = "SELECT event_id::text, source_offset FROM streams.seen_event WHERE agency = %s AND event_id = ANY(%s)"
        found = await self._of(agency, query, [event_id])
        return cast("int | None", found.get(str(event_id)))

    async def note_reading(self, agency: str, offset: int, principal: str) -> None:
        """Note that *principal* is given a record; it is committed when this returns."""
        await self._add(
            'INSERT INTO hub.quarantine_reading (agency, "offset", principal) VALUES (%s, %s, %s)',
            (agency, offset, principal),
        )

    async def note_resubmitted(self, agency: str, offset: int, event_id: uuid.UUID, accepted_offset: int) -> None:
        """Note which event was accepted in the place of a record; the first stays."""
        await self._add(
            'INSERT INTO hub.quarantine_resubmitted (agency, "offset", event_id, accepted_offset) '
            "VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING",
            (agency, offset, event_id, accepted_offset),
        )

    async def note_discarded(self, agency: str, offset: int, reason: str, principal: str) -> None:
        """Note that *principal* gave a record up, and why; the first reason stays."""
        await self._add(
            'INSERT INTO hub.quarantine_discarded (agency, "offset", reason, principal) VALUES (%s, %s, %s, %s) '
            "ON CONFLICT DO NOTHING",
            (agency, offset, reason, principal),
        )

    async def _of(self, agency: str, query: str, wanted: Collection[object]) -> dict[object, object]:
        """Return the two columns of *query* as the database shows them to *agency*, the second by the first."""
        if not wanted:
            return {}
        async with self._readers.connection() as connection, connection.transaction():
            await connection.execute(FOR, (agency,))
            rows = await (await connection.execute(query.encode(), (agency, list(wanted)))).fetchall()
        return {row[0]: row[1] for row in rows}

    async def _add(self, statement: str, arguments: tuple[object, ...]) -> None:
        async with self._pool.connection() as connection:
            await connection.execute(statement.encode(), arguments)
