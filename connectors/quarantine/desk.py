"""The quarantine of one agency, as the access server shows it to that agency alone."""

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypedDict, cast

from connectors.access import Access
from connectors.quarantine.ids import QuarantineId
from schemas.errors import MisuseError, Problem, RejectedError

State = Literal["open", "resubmitted", "discarded"]
GONE = {
    "not-kept": "nothing but its position is kept: it was empty, or too large for any message",
    "key-destroyed": "the key of the agency was destroyed, and the record with it",
    "person-erased": "the data of a person in it were erased; discard it",
}


class RecordGoneError(RejectedError):
    """The record itself is not to be had any more; why it was refused still is."""

    code = "record-gone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One refused record in the list."""

    id: QuarantineId
    received_at: str
    event_id: str | None
    event_type: str | None
    rules: tuple[str, ...]
    state: State


@dataclass(frozen=True, slots=True, kw_only=True)
class Details(Entry):
    """All that is known of one refused record without opening it."""

    problems: tuple[Problem, ...]
    source_offset: int
    accepted_offset: int | None
    reason: str | None


class Desk:
    """The quarantine of *agency*, asked for through *access*."""

    def __init__(self, access: Access, agency: str) -> None:
        self._access = access
        self._agency = agency

    def entries(self, state: str | None = None) -> Iterator[Entry]:
        """Yield every record, oldest first, page by page, those in *state* alone when one is named.

        Raises AccessRefusedError, AccessUnavailableError.
        """
        after: int | None = -1
        while after is not None:
            answer = cast("dict[str, object]", self._access.call("GET", f"/quarantine?after={after}"))
            for told in cast("list[dict[str, object]]", answer["entries"]):
                if state in (None, told["state"]):
                    yield Entry(**_common(told))
            after = cast("int | None", answer["next"])

    def details(self, wanted: QuarantineId) -> Details:
        """Return all that is known of *wanted*; raise MisuseError for a record of another, AccessRefusedError."""
        told = cast("dict[str, object]", self._access.call("GET", self._path(wanted)))
        problems = cast("list[dict[str, str]]", told["problems"])
        return Details(
            **_common(told),
            problems=tuple(Problem(each["path"], each["rule"], each["advice"]) for each in problems),
            source_offset=cast("int", told["source_offset"]),
            accepted_offset=cast("int | None", told["accepted_offset"]),
            reason=cast("str | None", told["reason"]),
        )

    def record(self, wanted: QuarantineId) -> bytes:
        """Return the record as it was sent, which the hub writes down; raise RecordGoneError and as `details`."""
        told = cast("dict[str, str | None]", self._access.call("GET", f"{self._path(wanted)}/record"))
        if told["record"] is None:
            raise RecordGoneError(f"{wanted}: {GONE.get(str(told['gone']), 'the record is gone')}")
        return base64.b64decode(told["record"])

    def note_resubmitted(self, wanted: QuarantineId, event_id: str, accepted_offset: int) -> None:
        """Tell the hub which event was accepted in the place of *wanted*; raises as `details`."""
        body = {"event_id": event_id, "accepted_offset": accepted_offset}
        self._access.call("POST", f"{self._path(wanted)}/outcome", body)

    def discard(self, wanted: QuarantineId, reason: str) -> None:
        """Give *wanted* up for good; raises as `details`."""
        self._access.call("POST", f"{self._path(wanted)}/discard", {"reason": reason})

    def _path(self, wanted: QuarantineId) -> str:
        if wanted.agency != self._agency:
            raise MisuseError(f"an agency sees its own quarantine alone: this is that of {self._agency}")
        return f"/quarantine/{wanted.offset}"


class _Common(TypedDict):
    id: QuarantineId
    received_at: str
    event_id: str | None
    event_type: str | None
    rules: tuple[str, ...]
    state: State


def _common(told: dict[str, object]) -> _Common:
    return {
        "id": QuarantineId.read(str(told["id"])),
        "received_at": str(told["received_at"]),
        "event_id": cast("str | None", told["event_id"]),
        "event_type": cast("str | None", told["event_type"]),
        "rules": tuple(cast("list[str]", told["rules"])),
        "state": cast("State", told["state"]),
    }
