"""Decisions that were made, made again from what they rested on. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import cast

from infra.control import ControlState
from schemas.codec import Record
from schemas.names import PartnerId
from streams.release.basis import basis_of, considered
from streams.release.decide import RULES_VERSION, Facts, Release, decide


class Verdict(StrEnum):
    """How a decision stands when it is made again."""

    SAME = "same"
    OTHER = "other"
    """The rules say something else, or it rests on something else than it says."""
    OTHER_RULES = "made by other rules"
    """Of another version, or of before decisions said what they rest on: this release cannot tell."""
    FACTS_CHANGED = "a person was erased or restricted since"
    """What the rules asked of the event is not to be had any more as it was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """One decision, made again."""

    event_id: str
    audience: str
    recorded: str
    verdict: Verdict


def offsets_in(decision: Record) -> Mapping[str, int]:
    """Return how far each control topic was read for *decision*."""
    found = cast("list[dict[str, object]]", decision.get("control_offsets") or [])
    return {str(each["topic"]): cast("int", each["offset"]) for each in found}


def replayed(decision: Record, facts: Facts, control: ControlState) -> Replayed:
    """Return how *decision* stands by the *facts* of its event as they are now, and *control* as it was then."""
    return Replayed(
        event_id=str(decision["event_id"]),
        audience=str(decision["audience"]),
        recorded=str(decision["outcome"]),
        verdict=_verdict(decision, facts, control),
    )


def _verdict(decision: Record, facts: Facts, control: ControlState) -> Verdict:
    if decision.get("basis") is None or decision.get("rules") != RULES_VERSION:
        return Verdict.OTHER_RULES
    audience = PartnerId(str(decision["audience"]))
    asked = considered(facts, audience, control)
    again = decide(
        facts,
        audience,
        asked.agreements,
        asked.consents,
        decision["decided_at"],  # type: ignore[arg-type]  # fastavro gives a datetime
        asked.approvals,
    )
    outcome = "RELEASED" if isinstance(again, Release) else "WITHHELD"
    same = (outcome, list(again.reasons)) == (decision["outcome"], decision["reasons"])
    if same and basis_of(facts, audience, asked) == decision["basis"]:
        return Verdict.SAME
    changed = facts.erased or any(person.restricted for person in facts.persons)
    return Verdict.FACTS_CHANGED if changed else Verdict.OTHER
