"""What the hub knows of deliveries, in PostgreSQL, read and written in the transaction of a batch.

One batch at a time, whichever partition it is of: an acknowledgement and its record, read side by side, would each
miss the other.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import cast

from infra.advisory_locks import AdvisoryLock
from infra.topology.clocks import ClocksFile
from streams.delivery.ladder import About, Claim, Known, Ladder, Refusal, Step
from streams.delivery.steps import Decided
from streams.pump.records import Transaction

PROCESSOR = "delivery"
_WAITING = """
SELECT w.number, w.recipient, w.acknowledgement_offset, w.position, w.feed_offset, w.id::text, w.step, w.said_at,
       w.heard_at, f.id::text, d.about, d.event_type, d.agency, d.outcome, d.delivered_at, d.finished_at,
       d.delivery_breach_at, d.finish_breach_at,
       coalesce(greatest(c.next_offset, s.seen_offset), 0)
FROM streams.acknowledgement_waiting w
LEFT JOIN streams.feed_record f ON f.recipient = w.recipient AND f.feed_offset = w.feed_offset
LEFT JOIN streams.delivery d ON d.recipient = f.recipient AND d.id = f.id
LEFT JOIN streams.checkpoint c ON c.processor = 'delivery' AND c.topic = 'to.' || w.recipient AND c.partition = 0
LEFT JOIN streams.partition_state s ON s.processor = 'delivery' AND s.topic = 'to.' || w.recipient AND s.partition = 0
WHERE w.number = ANY(%s) ORDER BY w.number
"""
_DECIDED = (
    "INSERT INTO streams.delivery (recipient, id, about, event_type, agency, outcome, reasons, decided_at, "
    "delivery_warn_at, delivery_breach_at, finish_warn_at, finish_breach_at) "
    "VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) "
    "ON CONFLICT (id, recipient) DO UPDATE SET "
    "(outcome, reasons, decided_at, delivery_warn_at, delivery_breach_at, finish_warn_at, finish_breach_at) = "
    "(excluded.outcome, excluded.reasons, excluded.decided_at, excluded.delivery_warn_at, "
    "excluded.delivery_breach_at, excluded.finish_warn_at, excluded.finish_breach_at) "
    "WHERE streams.delivery.outcome = 'WITHHELD' RETURNING 1"
)
"""What was withheld may be decided again; what was relayed stays so."""
_JUDGEABLE = """
SELECT w.number FROM streams.acknowledgement_waiting w
JOIN streams.feed_record f ON f.recipient = w.recipient AND f.feed_offset = w.feed_offset
LEFT JOIN streams.delivery d ON d.recipient = f.recipient AND d.id = f.id
WHERE (f.id <> w.id OR d.outcome = 'RELEASED') AND (w.recipient = ANY(%s) OR f.id = ANY(%s::uuid[]))
"""


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


async def keep_decided(
    transaction: Transaction, decided: Sequence[Decided], clocks: ClocksFile
) -> set[tuple[str, str]]:
    """Keep what was decided, with its limits; return recipient and id of what is new, or decided anew."""
    new: set[tuple[str, str]] = set()
    for each in decided:
        limits = clocks.of(each.event_type)
        delivery, finish = limits.delivery, limits.retrieval
        found = await transaction.execute(
            _DECIDED,
            (
                each.recipient,
                each.id,
                each.about,
                each.event_type,
                each.agency,
                "RELEASED" if each.released else "WITHHELD",
                list(each.reasons),
                each.at,
                *((f(each.at) if each.released else None) for f in (delivery.warn_at, delivery.breach_at)),
                *((f(each.at) if each.released else None) for f in (finish.warn_at, finish.breach_at)),
            ),
        )
        if await found.fetchone() is not None:
            new.add((each.recipient, each.id))
    return new


async def keep_feed(transaction: Transaction, recipient: str, ids: Mapping[int, str]) -> None:
    """Keep which id is at which offset of the feed of *recipient*."""
    await transaction.execute(
        "INSERT INTO streams.feed_record (recipient, feed_offset, id) "
        "SELECT %s, o, i FROM unnest(%s::bigint[], %s::uuid[]) AS n (o, i) ON CONFLICT DO NOTHING",
        (recipient, list(ids), list(ids.values())),
    )


async def keep_claims(transaction: Transaction, claims: Sequence[Claim]) -> list[int]:
    """Let *claims* wait, and return their numbers."""
    numbers = []
    for each in claims:
        found = await transaction.execute(
            "INSERT INTO streams.acknowledgement_waiting (recipient, acknowledgement_offset, position, feed_offset, "
            "id, step, said_at, heard_at) VALUES (%s, %s, %s, %s, %s, %s, %s, %s) RETURNING number",
            (
                each.recipient,
                each.acknowledgement_offset,
                each.position,
                each.feed_offset,
                each.id,
                each.step,
                each.said_at,
                each.heard_at,
            ),
        )
        row = await found.fetchone()
        assert row is not None, "an insertion returns its number"
        numbers.append(cast("int", row[0]))
    return numbers


async def judgeable(transaction: Transaction, recipients: Sequence[str], ids: Sequence[str]) -> list[int]:
    """Return the numbers of waiting claims of *recipients*, or about *ids*, whose record is known by now."""
    found = await transaction.execute(_JUDGEABLE, (list(recipients), list(ids)))
    return [cast("int", number) for (number,) in await found.fetchall()]


async def waiting_up_to(transaction: Transaction, number: int) -> list[int]:
    """Return the numbers of all claims that wait, up to *number*."""
    found = await transaction.execute(
        "SELECT number FROM streams.acknowledgement_waiting WHERE number <= %s", (number,)
    )
    return [cast("int", each) for (each,) in await found.fetchall()]


async def claim(transaction: Transaction, number: int, end_of: Mapping[str, int]) -> tuple[Claim, Known]:
    """Return the waiting claim *number*, and what it is judged by."""
    row = await (await transaction.execute(_WAITING, ([number],))).fetchone()
    assert row is not None, "nobody else is at the books"
    recipient, feed_offset = str(row[1]), cast("int", row[4])
    found = Claim(
        recipient=recipient,
        acknowledgement_offset=cast("int", row[2]),
        position=cast("int", row[3]),
        feed_offset=feed_offset,
        id=str(row[5]),
        step=cast("Step", row[6]),
        said_at=cast("dt.datetime", row[7]),
        heard_at=cast("dt.datetime", row[8]),
    )
    at_offset = None if row[9] is None else str(row[9])
    ladder = None
    if at_offset is not None and row[10] is not None:
        ladder = Ladder(
            recipient=recipient,
            id=at_offset,
            about=cast("About", row[10]),
            event_type=str(row[11]),
            agency=cast("str | None", row[12]),
            released=row[13] == "RELEASED",
            delivered_at=cast("dt.datetime | None", row[14]),
            finished_at=cast("dt.datetime | None", row[15]),
            delivery_breach_at=cast("dt.datetime | None", row[16]),
            finish_breach_at=cast("dt.datetime | None", row[17]),
        )
    known = Known(id_at_offset=at_offset, ladder=ladder, read_to=cast("int", row[18]), end=end_of.get(recipient))
    return found, known


async def move(transaction: Transaction, ladder: Ladder, step: Step, at: dt.datetime) -> None:
    """Note that *ladder* has reached *step*."""
    column = b"delivered_at" if step == "DELIVERED" else b"finished_at"
    await transaction.execute(
        b"UPDATE streams.delivery SET "
        + column
        + b" = %s WHERE recipient = %s AND id = %s AND "
        + column
        + b" IS NULL",
        (at, ladder.recipient, ladder.id),
    )


async def done_with(transaction: Transaction, number: int) -> None:
    """Let the claim *number* wait no longer."""
    await transaction.execute("DELETE FROM streams.acknowledgement_waiting WHERE number = %s", (number,))


async def keep_refused(transaction: Transaction, refusal: Refusal, now: dt.datetime) -> None:
    """Keep *refusal* for operators."""
    await transaction.execute(
        "INSERT INTO streams.acknowledgement_refused "
        "(recipient, acknowledgement_offset, position, feed_offset, rule, refused_at) "
        "VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
        (
            refusal.recipient,
            refusal.acknowledgement_offset,
            refusal.position,
            refusal.feed_offset,
            refusal.rule,
            now,
        ),
    )
