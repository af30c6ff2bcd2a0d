"""What was withheld and may yet be released, in PostgreSQL: ids, codes and reasons, never content.

Rule 1: whoever changes it holds the one row of `streams.reviewing`, so that a mark and a decision never cross.
Rule 2: a decision on a state of control older than the newest that anything was marked by is made again.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol, cast

from schemas.codec import Record
from schemas.names import PartnerId
from streams.pump.records import Transaction
from streams.release.basis import Because

FINAL = frozenset(
    {"erased", "no-longer-valid", "not-for-proceedings", "unknown-handling-code", "tlp-red-not-addressed"}
)
"""Reasons that no change of control takes away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """One event that one audience did not get."""

    partition: int
    offset: int
    audience: PartnerId
    because: Because = Because.CONTROL_CHANGED
    """Why it is decided again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Touched:
    """Which pairs a change may open; what is None does not matter."""

    audiences: Collection[str] | None = None
    agencies: Collection[str] | None = None
    event_types: Collection[str] | None = None
    event_id: str | None = None
    reason: str | None = None
    because: Because = Because.CONTROL_CHANGED


class Withheld(Protocol):
    """The pairs; read and written in the SQL transaction of a batch."""

    async def begin(self, transaction: Transaction, position: int) -> int:
        """Wait for one's turn, and return the newest position that was ever told, *position* included."""

    async def note(self, transaction: Transaction, decision: Record, *, due: bool) -> None:
        """Keep a pair that *decision* withheld; *due* when control has changed since."""

    async def mark(self, transaction: Transaction, touched: Touched) -> None:
        """Let the pairs that are *touched* be decided again."""

    async def due(self, transaction: Transaction, pairs_max: int) -> Sequence[Pair]:
        """Return pairs that have to be decided again, the first of the ledger first."""

    async def drop(self, transaction: Transaction, pair: Pair) -> None:
        """Forget a pair: it was released, or never can be."""

    async def keep(self, transaction: Transaction, pair: Pair, reasons: Sequence[str]) -> None:
        """Keep a pair that was decided again and is still withheld."""

    async def goes_on(self, transaction: Transaction, *, is_read: bool, insist: bool) -> bool:
        """Return whether a page has to be asked for: something is due, and none is asked for or one *is_read*."""


class SqlWithheld:
    """The pairs in the table `streams.withheld`."""

    async def begin(self, transaction: Transaction, position: int) -> int:
        """Wait for one's turn, and return the newest position that was ever told, *position* included."""
        found = await transaction.execute(
            "UPDATE streams.reviewing SET position = greatest(position, %s) RETURNING position", (position,)
        )
        row = await found.fetchone()
        assert row is not None, "the migration put the row there"
        return cast("int", row[0])

    async def note(self, transaction: Transaction, decision: Record, *, due: bool) -> None:
        """Keep a pair that *decision* withheld; *due* when control has changed since."""
        await transaction.execute(
            "INSERT INTO streams.withheld (ledger_partition, ledger_offset, audience, event_id, event_type, agency, "
            "reasons, decided_at, due) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
            (
                *(decision[name] for name in ("ledger_partition", "ledger_offset", "audience", "event_id")),
                *(decision[name] for name in ("event_type", "agency", "reasons", "decided_at")),
                Because.CONTROL_CHANGED.value if due else None,
            ),
        )

    async def mark(self, transaction: Transaction, touched: Touched) -> None:
        """Let the pairs that are *touched* be decided again."""
        lists = [None if each is None else list(each) for each in (touched.audiences, touched.agencies)]
        await transaction.execute(
            "UPDATE streams.withheld SET due = %s WHERE due IS NULL "
            "AND (%s::text[] IS NULL OR audience = ANY(%s::text[])) "
            "AND (%s::text[] IS NULL OR agency = ANY(%s::text[])) "
            "AND (%s::text[] IS NULL OR event_type = ANY(%s::text[])) AND (%s::uuid IS NULL OR event_id = %s::uuid) "
            "AND (%s::text IS NULL OR %s::text = ANY(reasons))",
            (
                touched.because.value,
                *(each for several in lists for each in (several, several)),
                *[None if touched.event_types is None else list(touched.event_types)] * 2,
                *[touched.event_id] * 2,
                *[touched.reason] * 2,
            ),
        )

    async def due(self, transaction: Transaction, pairs_max: int) -> Sequence[Pair]:
        """Return pairs that have to be decided again, the first of the ledger first."""
        found = await transaction.execute(
            "SELECT ledger_partition, ledger_offset, audience, due FROM streams.withheld WHERE due IS NOT NULL "
            "ORDER BY ledger_partition, ledger_offset, audience LIMIT %s",
            (pairs_max,),
        )
        return [
            Pair(
                partition=cast("int", partition),
                offset=cast("int", offset),
                audience=PartnerId(str(audience)),
                because=Because(str(why)),
            )
            for partition, offset, audience, why in await found.fetchall()
        ]

    async def drop(self, transaction: Transaction, pair: Pair) -> None:
        """Forget a pair: it was released, or never can be."""
        await transaction.execute(
            "DELETE FROM streams.withheld WHERE (ledger_partition, ledger_offset, audience) = (%s, %s, %s)",
            (pair.partition, pair.offset, pair.audience),
        )

    async def keep(self, transaction: Transaction, pair: Pair, reasons: Sequence[str]) -> None:
        """Keep a pair that was decided again and is still withheld."""
        await transaction.execute(
            "UPDATE streams.withheld SET due = NULL, reasons = %s "
            "WHERE (ledger_partition, ledger_offset, audience) = (%s, %s, %s)",
            (list(reasons), pair.partition, pair.offset, pair.audience),
        )

    async def goes_on(self, transaction: Transaction, *, is_read: bool, insist: bool) -> bool:
        """Return whether a page has to be asked for: something is due, and none is asked for or one *is_read*."""
        found = await transaction.execute(
            "UPDATE streams.reviewing AS r SET is_under_way = new.asked OR (r.is_under_way AND NOT %s) FROM ("
            "SELECT (%s OR %s OR NOT is_under_way) "
            "AND EXISTS (SELECT FROM streams.withheld WHERE due IS NOT NULL) AS asked FROM streams.reviewing"
            ") AS new RETURNING new.asked",
            (is_read, is_read, insist),
        )
        row = await found.fetchone()
        return row is not None and bool(row[0])
