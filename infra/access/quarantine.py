"""The routes of the quarantine desk: an agency sees, opens and settles its own refused records, and no others.

Rule 1: a record is named by its offset alone, and whose it is by who asks: nobody can even ask about another's.
Rule 2: who is given a record stands in the database before the record is opened.
"""

import base64
import uuid
from collections.abc import Callable
from typing import Annotated, Literal

import structlog
from fastapi import APIRouter, Depends, HTTPException, Path, Query, Request
from pydantic import BaseModel, Field

from infra.access.quarantine_book import Fate, QuarantineBook, State
from infra.access.quarantine_log import Held, QuarantineLog
from infra.access.quarantine_opening import Gone, QuarantineOpener
from infra.erasure.replaying import Replayed
from infra.operator import reason_in
from infra.topology.model import load_topology
from schemas.names import AgencyId

log = structlog.get_logger()
PAGE_MAX = 100
OFFSET_MAX = 2**63 - 2
Offset = Annotated[int, Path(ge=0, le=OFFSET_MAX)]


class ProblemAnswer(BaseModel):
    """One thing that was wrong; never its value."""

    path: str
    rule: str
    advice: str


class EntryAnswer(BaseModel):
    """One refused record in a list."""

    id: str
    offset: int
    received_at: str
    event_id: str | None
    event_type: str | None
    rules: list[str]
    state: State


class PageAnswer(BaseModel):
    """Some refused records, oldest first; `next` is the `after` of the following page, null at the end."""

    entries: list[EntryAnswer]
    next: int | None


class DetailsAnswer(EntryAnswer):
    """All that is known of one refused record without opening it."""

    problems: list[ProblemAnswer]
    source_offset: int
    accepted_offset: int | None
    reason: str | None


class RecordAnswer(BaseModel):
    """The record as it was sent, base64; null when it is gone, with why."""

    record: str | None
    gone: Gone | None


class Resubmitted(BaseModel):
    """Which event was accepted in the place of the record, and where on the agency's topic it is."""

    event_id: uuid.UUID
    accepted_offset: Annotated[int, Field(ge=0, le=OFFSET_MAX)]


class Discarded(BaseModel):
    """Why an agency gives a record up."""

    reason: Annotated[str, Field(max_length=1_000)]


class StateAnswer(BaseModel):
    """What became of the record."""

    state: Literal["resubmitted", "discarded"]


class Desk:
    """What the routes work with."""

    def __init__(self, log: QuarantineLog, book: QuarantineBook, opener: QuarantineOpener, replayed: Replayed) -> None:
        self.log = log
        self.book = book
        self.opener = opener
        self.replayed = replayed

    async def entry(self, agency: AgencyId, offset: int) -> tuple[Held, Fate]:
        """Return a record of *agency* and what became of it; raise HTTPException when there is none."""
        held = await self.log.at(agency, offset)
        if held is None:
            raise HTTPException(404, "no record in your quarantine has this number; `hub quarantine list`")
        return held, (await self.book.fates(agency, [held]))[offset]


def router(principal: Callable[..., str]) -> APIRouter:  # noqa: C901 - one function for each path, nothing else
    """Return the routes, for whom *principal* has let in; the desk is `app.state.desk`."""
    agencies = {str(each.id): each.id for each in load_topology().agencies}
    routes = APIRouter(prefix="/quarantine")

    def agency_of(who: Annotated[str, Depends(principal)]) -> AgencyId:
        if who not in agencies:
            raise HTTPException(403, "only an agency of the topology has a quarantine; `hub topology show` lists them")
        return agencies[who]

    def desk_of(request: Request) -> Desk:
        found: Desk = request.app.state.desk
        return found

    Agency = Annotated[AgencyId, Depends(agency_of)]  # noqa: N806 - a type
    OwnDesk = Annotated[Desk, Depends(desk_of)]  # noqa: N806 - as above

    @routes.get("")
    async def page(
        agency: Agency,
        desk: OwnDesk,
        after: Annotated[int, Query(ge=-1, le=OFFSET_MAX)] = -1,
        limit: Annotated[int, Query(ge=1, le=PAGE_MAX)] = PAGE_MAX,
    ) -> PageAnswer:
        found, more = await desk.log.page(agency, after, limit)
        fates = await desk.book.fates(agency, found)
        entries = [EntryAnswer.model_validate(_shown(agency, held, fates[held.offset])) for held in found]
        return PageAnswer(entries=entries, next=found[-1].offset if more else None)

    @routes.get("/{offset}")
    async def details(agency: Agency, desk: OwnDesk, offset: Offset) -> DetailsAnswer:
        held, fate = await desk.entry(agency, offset)
        return DetailsAnswer.model_validate(
            {
                **_shown(agency, held, fate),
                "problems": [{"path": each.path, "rule": each.rule, "advice": each.advice} for each in held.problems],
                "source_offset": held.source_offset,
                "accepted_offset": fate.accepted_offset,
                "reason": fate.reason,
            }
        )

    @routes.get("/{offset}/record")
    async def record(agency: Agency, desk: OwnDesk, offset: Offset) -> RecordAnswer:
        held, _ = await desk.entry(agency, offset)
        await desk.replayed.expect()  # nothing is opened before it is known which keys were destroyed
        await desk.book.note_reading(agency, offset, agency)
        found = await desk.opener.opened(held, agency)
        log.info("quarantine_read", principal=str(agency), offset=offset, given=isinstance(found, bytes))
        if isinstance(found, bytes):
            return RecordAnswer(record=base64.b64encode(found).decode(), gone=None)
        return RecordAnswer(record=None, gone=found)

    @routes.post("/{offset}/outcome")
    async def outcome(agency: Agency, desk: OwnDesk, offset: Offset, told: Resubmitted) -> StateAnswer:
        held, _ = await desk.entry(agency, offset)
        if await desk.book.accepted_at(agency, told.event_id) != told.accepted_offset:
            raise HTTPException(409, "no event of yours with this id was accepted there; the receipt says where")
        if told.accepted_offset <= held.source_offset:
            raise HTTPException(409, "that event was accepted before this record was refused: discard the record")
        await desk.book.note_resubmitted(agency, offset, told.event_id, told.accepted_offset)
        return StateAnswer(state="resubmitted")

    @routes.post("/{offset}/discard")
    async def discard(agency: Agency, desk: OwnDesk, offset: Offset, told: Discarded) -> StateAnswer:
        reason = reason_in(told.reason)
        if reason is None or not reason.isprintable():
            raise HTTPException(422, "give a reason of 1 to 200 characters, without control characters")
        _, fate = await desk.entry(agency, offset)
        if fate.state != "open":
            raise HTTPException(409, f"the record is {fate.state} already; `hub quarantine show` tells more")
        await desk.book.note_discarded(agency, offset, reason, agency)
        return StateAnswer(state="discarded")

    return routes


def _shown(agency: AgencyId, held: Held, fate: Fate) -> dict[str, object]:
    return {
        "id": f"{agency}@{held.offset}",
        "offset": held.offset,
        "received_at": held.received_at.isoformat(),
        "event_id": held.event_id,
        "event_type": held.event_type,
        "rules": sorted({each.rule for each in held.problems}),
        "state": fate.state,
    }
