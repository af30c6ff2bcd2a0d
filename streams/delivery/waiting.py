"""Acknowledgements that have to wait for their record of the feed, or its decision, in PostgreSQL."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import cast

from streams.delivery.ladder import Claim, Step
from streams.pump.records import Transaction

_KEEP = (
    "INSERT INTO streams.acknowledgement_waiting (recipient, acknowledgement_offset, position, feed_offset, id, step, "
    "said_at, heard_at) SELECT n.recipient, n.at, n.position, n.feed_offset, n.id, n.step, n.said_at, n.heard_at "
    "FROM unnest(%s::text[], %s::bigint[], %s::int[], %s::bigint[], %s::uuid[], %s::text[], %s::timestamptz[], "
    "%s::timestamptz[]) WITH ORDINALITY "
    "AS n (recipient, at, position, feed_offset, id, step, said_at, heard_at, place) ORDER BY n.place"
)
_UP_TO = """
SELECT w.number FROM streams.acknowledgement_waiting w
LEFT JOIN streams.feed_record f ON f.recipient = w.recipient AND f.feed_offset = w.feed_offset
LEFT JOIN streams.delivery d ON d.recipient = f.recipient AND d.id = f.id
LEFT JOIN streams.checkpoint c ON c.processor = 'delivery' AND c.topic = 'to.' || w.recipient AND c.partition = 0
LEFT JOIN streams.partition_state s ON s.processor = 'delivery' AND s.topic = 'to.' || w.recipient AND s.partition = 0
LEFT JOIN unnest(%s::text[], %s::bigint[]) AS e (recipient, ends_at) ON e.recipient = w.recipient
WHERE w.number <= %s AND (f.id <> w.id OR d.outcome = 'RELEASED' OR f.id IS NULL AND
    (w.feed_offset < coalesce(greatest(c.next_offset, s.seen_offset), 0) OR w.feed_offset >= e.ends_at))
ORDER BY w.number LIMIT %s
"""


async def keep(transaction: Transaction, claims: Sequence[Claim]) -> None:
    """Let *claims* wait."""
    if claims:
        await transaction.execute(
            _KEEP,
            (
                [each.recipient for each in claims],
                [each.acknowledgement_offset for each in claims],
                [each.position for each in claims],
                [each.feed_offset for each in claims],
                [each.id for each in claims],
                [each.step for each in claims],
                [each.said_at for each in claims],
                [each.heard_at for each in claims],
            ),
        )


async def numbers_at(transaction: Transaction, recipient: str, offsets: Sequence[int], limit: int) -> list[int]:
    """Return the first numbers of the claims of *recipient* that wait for what is at *offsets* of its feed."""
    found = await transaction.execute(
        "SELECT number FROM streams.acknowledgement_waiting WHERE recipient = %s AND feed_offset = ANY(%s) "
        "ORDER BY number LIMIT %s",
        (recipient, list(offsets), limit),
    )
    return _numbers(await found.fetchall())


async def numbers_about(transaction: Transaction, ids: Sequence[str], limit: int) -> list[int]:
    """Return the first numbers of the claims that wait for the decisions about *ids*."""
    found = await transaction.execute(
        "SELECT w.number FROM streams.acknowledgement_waiting w JOIN streams.feed_record f "
        "ON f.recipient = w.recipient AND f.feed_offset = w.feed_offset WHERE f.id = ANY(%s::uuid[]) "
        "ORDER BY w.number LIMIT %s",
        (list(ids), limit),
    )
    return _numbers(await found.fetchall())


async def numbers_up_to(transaction: Transaction, number: int, end_of: Mapping[str, int], limit: int) -> list[int]:
    """Return the first numbers, up to *number*, of claims that can be judged now that it is known where feeds end."""
    found = await transaction.execute(_UP_TO, (list(end_of), list(end_of.values()), number, limit))
    return _numbers(await found.fetchall())


async def take(transaction: Transaction, numbers: Sequence[int]) -> list[Claim]:
    """Return the claims *numbers* in the order in which they came; they wait no longer."""
    found = await transaction.execute(
        "DELETE FROM streams.acknowledgement_waiting WHERE number = ANY(%s) RETURNING number, recipient, "
        "acknowledgement_offset, position, feed_offset, id::text, step, said_at, heard_at",
        (list(numbers),),
    )
    return [_claim(row) for row in sorted(await found.fetchall(), key=lambda row: cast("int", row[0]))]


def _numbers(rows: Sequence[tuple[object, ...]]) -> list[int]:
    return [cast("int", number) for (number,) in rows]


def _claim(row: Sequence[object]) -> Claim:
    _, recipient, at, position, feed_offset, event_id, step, said_at, heard_at = row
    return Claim(
        recipient=str(recipient),
        acknowledgement_offset=cast("int", at),
        position=cast("int", position),
        feed_offset=cast("int", feed_offset),
        id=str(event_id),
        step=cast("Step", step),
        said_at=cast("dt.datetime", said_at),
        heard_at=cast("dt.datetime", heard_at),
    )
