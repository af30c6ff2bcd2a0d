"""Questions as an operator sees them: whether one was answered, and which are overdue."""

import datetime as dt
from typing import cast

from infra.clock import now_in
from infra.home import Home
from infra.topology.clocks import load_clocks
from infra.topology.limits import standing_of
from streams.delivery.question_books import OPEN
from streams.delivery.rows import Row, rows, utc

LISTED_MAX = 50
_COLUMNS = (
    "SELECT id::text, event_type, agency, addressee, reference::text, asked_at, warn_at, breach_at, "
    "answered_at, ended_at FROM streams.question "
)


def questions_of(home: Home, event_id: str, now: dt.datetime) -> list[Row]:
    """Return the questions that the event *event_id* asks, none for most events, with how each stands at *now*."""
    sources = {each.question: each.source for each in load_clocks().answers}
    return [
        each | {"standing": _standing(each, now), "clock": sources.get(str(each["event_type"]), "")}
        for each in rows(home, _COLUMNS + "WHERE id = %s ORDER BY agency, addressee", event_id)
    ]


def told_question(each: Row) -> str:
    """Return one of `questions_of`, for people."""
    head = f"  asks {each['addressee']}, {each['event_type']} (clock: {each['clock']})"
    if each["answered_at"] is not None:
        return f"{head}\n    {'answered':<10}{utc(each['answered_at'])} ({each['standing']})"
    if each["ended_at"] is not None:
        return f"{head}\n    {'answered':<10}no, and no more waited for since {utc(each['ended_at'])}"
    return f"{head}\n    {'answered':<10}no, {each['standing']}; due {utc(each['breach_at'])}"


def unanswered(home: Home) -> Row:
    """Return how many questions are open, and those of them that are overdue, by whom they address."""
    now = now_in(home)
    (found,) = rows(home, f"SELECT count(*) AS open FROM streams.question WHERE {OPEN}")  # noqa: S608 - own
    overdue: dict[str, list[Row]] = {}
    query = _COLUMNS + f"WHERE {OPEN} AND breach_at <= %s ORDER BY addressee, breach_at, id"
    for each in rows(home, query, now):
        entry = {key: each[key] for key in ("id", "event_type", "agency", "reference", "asked_at", "breach_at")}
        overdue.setdefault(str(each["addressee"]), []).append(entry)
    return {"open": found["open"], "overdue": overdue}


def told_unanswered(found: Row) -> str:
    """Return what `unanswered` has found, for people."""
    overdue = cast("dict[str, list[Row]]", found["overdue"])
    late = sum(map(len, overdue.values()))
    lines = [f"Questions: {found['open']} open, {late} of them overdue."]
    for addressee, several in overdue.items():
        lines.append(f"{addressee}: {len(several)} to answer")
        lines += [
            f"  {each['id']}  {each['event_type']:<22} of {each['agency']}, due {utc(each['breach_at'])}"
            for each in several[:LISTED_MAX]
        ]
        if len(several) > LISTED_MAX:
            lines.append(f"  and {len(several) - LISTED_MAX} more: --json lists them all")
    return "\n".join(lines)


def _standing(row: Row, now: dt.datetime) -> str:
    if row["answered_at"] is None and row["ended_at"] is not None:
        return "ended"
    found = standing_of(row["answered_at"], row["warn_at"], row["breach_at"], now)
    return "in time" if found == "reached" else found
