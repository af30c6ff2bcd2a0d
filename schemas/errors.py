"""The tree of errors, split by whose fault it is. No text of an error ever holds a value of an event.

HubError
├── RejectedError       the record's fault: refuse it, quarantine it or park it; a retry gives the same answer
│   └── InvalidEventError, MalformedRecordError, UnknownSchemaError, ErasedError, …
├── UnavailableError    the world's fault: wait and try again, nothing is lost
└── MisuseError         the caller's fault: a wrong setting, argument or order of calls; says what to do
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar


class HubError(Exception):
    """Every error of the hub; `code` is stable and may be matched on, the text is for people."""

    code: ClassVar[str] = "hub"


def code_of(error: Exception) -> str:
    """Return the stable code of *error*, for one that is not ours the name of its class."""
    return error.code if isinstance(error, HubError) else type(error).__name__


class RejectedError(HubError):
    """The record cannot be accepted, however often it is tried."""

    code = "rejected"


class UnavailableError(HubError):
    """A part of the world does not answer; the same call may work later."""

    code = "unavailable"


class MisuseError(HubError):
    """The hub was called wrongly or set up incompletely; the text says what to do."""

    code = "misuse"


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing that is wrong with an event: where, which rule, and what to do. Never the value."""

    path: str
    """Path of the field, such as `person.citizenships[0]`; `$` for the whole event."""
    rule: str
    """Stable code of the rule in kebab-case, such as `unknown-code`."""
    advice: str
    """What the sender should do, one sentence."""

    def __str__(self) -> str:
        return f"{self.path}: {self.rule}: {self.advice}"


class InvalidEventError(RejectedError):
    """An event breaks rules of its contract; holds all problems at once."""

    code = "invalid-event"

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(str(problem) for problem in self.problems))


class MalformedRecordError(RejectedError):
    """The bytes are not a record in the Confluent wire format of the schema that they name."""

    code = "malformed-record"


class UnknownSchemaError(RejectedError):
    """A schema id that the registry does not have, or that the topic does not allow."""

    code = "unknown-schema"


class UnreadableSealError(RejectedError):
    """A sealed field that its key does not open: corrupted, or moved from another event or field."""

    code = "unreadable-seal"


class ErasedError(RejectedError):
    """The key of this person was destroyed: the field can never be read again."""

    code = "erased"
