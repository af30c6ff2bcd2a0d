"""Why a partner gets an event, or does not, in plain words: every agreement, and what would have to change. Pure."""

import dataclasses
import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from schemas.names import PartnerId
from streams.release.basis import Considered, decided
from streams.release.decide import Facts, Release

WORDS: Mapping[str, tuple[str, str]] = {
    "agreed": ("An agreement covers it.", ""),
    "approved": ("Officers approved it, as its handling code asks.", ""),
    "restricted-note": ("A restricted note protects a person: an anonymous number is shown (C.1.4).", ""),
    "persons-left-out": ("Persons in roles that the agreement does not cover are left out.", ""),
    "erased": ("The data of a person in it were erased.", "Nothing: it stays so for ever."),
    "no-longer-valid": ("Its agency let it be valid until a moment that has passed.", "The agency publishes it anew."),
    "held-for-manual-release": (
        "Handling code H3: it is held until two persons approve.",
        "An officer of its agency and one of the operator: `hub approval give`.",
    ),
    "needs-permission-of-owner": (
        "Handling code H2: its owner has to permit it.",
        "An officer of its agency: `hub approval give`.",
    ),
    "not-for-proceedings": ("Handling code H1 bars its use in proceedings.", "The agency publishes it under H0."),
    "unknown-handling-code": ("Its handling code is unknown.", "The agency corrects it."),
    "tlp-red-not-addressed": ("TLP:RED: it goes to those alone whom it is addressed to.", "The agency addresses it."),
    "no-agreement": ("No agreement with this partner is in force.", "An agreement: `hub agreement check DRAFT`."),
    "agreement-expired": ("The agreement has expired.", "A new version with a later `valid_until`."),
    "agreement-not-yet-valid": ("The agreement is not in force yet.", "Nothing: it opens on its first day."),
    "agency-not-agreed": ("The agreement does not cover this agency.", "A version that names the agency."),
    "event-type-not-agreed": ("The agreement does not cover this event type.", "A version that names it."),
    "purpose-not-agreed": ("The agreement does not cover its purpose.", "A version that names the purpose."),
    "handling-not-agreed": ("The agreement does not cover its handling code.", "A version that names the code."),
    "tlp-not-agreed": ("Its traffic light is narrower than the agreement lets pass.", "A version with that `tlp_max`."),
    "category-not-agreed": (
        "It tells categories of data that the agreement does not cover.",
        "A version that names the categories.",
    ),
    "not-the-addressee": ("The agreement covers only what is addressed to the partner.", "The agency addresses it."),
    "role-not-agreed": ("A person in it has a role that the agreement does not cover.", "A version with that role."),
    "no-agreed-legal-basis": ("It names no legal basis of the agreement.", "The agency names one, or a version does."),
    "refused-by-the-person": ("The person refused this referral.", "Nothing, unless it rests on vital interests."),
    "no-consent": (
        "It rests on consent, and no consent covers this partner, purpose and what it tells.",
        "A consent of each person, published by the agency: `ConsentGiven`.",
    ),
}
"""Each reason of the rules: what it means, and what would have to change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What one agreement comes to."""

    agreement: str
    version: int
    passes: bool
    reasons: tuple[str, ...]
    valid: str
    """Its first and last day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Why an audience gets an event or not."""

    outcome: str
    """RELEASED or WITHHELD, as the rules say it of the moment asked about."""
    view: str | None
    reasons: tuple[str, ...]
    steps: tuple[Step, ...]
    consents: tuple[str, ...]
    """Events that gave the consents which are known of its persons for this audience, with their end."""
    approvals: tuple[str, ...]

    def sentences(self) -> list[str]:
        """Return the reasons in plain words, each with what would have to change."""
        return [_sentence(reason) for reason in self.reasons]


def explained(facts: Facts, audience: PartnerId, asked: Considered, now: dt.datetime) -> Explanation:
    """Return why *audience* gets the event at *now*, or why not, by what was *asked*."""
    whole = decided(facts, audience, asked, now)
    steps = []
    for each in sorted(asked.agreements, key=lambda agreement: agreement.id):
        alone = decided(facts, audience, dataclasses.replace(asked, agreements=(each,)), now)
        valid = f"{each.valid_from} to {each.valid_until}"
        passes = isinstance(alone, Release)
        steps.append(Step(agreement=each.id, version=each.version, passes=passes, reasons=alone.reasons, valid=valid))
    return Explanation(
        outcome="RELEASED" if isinstance(whole, Release) else "WITHHELD",
        view=whole.view if isinstance(whole, Release) else None,
        reasons=whole.reasons,
        steps=tuple(steps),
        consents=tuple(
            f"{each.event_id} for {each.purpose}, {_end(each.until)}"
            for each in asked.consents
            if each.recipient == audience
        ),
        approvals=tuple(f"{each.approved_by} until {each.valid_until:%Y-%m-%d %H:%M}" for each in asked.approvals),
    )


def _end(until: dt.datetime | None) -> str:
    return "until it is withdrawn" if until is None else f"until {until:%Y-%m-%d %H:%M}"


def _sentence(reason: str) -> str:
    meaning, change = WORDS.get(reason, (f"The rule {reason}.", ""))
    return f"{meaning} What would change it: {change}" if change else meaning
