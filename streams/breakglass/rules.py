"""The rules of break-glass, over the entries of its audit. Pure.

1  one event, a legal ground and a reason; who asks does not agree, and does not review
2  a second person agrees within REQUEST_HOURS, else the request is dead; for a person under a restricted note (C.1.4)
   they say that they know it
3  then the one who asked, and nobody else, may open the event for so many hours
4  every access that was agreed to is reviewed by somebody else; who has one overdue is given no other
5  nothing is ever changed or taken back: each act is an entry, and what holds follows from the entries
"""

import dataclasses
import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from schemas.codelists import is_code
from schemas.errors import MisuseError, RejectedError

Act = Literal["REQUESTED", "APPROVED", "OPENED", "REVIEWED"]
Finding = Literal["JUSTIFIED", "NOT_JUSTIFIED"]
FINDINGS: tuple[Finding, ...] = ("JUSTIFIED", "NOT_JUSTIFIED")
GROUNDS = "legal_basis"
REQUEST_HOURS = 24
"""A request that nobody agreed to is dead after so many hours."""


class BreakGlassRefusedError(RejectedError):
    """The access is not given, or the act does not fit its state; the text says why and what to do."""

    code = "break-glass-refused"


class UnknownAccessError(MisuseError):
    """No access has this id."""

    code = "unknown-access"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One act, as the audit keeps it."""

    access_id: str
    act: Act
    by_whom: str
    at: dt.datetime
    event_id: str
    reason: str = ""
    """Of a request why, of a review what was found out; never anything of a person."""
    ground: str = ""
    """Legal ground of a request, a code of the list `legal_basis`."""
    restricted: bool = False
    """Whether the one who agreed knew that a restricted note protects a person of the event."""
    until: dt.datetime | None = None
    """Until when the access that was agreed to is open."""
    review_by: dt.datetime | None = None
    finding: str = ""
    key_id: str = ""
    """With which the one who agreed signed; empty where no officer of the operator has a key."""
    signature: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """One access, as its entries make it."""

    requested: Entry
    approved: Entry | None = None
    opened: tuple[Entry, ...] = ()
    reviewed: Entry | None = None

    def state(self, now: dt.datetime) -> str:
        """Return `asked`, `dead` (nobody agreed in time), `open`, `to review` or `reviewed`."""
        if self.reviewed is not None:
            return "reviewed"
        if self.approved is None:
            return "asked" if now < self.requested.at + dt.timedelta(hours=REQUEST_HOURS) else "dead"
        return "open" if self.approved.until is not None and now < self.approved.until else "to review"

    def is_overdue(self, now: dt.datetime) -> bool:
        """Whether its review should have been done."""
        return self.reviewed is None and self.approved is not None and _after(now, self.approved.review_by)


def accesses(entries: Iterable[Entry]) -> Mapping[str, Access]:
    """Return each access of *entries*, in the order in which they were asked for."""
    found: dict[str, Access] = {}
    for entry in entries:
        known = found.get(entry.access_id)
        if entry.act == "REQUESTED":
            found[entry.access_id] = Access(requested=entry)
        elif known is not None:
            found[entry.access_id] = _after_entry(known, entry)
    return found


def request(
    access_id: str, event_id: str, *, by: str, reason: str, ground: str, now: dt.datetime, known: Iterable[Access]
) -> Entry:
    """Return the entry of a request; raise BreakGlassRefusedError, MisuseError for a ground that is no code."""
    if not is_code(GROUNDS, ground):
        raise MisuseError("give a legal ground: a code of the list legal_basis, such as GDPR:6.1.d")
    if any(each.requested.by_whom == by and each.is_overdue(now) for each in known):
        raise BreakGlassRefusedError(
            "an access that you had is not reviewed in time: another person does it first, `hub breakglass review`"
        )
    return Entry(
        access_id=access_id, act="REQUESTED", by_whom=by, at=now, event_id=event_id, reason=reason, ground=ground
    )


def approve(
    access: Access,
    *,
    by: str,
    now: dt.datetime,
    hours: float,
    review_days: int,
    is_restricted: bool,
    knows_restricted: bool,
    key_id: str = "",
    signature: bytes = b"",
) -> Entry:
    """Return the entry of the agreement to *access*; raise BreakGlassRefusedError."""
    if access.state(now) != "asked":
        raise BreakGlassRefusedError("this access waits for nobody: `hub breakglass list` shows how each is")
    if by == access.requested.by_whom:
        raise BreakGlassRefusedError("who asks cannot agree: another person has to")
    if is_restricted and not knows_restricted:
        raise BreakGlassRefusedError(
            "a restricted note protects a person of this event (C.1.4): agree with --restricted if you know that"
        )
    until = now + dt.timedelta(hours=hours)
    return Entry(
        access_id=access.requested.access_id,
        act="APPROVED",
        by_whom=by,
        at=now,
        event_id=access.requested.event_id,
        restricted=is_restricted,
        until=until,
        review_by=until + dt.timedelta(days=review_days),
        key_id=key_id,
        signature=signature,
    )


def open_access(access: Access, *, by: str, now: dt.datetime) -> Entry:
    """Return the entry of one look at the event; raise BreakGlassRefusedError."""
    if by != access.requested.by_whom:
        raise BreakGlassRefusedError("only who asked for this access may open it")
    if access.state(now) != "open":
        raise BreakGlassRefusedError("this access is not open: it was not agreed to, or its time is over; ask again")
    return Entry(
        access_id=access.requested.access_id, act="OPENED", by_whom=by, at=now, event_id=access.requested.event_id
    )


def review(access: Access, *, by: str, finding: str, note: str, now: dt.datetime) -> Entry:
    """Return the entry of the review, which ends the access; raise BreakGlassRefusedError, MisuseError."""
    if finding not in FINDINGS:
        raise MisuseError(f"the finding is one of: {', '.join(FINDINGS)}")
    if by == access.requested.by_whom:
        raise BreakGlassRefusedError("who had the access does not review it: another person has to")
    if access.state(now) not in ("open", "to review"):
        raise BreakGlassRefusedError("there is nothing to review: it was not agreed to, or it was reviewed before")
    return Entry(
        access_id=access.requested.access_id,
        act="REVIEWED",
        by_whom=by,
        at=now,
        event_id=access.requested.event_id,
        reason=note,
        finding=finding,
    )


def _after_entry(access: Access, entry: Entry) -> Access:
    match entry.act:
        case "APPROVED":
            return dataclasses.replace(access, approved=entry)
        case "OPENED":
            return dataclasses.replace(access, opened=(*access.opened, entry))
        case "REVIEWED":
            return dataclasses.replace(access, reviewed=entry)
        case _:
            return access


def _after(now: dt.datetime, moment: dt.datetime | None) -> bool:
    return moment is not None and now >= moment
