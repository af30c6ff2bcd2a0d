"""Referrals: offered, answered by the one that was asked, taken back, ended."""

from collections.abc import Callable, Mapping

from connectors.scenario import steps as s
from connectors.scenario.dossier import Dossier
from connectors.scenario.draws import one_of, two_of
from connectors.scenario.story import NARRATIVE, Event, Moment, Step, day_text, moment_text

_THREE_DAYS = 3 * 86_400_000
_FIRST, _SECOND = 2, 3
"""Which identifiers of the story are those of its referrals."""
_SERVICES = ("ACCOMMODATION", "LEGAL", "HEALTH", "INTERPRETATION", "SOCIAL_CARE")
_SAFE = ("YES", "NO", "NOT_REPORTED")


def referral_of(story: Dossier) -> str:
    """Return the identifier of the referral under which the person is supported."""
    return story.identifier(_SECOND if story.declined else _FIRST)


def _offered(story: Dossier, step: Step, at: Moment) -> tuple[str, Event]:
    noise = story.noise(step)
    agency = story.country.agencies[story.finder]
    again = step == s.OFFERED_AGAIN
    known = story.victim_for(agency, at)
    known["contacts"] = story.person().contacts()
    content: Event = {
        "referral_id": story.identifier(_SECOND if again else _FIRST),
        "to_agency": story.other_helper if again else story.helper,
        "person": known,
        "reason": "ADDITIONAL_SERVICES",
        "services_requested": two_of(_SERVICES, noise[4], noise[5]),
        "urgency": one_of(("IMMEDIATE", "URGENT", "ROUTINE"), noise[6]),
        "risk_of_reexploitation": one_of(_SAFE, noise[7]),
        "consent_to_referral": "YES" if story.consented else one_of(("NOT_REPORTED", "NO"), noise[8]),
        "answer_due_at": moment_text(story.setting, at + _THREE_DAYS),
        "willing_to_cooperate": one_of(_SAFE, noise[9]),
        "reported_to_police": "YES" if story.finder == "police" else "NOT_REPORTED",
        "safe_to_contact": one_of(_SAFE, noise[10]),
        "details": NARRATIVE,
    }
    bases = ("GDPR:6.1.a",) if story.consented else ("GDPR:6.1.d",)
    return story.event(step, at, noise, agency, content, purpose="REFER", bases=bases)


def _answered(story: Dossier, step: Step, at: Moment) -> tuple[str, Event]:
    noise = story.noise(step)
    again = step == s.ANSWERED_AGAIN
    agency = story.other_helper if again else story.helper
    content: Event = {
        "referral_id": story.identifier(_SECOND if again else _FIRST),
        "to_agency": story.country.agencies[story.finder],
        "received_on": day_text(story.day(story.happened(at, noise))),
        "worker_ref": f"W-{noise[4] % 40}",
    }
    if story.declined and not again:
        content["answer"] = "DECLINED"
        content["decline_reason"] = one_of(("NO_CAPACITY", "NO_CAPACITY", "NOT_COMPETENT", "SAFETY"), noise[5])
    else:
        content["answer"] = "ACCEPTED"
        content["person"] = story.victim_for(agency, at)
        content["services_accepted"] = two_of(_SERVICES, noise[6], noise[7])
    return story.event(step, at, noise, agency, content, purpose="PROTECT", bases=("GDPR:6.1.e",))


def _revoked(story: Dossier, step: Step, at: Moment) -> tuple[str, Event]:
    noise = story.noise(step)
    agency = story.country.agencies[story.finder]
    withdrawn = step == s.WITHDRAWN
    content: Event = {
        "referral_id": referral_of(story) if withdrawn else story.identifier(_FIRST),
        "to_agency": story.supporter if withdrawn else story.helper,
        "person": story.victim_for(agency, at),
        "reason": "CONSENT_WITHDRAWN" if withdrawn else one_of(("SENT_IN_ERROR", "PERSON_LEFT", "SAFETY"), noise[4]),
        "erase_received_data": "YES" if withdrawn else "NOT_REPORTED",
    }
    return story.event(step, at, noise, agency, content, purpose="PROTECT", bases=("GDPR:6.1.e",))


def _closed(story: Dossier, step: Step, at: Moment) -> tuple[str, Event]:
    noise = story.noise(step)
    agency = story.supporter
    content: Event = {
        "referral_id": referral_of(story),
        "person": story.victim_for(agency, at),
        "to_agency": story.country.agencies[story.finder],
        "reason": "NOT_A_VICTIM",
        "closed_on": day_text(story.day(story.happened(at, noise))),
        "risk_assessed": one_of(_SAFE, noise[4]),
    }
    if story.decision != "NOT_CONFIRMED":
        content["reason"] = one_of(("GOALS_REACHED", "GOALS_REACHED", "CONTACT_LOST", "LEFT"), noise[5])
        if story.foreign:
            citizenship = story.person().citizenship
            content |= {"reason": "RETURNED", "returned_to_country": citizenship, "return_voluntary": "YES"}
    return story.event(step, at, noise, agency, content, purpose="PROTECT", bases=("GDPR:6.1.e",))


TELLERS: Mapping[Step, Callable[[Dossier, Step, Moment], tuple[str, Event]]] = {
    s.OFFERED: _offered,
    s.OFFERED_AGAIN: _offered,
    s.ANSWERED: _answered,
    s.ANSWERED_AGAIN: _answered,
    s.REVOKED: _revoked,
    s.WITHDRAWN: _revoked,
    s.CLOSED: _closed,
}
