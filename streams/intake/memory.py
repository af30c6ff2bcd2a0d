"""What intake remembers of accepted events, in PostgreSQL: ids and keyed hashes, never content."""

import datetime as dt
from collections.abc import Collection, Mapping
from typing import Protocol, cast

from schemas.names import AgencyId
from streams.intake.admission import Seen
from streams.pump.records import Transaction


class Memory(Protocol):
    """What was accepted before; it is read and written in the SQL transaction of a batch."""

    async def recall(self, transaction: Transaction, agency: AgencyId, event_ids: Collection[str]) -> dict[str, Seen]:
        """Return what is remembered of *event_ids*, by id."""

    async def remember(self, transaction: Transaction, agency: AgencyId, fresh: Mapping[str, Seen]) -> None:
        """Keep *fresh* events for the duplicate check of later batches."""


class SqlMemory:
    """The memory in the table `streams.seen_event`."""

    async def recall(self, transaction: Transaction, agency: AgencyId, event_ids: Collection[str]) -> dict[str, Seen]:
        """Return what is remembered of *event_ids*, by id.

        An id is one event's in the whole hub: approvals, ladders and audits name it alone. What another agency
        published under it is like nothing that this one can send.
        """
        if not event_ids:
            return {}
        cursor = await transaction.execute(
            "SELECT event_id::text, CASE WHEN agency = %s THEN content_mac ELSE '' END, source_offset, received_at, "
            "chain_position FROM streams.seen_event WHERE event_id = ANY(%s::uuid[])",
            (agency, list(event_ids)),
        )
        return {
            str(event_id): Seen(
                content_mac=bytes(cast("bytes", mac)),
                source_offset=cast("int", offset),
                received_at=cast("dt.datetime", received_at),
                chain_position=cast("int | None", position),
            )
            for event_id, mac, offset, received_at, position in await cursor.fetchall()
        }

    async def remember(self, transaction: Transaction, agency: AgencyId, fresh: Mapping[str, Seen]) -> None:
        """Keep *fresh* events for the duplicate check of later batches."""
        if not fresh:
            return
        several = list(fresh.values())
        # No COPY: who stands still in the middle of one keeps its locks, whatever time-outs are set.
        await transaction.execute(
            "INSERT INTO streams.seen_event "
            "(agency, event_id, content_mac, source_offset, received_at, chain_position, signed_by, outcome) "
            "SELECT %s, e, m, o, r, p, k, 'ACCEPTED' "
            "FROM unnest(%s::uuid[], %b::bytea[], %s::bigint[], %s::timestamptz[], %s::bigint[], %s::text[]) "
            "AS s (e, m, o, r, p, k)",
            (
                agency,
                list(fresh),
                [seen.content_mac for seen in several],
                [seen.source_offset for seen in several],
                [seen.received_at for seen in several],
                [seen.chain_position for seen in several],
                [seen.signed_by for seen in several],
            ),
        )
