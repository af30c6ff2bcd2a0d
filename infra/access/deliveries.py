"""The routes about deliveries: how far an event has come, what is overdue, whose acknowledgements were refused.

Rule 1: an agency sees its own events, a partner what was released to it, and nobody learns of anything else: the
answer is the same of an event of another and of one that does not exist.
Rule 2: a partner does not see what was withheld from it, nor why it gets what it gets: that is its agency's to know.
"""

import datetime as dt
import uuid
from collections.abc import Callable, Mapping
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, HTTPException, Request
from pydantic import BaseModel

from infra.access.delivery_book import DeliveryBook
from infra.topology.limits import Standing, standing_of
from infra.workplace import Workplace

NOT_HERE = "no event of this id is yours, or was released to you; is it the id, and are these your credentials?"
LAST = {"EVENT": "RETRIEVED", "RECALL": "APPLIED"}


class StepAnswer(BaseModel):
    """One step, when it was reached, and by when it must be."""

    step: Literal["DELIVERED", "RETRIEVED", "APPLIED"]
    at: dt.datetime | None
    due: dt.datetime | None
    standing: Standing


class LadderAnswer(BaseModel):
    """How far the event has come to one partner."""

    recipient: str
    outcome: Literal["RELEASED", "WITHHELD"]
    reasons: list[str]
    decided_at: dt.datetime
    """Of what was released: when it was relayed."""
    steps: list[StepAnswer]


class DeliveryAnswer(BaseModel):
    """The way of one event."""

    id: uuid.UUID
    submitted_offset: int | None
    accepted_at: dt.datetime | None
    ladders: list[LadderAnswer]


class OverdueAnswer(BaseModel):
    """One event that a partner has not acknowledged in time."""

    id: uuid.UUID
    event_type: str
    agency: str | None
    recipient: str
    relayed_at: dt.datetime
    missing: str
    due: dt.datetime


class UnansweredAnswer(BaseModel):
    """One question, such as a referral, that nobody has answered yet."""

    id: uuid.UUID
    event_type: str
    reference: uuid.UUID
    agency: str
    addressee: str
    asked_at: dt.datetime
    due: dt.datetime
    standing: Standing


class RefusedAnswer(BaseModel):
    """One acknowledgement that moved nothing, and the rule; what it named is not kept."""

    rule: str
    acknowledgement_offset: int
    position: int
    feed_offset: int | None
    refused_at: dt.datetime


def router(principal: Callable[..., str]) -> APIRouter:
    """Return the routes, for whom *principal* has let in; the book is `app.state.deliveries`."""
    routes = APIRouter(prefix="/deliveries")
    Who = Annotated[str, Depends(principal)]  # noqa: N806 - a type

    @routes.get("/overdue")
    async def overdue(who: Who, request: Request) -> list[OverdueAnswer]:
        now = await _now(request)
        return [_overdue(each, now) for each in await _book(request).late(who, now)]

    @routes.get("/unanswered")
    async def unanswered(who: Who, request: Request) -> list[UnansweredAnswer]:
        now = await _now(request)
        found = await _book(request).unanswered(who)
        return [
            UnansweredAnswer.model_validate(
                {
                    **each,
                    "due": each["breach_at"],
                    "standing": standing_of(None, each["warn_at"], each["breach_at"], now),
                }
            )
            for each in found
        ]

    @routes.get("/refused")
    async def refused(who: Who, request: Request) -> list[RefusedAnswer]:
        return [RefusedAnswer.model_validate(each) for each in await _book(request).refused(who)]

    @routes.get("/{event_id}")
    async def one(who: Who, event_id: uuid.UUID, request: Request) -> DeliveryAnswer:
        accepted, ladders = await _book(request).ladders(who, event_id)
        if not accepted and not ladders:
            raise HTTPException(404, NOT_HERE)
        now = await _now(request)
        own: Mapping[str, object] = accepted[0] if accepted else {}
        return DeliveryAnswer.model_validate(
            {
                "id": event_id,
                "submitted_offset": own.get("source_offset"),
                "accepted_at": own.get("received_at"),
                "ladders": [_ladder(each, now) for each in ladders],
            }
        )

    return routes


def _book(request: Request) -> DeliveryBook:
    found: DeliveryBook = request.app.state.deliveries
    return found


async def _now(request: Request) -> dt.datetime:
    place: Workplace = request.app.state.place
    return await place.clock.now()


def _ladder(row: Mapping[str, object], now: dt.datetime) -> Mapping[str, object]:
    steps = [
        _step("DELIVERED", row["delivered_at"], row["delivery_warn_at"], row["delivery_breach_at"], now),
        _step(LAST[str(row["about"])], row["finished_at"], row["finish_warn_at"], row["finish_breach_at"], now),
    ]
    released = row["outcome"] == "RELEASED"
    return {**row, "steps": steps if released else []}


def _step(step: str, at: object, warn_at: object, due: object, now: dt.datetime) -> Mapping[str, object]:
    return {"step": step, "at": at, "due": due, "standing": standing_of(at, warn_at, due, now)}


def _overdue(row: Mapping[str, object], now: dt.datetime) -> OverdueAnswer:
    breach = row["delivery_breach_at"]
    undelivered = row["delivered_at"] is None and isinstance(breach, dt.datetime) and breach <= now
    return OverdueAnswer.model_validate(
        {
            **row,
            "relayed_at": row["decided_at"],
            "missing": "DELIVERED" if undelivered else LAST[str(row["about"])],
            "due": breach if undelivered else row["finish_breach_at"],
        }
    )
