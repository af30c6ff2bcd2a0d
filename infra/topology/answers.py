"""The clocks of answers as data: which event asks, which one answers, who may, and by when."""

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from infra.topology.limits import EVERY_OTHER, Limit
from infra.topology.model import STRICT
from schemas.catalogue import contract, contracts
from schemas.codelists import is_code
from schemas.errors import Problem
from schemas.shapes import shape_of

Speaker = Literal["ASKER", "ADDRESSEE"]
PARTIES: Mapping[str, tuple[str, ...]] = {
    "AGENCIES": ("to_agency",),
    "STATES": ("requesting_state", "requested_state"),
}
"""The fields that say who asks whom. Between agencies one of both is the publisher, and the field names the other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """An event after which no answer is waited for, and who may say so."""

    __pydantic_config__ = STRICT
    event: str
    said_by: tuple[Speaker, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """By when one type of question has to be answered, and where that comes from."""

    __pydantic_config__ = STRICT
    question: str
    source: str
    between: Literal["AGENCIES", "STATES"]
    reference: str
    """The field by which questions, answers and endings belong together."""
    answered_by: str
    ended_by: tuple[Ending, ...] = ()
    due: str
    """The field of the question that may name a moment of its own."""
    latest_hours: float
    """How long a question may run at most, whatever moment it names."""
    urgency: str | None = None
    hours: Mapping[str, Limit]
    """By code of urgency, `*` for all others."""

    def limits(
        self, asked_at: dt.datetime, urgency: str | None, due_at: dt.datetime | None
    ) -> tuple[dt.datetime, dt.datetime]:
        """Return from when on an answer is late, and overdue: by *due_at* when the question names it, else by hours.

        The warning before a moment that was named comes at the same part of the way as by hours. A moment that is past
        when it is named is both.
        """
        limit = self.hours.get(urgency or EVERY_OTHER, self.hours[EVERY_OTHER])
        if due_at is None:
            return limit.warn_at(asked_at), limit.breach_at(asked_at)
        if due_at <= asked_at:
            return due_at, due_at
        way = min(due_at - asked_at, dt.timedelta(hours=self.latest_hours))
        return asked_at + way * (limit.warn_hours / limit.breach_hours), asked_at + way


def problems_of_answers(several: Sequence[Answers]) -> Iterator[Problem]:
    """Yield everything that is wrong with *several*: unknown events, fields not in clear, limits out of order."""
    for question, times in Counter(each.question for each in several).items():
        if times > 1:
            yield Problem(f"answers.{question}", "one-clock", "name each question once")
    for each in several:
        place = f"answers.{each.question}"
        if not each.source.strip():
            yield Problem(f"{place}.source", "has-source", "say where the hours come from")
        yield from _wrong_hours(each, place)
        yield from _wrong_fields(each, place)


def _wrong_hours(each: Answers, place: str) -> Iterator[Problem]:
    if EVERY_OTHER not in each.hours:
        yield Problem(f"{place}.hours", "every-urgency", "add hours for `*`, which count for all other codes")
    for code, limit in each.hours.items():
        if not limit.in_order:
            yield Problem(f"{place}.hours.{code}", "in-order", "warn after more than nothing, before the breach")
        elif not limit.breach_hours <= each.latest_hours < float("inf"):
            yield Problem(f"{place}.latest_hours", "in-order", "let no hours be longer than the longest way")


def _wrong_fields(each: Answers, place: str) -> Iterator[Problem]:
    parties = (each.reference, *PARTIES[each.between])
    wanted = {each.question: (*parties, each.due, *(() if each.urgency is None else (each.urgency,)))}
    wanted |= dict.fromkeys((each.answered_by, *(ending.event for ending in each.ended_by)), parties)
    for name, fields in wanted.items():
        if name not in {known.name for known in contracts()}:
            yield Problem(place, "known-contracts", "name only event types of the catalogue")
            continue
        clear = {
            field.name: field
            for field in shape_of(contract(name)).fields
            if field.privacy.get("class") == "OPERATIONAL"
        }
        if missing := [field for field in fields if field not in clear]:
            yield Problem(f"{place}.{missing[0]}", "in-clear", "name fields that the ledger has in clear")
        elif name == each.question:
            codes = None if each.urgency is None else clear[each.urgency].text("codes")
            if any(code != EVERY_OTHER and (codes is None or not is_code(codes, code)) for code in each.hours):
                yield Problem(f"{place}.hours", "known-codes", "name only codes of the urgency of the question")
