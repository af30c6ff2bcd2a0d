"""What may be deleted from a topic of an agency, and when a marker is due. Pure.

Rule 1: a record goes when both SQL and Kafka say that intake is beyond it: recovery never seeks to before either.
Rule 2: a parked record stays, and what comes after it with it: a log is deleted from its start.
Rule 3: where one of the two is silent nothing goes: then nobody knows where intake is.
Rule 4: a marker is due when all of the topic may go, its end is no marker, and it was quiet for a segment's time:
        then the broker takes the marker as the first record of a new segment, and the old one can go.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """One topic of an agency and where intake is on it; offsets."""

    checkpoint: int | None
    """Next offset as SQL has it, None before intake began."""
    committed: int | None
    """Next offset as Kafka has it for intake's group."""
    first_parked: int | None
    """The oldest record that is parked, read together with *checkpoint*."""
    end: int
    """Offset of the next record that an agency will send."""
    marked_end: int
    """Where the topic ended after the last marker."""
    quiet_s: float
    """How long nothing has come."""


def deletable(arrived: Arrived) -> int | None:
    """Return the offset before which every record may go, None when nothing may."""
    if arrived.checkpoint is None or arrived.committed is None:
        return None
    known = (arrived.checkpoint, arrived.committed, arrived.first_parked)
    return min(offset for offset in known if offset is not None)


def wants_marker(arrived: Arrived, segment_s: float) -> bool:
    """Whether to write a marker; *segment_s* is after how long the broker begins a new segment at the next record."""
    all_may_go = deletable(arrived) == arrived.end
    return all_may_go and arrived.end != arrived.marked_end and arrived.quiet_s > segment_s
