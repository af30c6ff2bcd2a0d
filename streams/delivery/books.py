"""What the hub knows of deliveries, in PostgreSQL, read and written in the transaction of a batch.

One batch at a time, whichever partition it is of: an acknowledgement and its record, read side by side, would each
miss the other. Every statement is about a whole batch: a partner that has caught up
acknowledges 90 000 records in one.
"""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from typing import cast

from psycopg.types.json import Jsonb

from infra.advisory_locks import AdvisoryLock
from infra.topology.clocks import ClocksFile
from streams.delivery.ladder import Refusal
from streams.delivery.settling import Moved
from streams.delivery.steps import Decided
from streams.pump.records import Transaction

_DECIDED = (
    "INSERT INTO streams.delivery (recipient, id, about, event_type, agency, outcome, reasons, decided_at, "
    "delivery_warn_at, delivery_breach_at, finish_warn_at, finish_breach_at) "
    "SELECT recipient, id, about, event_type, agency, outcome, reasons, decided_at, "
    "delivery_warn_at, delivery_breach_at, finish_warn_at, finish_breach_at "
    "FROM jsonb_to_recordset(%s) AS n (recipient text, id uuid, about text, event_type text, agency text, "
    "outcome text, reasons text[], decided_at timestamptz, delivery_warn_at timestamptz, "
    "delivery_breach_at timestamptz, finish_warn_at timestamptz, finish_breach_at timestamptz) "
    "ON CONFLICT (id, recipient) DO UPDATE SET "
    "(outcome, reasons, decided_at, delivery_warn_at, delivery_breach_at, finish_warn_at, finish_breach_at) = "
    "(excluded.outcome, excluded.reasons, excluded.decided_at, excluded.delivery_warn_at, "
    "excluded.delivery_breach_at, excluded.finish_warn_at, excluded.finish_breach_at) "
    "WHERE streams.delivery.outcome = 'WITHHELD' RETURNING recipient, id::text"
)
"""What was withheld may be decided again; what was relayed stays so."""
_MOVED = (
    "UPDATE streams.delivery d SET delivered_at = coalesce(d.delivered_at, n.delivered_at), "
    "finished_at = coalesce(d.finished_at, n.finished_at) "
    "FROM unnest(%s::text[], %s::uuid[], %s::timestamptz[], %s::timestamptz[]) "
    "AS n (recipient, id, delivered_at, finished_at) WHERE d.recipient = n.recipient AND d.id = n.id"
)
_REFUSED = (
    "INSERT INTO streams.acknowledgement_refused "
    "(recipient, acknowledgement_offset, position, feed_offset, rule, refused_at) "
    "SELECT n.*, %s FROM unnest(%s::text[], %s::bigint[], %s::int[], %s::bigint[], %s::text[]) AS n "
    "ON CONFLICT DO NOTHING"
)


async def take_turn(transaction: Transaction) -> None:
    """Wait until no other batch is at the books; it ends with the transaction."""
    await transaction.execute("SELECT pg_advisory_xact_lock(%s)", (AdvisoryLock.DELIVERIES.value,))


async def accepted_at(transaction: Transaction, event_ids: Sequence[str]) -> Mapping[str, dt.datetime]:
    """Return when intake accepted each of *event_ids*, by agency and id."""
    found = await transaction.execute(
        "SELECT agency, event_id::text, received_at FROM streams.seen_event WHERE event_id = ANY(%s::uuid[])",
        (list(event_ids),),
    )
    return {f"{agency}/{each}": cast("dt.datetime", at) for agency, each, at in await found.fetchall()}


async def keep_decided(transaction: Transaction, several: Iterable[Decided], clocks: ClocksFile) -> list[Decided]:
    """Keep *several* decisions with their limits, each pair once; return those that are new, or decided anew."""
    by_pair: dict[tuple[str, str], Decided] = {}
    for each in several:
        before = by_pair.get((each.recipient, each.id))
        if before is None or not before.released:
            by_pair[each.recipient, each.id] = each
    rows = [_row(each, clocks) for each in by_pair.values()]
    found = await transaction.execute(_DECIDED, (Jsonb(rows),))
    new = {(str(recipient), str(event_id)) for recipient, event_id in await found.fetchall()}
    return [each for pair, each in by_pair.items() if pair in new]


def _row(each: Decided, clocks: ClocksFile) -> dict[str, object]:
    limits = clocks.of(each.event_type)
    ends = {
        "delivery_warn_at": limits.delivery.warn_at,
        "delivery_breach_at": limits.delivery.breach_at,
        "finish_warn_at": limits.retrieval.warn_at,
        "finish_breach_at": limits.retrieval.breach_at,
    }
    return {
        "recipient": each.recipient,
        "id": each.id,
        "about": each.about,
        "event_type": each.event_type,
        "agency": each.agency,
        "outcome": "RELEASED" if each.released else "WITHHELD",
        "reasons": list(each.reasons),
        "decided_at": each.at.isoformat(),
        **{name: end(each.at).isoformat() if each.released else None for name, end in ends.items()},
    }


async def keep_feed(transaction: Transaction, recipient: str, ids: Mapping[int, str]) -> None:
    """Keep which id is at which offset of the feed of *recipient*."""
    await transaction.execute(
        "INSERT INTO streams.feed_record (recipient, feed_offset, id) "
        "SELECT %s, o, i FROM unnest(%s::bigint[], %s::uuid[]) AS n (o, i) ON CONFLICT DO NOTHING",
        (recipient, list(ids), list(ids.values())),
    )


async def move(transaction: Transaction, moves: Sequence[Moved]) -> None:
    """Note which steps ladders have reached."""
    reached: dict[tuple[str, str], dict[str, dt.datetime]] = {}
    for each in moves:
        column = "delivered" if each.step.step == "DELIVERED" else "finished"
        reached.setdefault((each.claim.recipient, each.claim.id), {})[column] = each.step.at
    if reached:
        await transaction.execute(
            _MOVED,
            (
                [recipient for recipient, _ in reached],
                [event_id for _, event_id in reached],
                [at.get("delivered") for at in reached.values()],
                [at.get("finished") for at in reached.values()],
            ),
        )


async def keep_refused(transaction: Transaction, refusals: Sequence[Refusal], now: dt.datetime) -> None:
    """Keep *refusals* for operators."""
    if refusals:
        await transaction.execute(
            _REFUSED,
            (
                now,
                [each.recipient for each in refusals],
                [each.acknowledgement_offset for each in refusals],
                [each.position for each in refusals],
                [each.feed_offset for each in refusals],
                [each.rule for each in refusals],
            ),
        )
