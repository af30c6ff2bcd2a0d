"""Sending an event again in the place of the one that was refused, and telling the hub what became of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from connectors.placing import Sent
from connectors.publisher import Publisher
from connectors.quarantine.desk import Desk, Details
from connectors.receipts import Receipt, Receipts
from infra.topology.credentials import Credentials
from schemas.errors import InvalidEventError, MisuseError, Problem

REUSED = "event-id-reused"
"""The rule whose only way out is another id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a resubmission."""

    event_id: str | None
    outcome: str
    """ACCEPTED, DUPLICATE, REFUSED, or SENT when the receipt was not waited for."""
    problems: tuple[Problem, ...] = ()
    settles: bool = False
    """Whether the record in quarantine is settled by it."""


def in_place_of(entry: Details, event: Mapping[str, object]) -> dict[str, object]:
    """Return *event* under the id of *entry*, so that it is one event for the hub, however often it is sent.

    Raises MisuseError for a discarded entry, and for another id than that of the entry, unless that id was the problem.
    """
    if entry.state == "discarded":
        raise MisuseError(
            f"{entry.id} was discarded; send the event with `hub publish` if it is to be sent all the same"
        )
    envelope = event.get("envelope")
    if entry.event_id is None or not isinstance(envelope, Mapping):
        return dict(event)
    given = envelope.get("event_id", entry.event_id)
    if str(given).lower() != entry.event_id and REUSED not in entry.rules:
        raise MisuseError(
            f"the file holds an event of another id than {entry.id}: is it the right file? "
            "An event that was refused is sent again under its id"
        )
    return {**event, "envelope": {**envelope, "event_id": given}}


async def wrong_with(credentials: Credentials, event: Mapping[str, object]) -> tuple[Problem, ...]:
    """Return what the publisher would refuse *event* for, none when it would send it; nothing is sent."""
    publisher = Publisher(credentials)
    try:
        publisher.encode(event)
    except InvalidEventError as error:
        return tuple(error.problems)
    finally:
        await publisher.__aexit__(None, None, None)
    return ()


async def resubmit(
    credentials: Credentials,
    desk: Desk,
    entry: Details,
    event: Mapping[str, object],
    *,
    wait: bool,
    timeout_s: float,
) -> Outcome:
    """Publish *event* in the place of *entry*; with *wait*, take its receipt and tell the hub.

    Raises UnavailableError: then give the same command again, what had arrived is a duplicate.
    """
    event = in_place_of(entry, event)
    async with Receipts(credentials) as receipts, Publisher(credentials) as publisher:
        try:
            placed = await publisher.publish(event)
        except InvalidEventError as error:
            return Outcome(event_id=entry.event_id, outcome="REFUSED", problems=tuple(error.problems))
        assert isinstance(placed, Sent), "there is no spool here"
        if not wait:
            return Outcome(event_id=placed.event_id, outcome="SENT")
        found = [receipt async for receipt in receipts.until([placed.offset], timeout_s)]
    return _told(desk, entry, found[0])


def _told(desk: Desk, entry: Details, receipt: Receipt) -> Outcome:
    if receipt.outcome == "REFUSED":
        return Outcome(event_id=receipt.event_id, outcome="REFUSED", problems=receipt.problems)
    accepted = receipt.source_offset if receipt.outcome == "ACCEPTED" else receipt.original_offset
    settles = accepted is not None and accepted > entry.source_offset
    if settles:  # else the same event had been accepted before this one was refused
        desk.note_resubmitted(entry.id, str(receipt.event_id), cast("int", accepted))
    return Outcome(event_id=receipt.event_id, outcome=receipt.outcome, settles=settles)
