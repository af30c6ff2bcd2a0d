"""Deliveries as agencies and partners read them."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import cast

Told = Mapping[str, object]


def ladders(found: Told) -> str:
    """Return how far an event has come to each partner, a line for each step."""
    lines = [str(found["id"])]
    if found["accepted_at"] is not None:
        lines.append(f"  submitted   at offset {found['submitted_offset']}")
        lines.append(f"  accepted    {_utc(found['accepted_at'])}")
    several = cast("Sequence[Told]", found["ladders"])
    for each in several:
        if each["outcome"] == "WITHHELD":
            reasons = ", ".join(cast("Sequence[str]", each["reasons"]))
            lines.append(f"  withheld from {each['recipient']}: {reasons}")
            continue
        lines += [f"  to {each['recipient']}", f"    {'relayed':<10}{_utc(each['decided_at'])}"]
        lines += [f"    {_step(step)}" for step in cast("Sequence[Told]", each["steps"])]
    if not several:
        lines.append("  no partner was decided about: no agreement speaks of it, or the decision is to come")
    return "\n".join(lines)


def overdue(found: Sequence[Told]) -> str:
    """Return what was not acknowledged in time, a line for each event and partner."""
    if not found:
        return "Nothing is overdue."
    return "\n".join(
        f"{each['id']}  {each['event_type']:<24} to {each['recipient']:<20} {str(each['missing']).lower():<9} "
        f"was due {_utc(each['due'])}"
        for each in found
    )


def unanswered(found: Sequence[Told]) -> str:
    """Return the questions without an answer, a line for each."""
    if not found:
        return "No question waits for an answer."
    return "\n".join(
        f"{each['id']}  {each['event_type']:<24} {each['agency']} asks {each['addressee']:<20} {each['standing']:<8} "
        f"due {_utc(each['due'])}"
        for each in found
    )


def refused(found: Sequence[Told]) -> str:
    """Return the acknowledgements that moved nothing, a line for each."""
    if not found:
        return "No acknowledgement of yours was refused."
    return "\n".join(
        f"{_utc(each['refused_at'])}  {each['rule']:<18} acknowledgement at offset {each['acknowledgement_offset']}, "
        f"record {each['position']}: {_about(each['feed_offset'])}"
        for each in found
    )


def _about(feed_offset: object) -> str:
    return "names no record of the feed" if feed_offset is None else f"names offset {feed_offset} of the feed"


def _step(step: Told) -> str:
    name = str(step["step"]).lower()
    if step["at"] is not None:
        return f"{name:<10}{_utc(step['at'])} ({step['standing']})"
    due = "" if step["due"] is None else f"; due {_utc(step['due'])}"
    return f"{name:<10}no, {step['standing']}{due}"


def _utc(moment: object) -> str:
    return f"{dt.datetime.fromisoformat(str(moment)).astimezone(dt.UTC):%Y-%m-%d %H:%M:%S} UTC"
