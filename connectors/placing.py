"""What becomes of an event that was published: where the broker put it, or that it waits in the spool."""

from dataclasses import dataclass

from schemas.errors import RejectedError, UnavailableError
from schemas.names import EventId, TopicName


class PublishUnavailableError(UnavailableError):
    """The broker does not take the event now; publish it again, with the same event id."""

    code = "publish-unavailable"


class PublishForbiddenError(RejectedError):
    """These credentials may not publish on the topic of this agency."""

    code = "publish-forbidden"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """Where the broker has put an event."""

    event_id: EventId
    topic: TopicName
    partition: int
    offset: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Spooled:
    """An event that is safe on the disk of the agency until the broker is back."""

    event_id: EventId
    number: int
    """Counts the events of this spool."""


Placed = Sent | Spooled
