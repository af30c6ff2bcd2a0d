"""Where a partition goes on: a pure rule over what SQL and Kafka say, and the errors of those that contradict."""

from schemas.errors import MisuseError, UnavailableError
from streams.pump.ports import Checkpoint, Committed


class LostOwnershipError(UnavailableError):
    """Another worker has advanced the checkpoint: this one is no longer the owner of the partition."""

    code = "lost-ownership"


class ContradictionError(MisuseError):
    """Checkpoint and committed offset cannot both be true; going on could lose or repeat events."""

    code = "checkpoint-contradiction"


def resume_at(*, stored: Checkpoint | None, committed: Committed | None, beginning: int, end: int) -> int | None:
    """Return the SQL position to go on from, in a log from *beginning* to *end*; None for a first start.

    SQL commits first, so it may be ahead of Kafka but never behind it. Anything else means that a topic, a group or
    the database was replaced: raise ContradictionError rather than lose or repeat events.
    """
    if stored is None and committed is None:
        return None
    if stored is None:
        raise ContradictionError(
            "Kafka has a committed offset but the database has no checkpoint: was the database replaced? "
            "Restore it, or delete the consumer group if the topic is to be processed from its beginning"
        )
    if committed is None and (stored.next_offset != stored.first_offset or stored.retries):
        raise ContradictionError(
            "the database has a checkpoint but Kafka has no committed offset: was the topic or the group replaced? "
            "Restore Kafka, or reset the checkpoint if the topic is to be processed from its beginning"
        )
    if committed is not None and (stored.next_offset < committed.offset or stored.retries < committed.retries):
        raise ContradictionError("the checkpoint is behind the committed offset: was an old database restored?")
    kafka_at = stored.next_offset if committed is None else committed.offset
    if min(stored.next_offset, kafka_at) < beginning:
        raise ContradictionError("records between the checkpoint and the start of the log are gone: restore the topic")
    if max(stored.next_offset, committed.offset if committed is not None else 0) > end:
        raise ContradictionError(
            "the log ends before the checkpoint: was the topic made anew? Restore it, or reset checkpoint and delete "
            "the consumer group if the topic is to be processed from its beginning"
        )
    return stored.next_offset
