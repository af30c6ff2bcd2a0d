"""Deliveries as an operator sees them: the ladder of one event, what is overdue, what was refused."""

import datetime as dt
from typing import cast

from infra.clock import now_in
from infra.home import Home
from infra.topology.clocks import load_clocks
from infra.topology.limits import standing_of
from schemas.errors import MisuseError
from streams.delivery.acknowledging import canonical
from streams.delivery.ladder import ADVICE, LAST, About
from streams.delivery.question_screens import questions_of, told_question
from streams.delivery.rows import Row, rows, utc

LISTED_MAX = 50
_LADDERS = (
    "SELECT d.*, (SELECT max(f.feed_offset) FROM streams.feed_record f "
    "WHERE f.id = d.id AND f.recipient = d.recipient) AS feed_offset "
    "FROM streams.delivery d WHERE d.id = %s ORDER BY d.outcome, d.recipient"
)
_ACCEPTED = "SELECT agency, received_at, source_offset, chain_position FROM streams.seen_event WHERE event_id = %s"
_OVERDUE = (
    "SELECT recipient, id::text, about, event_type, agency, decided_at, delivered_at, finish_breach_at, "
    "delivery_breach_at FROM streams.delivery WHERE outcome = 'RELEASED' AND (about = 'RECALL' AND finished_at IS NULL "
    "OR delivered_at IS NULL AND delivery_breach_at <= %(now)s OR finished_at IS NULL AND finish_breach_at <= %(now)s) "
    "ORDER BY recipient, about DESC, decided_at"
)
_REFUSED = (
    "SELECT recipient, rule, count(*) AS count, max(refused_at) AS last_at, "
    "max(acknowledgement_offset) AS last_offset FROM streams.acknowledgement_refused GROUP BY 1, 2 ORDER BY 1, 2"
)


class UnknownDeliveryError(MisuseError):
    """Nothing of this id was accepted, decided or recalled."""

    code = "unknown-delivery"


def shown(home: Home, event_id: str) -> Row:
    """Return the ladder of the event, or recall, *event_id*; raise UnknownDeliveryError when there is none."""
    known = canonical(event_id)
    accepted, ladders = ([], []) if known is None else (rows(home, _ACCEPTED, known), rows(home, _LADDERS, known))
    if not accepted and not ladders:
        raise UnknownDeliveryError("the hub has accepted no event, and sent no recall, of this id")
    now, clocks = now_in(home), load_clocks()
    return {
        "id": known,
        "accepted": [
            {
                "agency": each["agency"],
                "submitted_offset": each["source_offset"],
                "accepted_at": each["received_at"],
                "chain_position": each["chain_position"],
            }
            for each in accepted
        ],
        "recipients": [
            _recipient(each, now) | {"clock": clocks.of(str(each["event_type"])).source}
            for each in ladders
            if each["outcome"] == "RELEASED"
        ],
        "withheld": [
            {"audience": each["recipient"], "reasons": each["reasons"], "decided_at": each["decided_at"]}
            for each in ladders
            if each["outcome"] == "WITHHELD"
        ],
        "questions": questions_of(home, str(known), now),
    }


def told(found: Row) -> str:
    """Return what `shown` has found, for people."""
    lines = [str(found["id"])]
    for each in cast("list[Row]", found["accepted"]):
        place = "" if each["chain_position"] is None else f", position {each['chain_position']} of the chain"
        lines.append(f"  submitted   by {each['agency']}, offset {each['submitted_offset']}")
        lines.append(f"  accepted    {utc(each['accepted_at'])}{place}")
    for each in cast("list[Row]", found["recipients"]):
        last = LAST[cast("About", each["about"])].lower()
        lines.append(f"  to {each['recipient']} (clock: {each['clock']})")
        lines.append(f"    {'relayed':<10}{utc(each['relayed_at'])}")
        lines.append(
            f"    {'delivered':<10}{_step(each['delivered_at'], each['delivery'], each['delivery_breach_at'])}"
        )
        lines.append(f"    {last:<10}{_step(each['finished_at'], each['finish'], each['finish_breach_at'])}")
    for each in cast("list[Row]", found["withheld"]):
        reasons = ", ".join(cast("list[str]", each["reasons"]))
        lines.append(f"  withheld from {each['audience']}: {reasons}")
    lines += map(told_question, cast("list[Row]", found["questions"]))
    return "\n".join(lines)


