"""Decisions that were made, made again from what they rested on. Pure."""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import cast

from infra.control import ControlState
from schemas.codec import Record
from schemas.names import PartnerId
from streams.release.basis import basis_of, considered, decided
from streams.release.decide import RULES_VERSION, Facts, Release

NOTES_TRIED_MAX = 256
"""Of an event with a long list of protected persons not every combination of notes is tried."""


class Verdict(StrEnum):
    """How a decision stands when it is made again."""

    SAME = "same"
    OTHER = "other"
    """The rules say something else, or it rests on something else than it says."""
    OTHER_RULES = "made by other rules"
    """Of another version, or of before decisions said what they rest on: this release cannot tell."""
    FACTS_CHANGED = "a person was erased or restricted since"
    """It stands once a restricted note that came later is set aside; of who was erased nothing can be told."""


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
    if _stands(decision, facts, control):
        return Verdict.SAME
    changed = facts.erased or any(_stands(decision, before, control) for before in _before_notes(facts))
    return Verdict.FACTS_CHANGED if changed else Verdict.OTHER


def _stands(decision: Record, facts: Facts, control: ControlState) -> bool:
    """Whether the rules say of *facts* what *decision* says, and find the basis that it names."""
    audience = PartnerId(str(decision["audience"]))
    asked = considered(facts, audience, control)
    again = decided(facts, audience, asked, decision["decided_at"])  # type: ignore[arg-type]  # fastavro gives a datetime
    said = [decision[name] for name in ("outcome", "reasons", "view", "agreement", "agreement_version")]
    found: list[object] = ["WITHHELD", list(again.reasons), None, None, None]
    if isinstance(again, Release):
        found = ["RELEASED", list(again.reasons), again.view, again.agreement.id, again.agreement.version]
    return found == said and basis_of(facts, audience, asked) == decision["basis"]


def _before_notes(facts: Facts) -> Iterator[Facts]:
    """Yield *facts* as they may have been before restricted notes that protect some of their persons now."""
    noted = sorted({person.subject for person in facts.persons if person.restricted})
    several = (some for count in range(1, len(noted) + 1) for some in itertools.combinations(noted, count))
    for some in itertools.islice(several, NOTES_TRIED_MAX):
        persons = (replace(each, restricted=each.restricted and each.subject not in some) for each in facts.persons)
        yield replace(facts, persons=tuple(persons))
