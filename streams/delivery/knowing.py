"""What acknowledgements are judged by, in PostgreSQL: what is where on a feed, its ladder, how far the hub has read."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import cast

from streams.delivery.ladder import About, Claim, Known, Ladder
from streams.pump.records import Transaction

_KNOWN = """
SELECT f.id::text, d.* FROM unnest(%s::text[], %s::bigint[]) WITH ORDINALITY AS n (recipient, feed_offset, place)
LEFT JOIN LATERAL (
    SELECT id FROM streams.feed_record WHERE recipient = n.recipient AND feed_offset = n.feed_offset LIMIT 1
) f ON true
LEFT JOIN LATERAL (
    SELECT about, event_type, agency, outcome, delivered_at, finished_at, delivery_breach_at, finish_breach_at
    FROM streams.delivery WHERE id = f.id AND recipient = n.recipient LIMIT 1
) d ON true
ORDER BY n.place
"""
"""Each by its key: a join would read a table whole while PostgreSQL believes, after a burst, that it is empty."""
_READ_TO = """
SELECT p.recipient, coalesce(greatest(c.next_offset, s.seen_offset), 0) FROM unnest(%s::text[]) AS p (recipient)
LEFT JOIN streams.checkpoint c ON c.processor = 'delivery' AND c.topic = 'to.' || p.recipient AND c.partition = 0
LEFT JOIN streams.partition_state s ON s.processor = 'delivery' AND s.topic = 'to.' || p.recipient AND s.partition = 0
"""


async def known_of(transaction: Transaction, claims: Sequence[Claim], end_of: Mapping[str, int]) -> list[Known]:
    """Return for each of *claims* what it is judged by; *end_of* is where feeds ended after it was heard."""
    recipients = sorted({each.recipient for each in claims})
    read = await (await transaction.execute(_READ_TO, (recipients,))).fetchall()
    read_to = {str(recipient): cast("int", offset) for recipient, offset in read}
    found = await transaction.execute(
        _KNOWN, ([each.recipient for each in claims], [each.feed_offset for each in claims])
    )
    return [
        Known(
            id_at_offset=None if event_id is None else str(event_id),
            ladder=None if event_id is None or about is None else _ladder(claim.recipient, str(event_id), about, *rest),
            read_to=read_to[claim.recipient],
            end=end_of.get(claim.recipient),
        )
        for claim, (event_id, about, *rest) in zip(claims, await found.fetchall(), strict=True)
    ]


def _ladder(recipient: str, event_id: str, about: object, *rest: object) -> Ladder:
    event_type, agency, outcome, *moments = rest
    delivered_at, finished_at, delivery_breach_at, finish_breach_at = cast("list[dt.datetime | None]", moments)
    return Ladder(
        recipient=recipient,
        id=event_id,
        about=cast("About", about),
        event_type=str(event_type),
        agency=cast("str | None", agency),
        released=outcome == "RELEASED",
        delivered_at=delivered_at,
        finished_at=finished_at,
        delivery_breach_at=delivery_breach_at,
        finish_breach_at=finish_breach_at,
    )