def overdue(home: Home) -> dict[str, list[Row]]:
    """Return by partner what is overdue, and every recall that it has not said to have applied."""
    now = now_in(home)
    found: dict[str, list[Row]] = {}
    for each in rows(home, _OVERDUE, now=now):
        due = cast("dt.datetime", each["finish_breach_at"])
        missing = "DELIVERED" if each["delivered_at"] is None else LAST[cast("About", each["about"])]
        entry = {key: each[key] for key in ("id", "about", "event_type", "agency")}
        late = due <= now or (each["delivered_at"] is None and cast("dt.datetime", each["delivery_breach_at"]) <= now)
        found.setdefault(str(each["recipient"]), []).append(
            entry | {"relayed_at": each["decided_at"], "missing": missing, "overdue": late}
        )
    return found


def told_overdue(found: dict[str, list[Row]]) -> str:
    """Return what `overdue` has found, for people."""
    if not found:
        return "Nothing is overdue, and every recall was applied."
    lines = []
    for partner, several in found.items():
        late, recalls = sum(bool(each["overdue"]) for each in several), sum(e["about"] == "RECALL" for e in several)
        lines.append(f"{partner}: {late} overdue, {recalls} recalls not applied")
        for each in several[:LISTED_MAX]:
            state = "overdue" if each["overdue"] else "open"
            what = f"{each['id']}  {each['event_type']:<22} {each['missing']:<9}"
            lines.append(f"  {what} {state}, relayed {utc(each['relayed_at'])}")
        if len(several) > LISTED_MAX:
            lines.append(f"  and {len(several) - LISTED_MAX} more: --json lists them all")
    return "\n".join(lines)


def told_undecided(found: list[Row]) -> str:
    """Return what `undecided` has found, for people."""
    if not found:
        return "Everything that was accepted is decided about in time."
    lines = [f"{len(found)} accepted and not decided about:"]
    for each in found[:LISTED_MAX]:
        what = f"{each['id']}  {each['event_type']:<22} {each['standing']:<8} {each['why']}"
        lines.append(f"  {what}, accepted {utc(each['accepted_at'])}, {each['place']}")
    if len(found) > LISTED_MAX:
        lines.append(f"  and {len(found) - LISTED_MAX} more: --json lists them all")
    return "\n".join(lines)


def refused(home: Home) -> list[Row]:
    """Return how many acknowledgements of each partner broke which rule."""
    return [each | {"advice": ADVICE.get(str(each["rule"]), "")} for each in rows(home, _REFUSED)]


def told_refused(found: list[Row]) -> str:
    """Return what `refused` has found, for people."""
    if not found:
        return "No acknowledgement was refused."
    return "\n".join(
        f"{each['recipient']:<24} {each['rule']:<18} {each['count']:>6}, the last at {utc(each['last_at'])}, "
        f"offset {each['last_offset']}: {each['advice']}"
        for each in found
    )


def _recipient(row: Row, now: dt.datetime) -> Row:
    keys = ("recipient", "about", "event_type", "agency", "feed_offset", "delivered_at", "finished_at")
    limits = ("delivery_warn_at", "delivery_breach_at", "finish_warn_at", "finish_breach_at")
    return {
        **{key: row[key] for key in (*keys, *limits)},
        "relayed_at": row["decided_at"],
        "delivery": standing_of(row["delivered_at"], row["delivery_warn_at"], row["delivery_breach_at"], now),
        "finish": standing_of(row["finished_at"], row["finish_warn_at"], row["finish_breach_at"], now),
    }


def _step(at: object, standing: object, breach_at: object) -> str:
    return f"no, {standing}; due {utc(breach_at)}" if at is None else f"{utc(at)} ({standing})"
