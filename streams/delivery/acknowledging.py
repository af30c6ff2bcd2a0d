"""What an acknowledgement says, record by record, and what is wrong with its form. Pure."""

import datetime as dt
import uuid
from collections.abc import Sequence
from typing import cast, get_args

from schemas.codec import Record
from streams.delivery.ladder import Claim, Refusal, Step

WHOLE = -1
"""The position of what concerns all records of an acknowledgement."""
RECORDS_MAX = 1000
STEPS: dict[str, Step] = {step: step for step in get_args(Step)}


def claims_in(
    record: Record, recipient: str, offset: int, now: dt.datetime
) -> tuple[Sequence[Claim], Sequence[Refusal]]:
    """Return what the acknowledgement *record*, at *offset* of the topic of *recipient*, says, and what is refused."""
    named = cast("list[Record]", record["records"])
    step = STEPS.get(str(record["step"]))
    if record["partner"] != recipient:
        return (), (whole(recipient, offset, "another-partner"),)
    if step is None:
        return (), (whole(recipient, offset, "unknown-step"),)
    if not 1 <= len(named) <= RECORDS_MAX:
        return (), (whole(recipient, offset, "too-many"),)
    claims, refusals = [], []
    for position, each in enumerate(named):
        feed_offset, event_id = cast("int", each["feed_offset"]), canonical(str(each["id"]))
        if event_id is None or feed_offset < 0:
            rule = "malformed-id" if event_id is None else "malformed-offset"
            at = feed_offset if feed_offset >= 0 else None
            refusals.append(
                Refusal(
                    recipient=recipient, acknowledgement_offset=offset, position=position, feed_offset=at, rule=rule
                )
            )
            continue
        claims.append(
            Claim(
                recipient=recipient,
                acknowledgement_offset=offset,
                position=position,
                feed_offset=feed_offset,
                id=event_id,
                step=step,
                said_at=cast("dt.datetime", record["at"]),
                heard_at=now,
            )
        )
    return claims, refusals


def whole(recipient: str, offset: int, rule: str) -> Refusal:
    """Return the refusal of a whole acknowledgement."""
    return Refusal(recipient=recipient, acknowledgement_offset=offset, position=WHOLE, feed_offset=None, rule=rule)


def canonical(text: str) -> str | None:
    """Return *text* as a UUID is written, None for anything else."""
    try:
        found = str(uuid.UUID(text))
    except ValueError:
        return None
    return found if found == text.lower() else None
