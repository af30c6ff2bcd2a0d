"""The rules of intake for an event among those that came before: new, a duplicate, or an id used twice. Pure."""

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from schemas.errors import Problem
from streams.intake.reading import Readable, Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What intake remembers of an event that it accepted."""

    content_mac: bytes
    source_offset: int
    received_at: dt.datetime
    chain_position: int | None = None
    """Where its answer is in the chain of its source; None of events from before there was one."""
    signed_by: str | None = None
    """Id of the key with which it was signed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Duplicate:
    """An event that was accepted before, sent again unchanged: it gets the answer of the first time."""

    event: Readable
    original: Seen


Admitted = Readable | Refused | Duplicate

ID_REUSED = Problem(
    "envelope.event_id",
    "event-id-reused",
    "an event with this id and other content was accepted; "
    "give a correction an id of its own and name this one in `corrects`",
)

ERASED = Problem(
    "$",
    "person-erased",
    "the data of a person in this event were erased; when there is a new ground to process them, use a new person_ref",
)


def admit(
    events: Iterable[tuple[Readable, bytes] | Refused], seen: Mapping[str, Seen], now: dt.datetime
) -> tuple[list[Admitted], dict[str, Seen]]:
    """Return each event as new, duplicate or refused, in order, and what to remember of the new ones.

    Each readable event comes with the keyed hash of its bytes. *seen* is what is remembered of earlier batches, by
    event id. Only accepted events are remembered: what was refused may be put right and sent again under its id.
    """
    fresh: dict[str, Seen] = {}
    admitted: list[Admitted] = []
    for item in events:
        if isinstance(item, Refused):
            admitted.append(item)
            continue
        event, content_mac = item
        original = seen.get(event.event_id) or fresh.get(event.event_id)
        if original is None:
            fresh[event.event_id] = Seen(
                content_mac=content_mac,
                source_offset=event.source.offset,
                received_at=now,
                signed_by=None if event.signed is None else event.signed.key_id,
            )
            admitted.append(event)
        elif original.content_mac == content_mac:
            admitted.append(Duplicate(event=event, original=original))
        else:
            admitted.append(
                Refused(
                    source=event.source,
                    problems=(ID_REUSED,),
                    event_id=event.event_id,
                    event_type=event.contract.name,
                )
            )
    return admitted, fresh


def without_erased(admitted: Sequence[Admitted], event_ids: Collection[str]) -> list[Admitted]:
    """Return *admitted* with the new events of *event_ids*, and what repeats them in this batch, refused."""
    out: list[Admitted] = []
    for item in admitted:
        event = item.event if isinstance(item, Duplicate) else item
        if isinstance(event, Readable) and event.event_id in event_ids:
            event_type = event.contract.name
            problems = (ERASED,)
            out.append(Refused(source=event.source, problems=problems, event_id=event.event_id, event_type=event_type))
        else:
            out.append(item)
    return out
