"""Consent given and taken back, and third parties that apply for data under a restricted note."""

from collections.abc import Callable, Mapping

from connectors.scenario import steps as s
from connectors.scenario.dossier import Dossier
from connectors.scenario.draws import one_of
from connectors.scenario.story import Event, Moment, Step, day_text, moment_text

_DAYS_30, _YEAR = 30 * 86_400_000, 365 * 86_400_000
_CONSENT, _APPLICATION = range(2)
_APPLICANTS = ("LAWYER", "FAMILY", "FOREIGN_AUTHORITY", "COURT", "MEDIA")
_CATEGORIES = ["IDENTITY", "CONTACT", "STORY"]


def _giver(story: Dossier, day: int) -> str:
    return "GUARDIAN" if story.person().is_child(day) else "PERSON"


def _consented(story: Dossier, step: Step, at: Moment) -> tuple[str, Event]:
    noise = story.noise(step)
    agency = story.country.agencies[story.finder]
    day = story.day(story.happened(at, noise))
    content: Event = {
        "consent_id": story.identifier(_CONSENT),
        "person": story.victim_for(agency, at),
        "recipients": sorted({story.helper, story.other_helper}),
        "purposes": ["REFER", "PROTECT"],
        "categories": _CATEGORIES,
        "given_on": day_text(day),
        "valid_to": moment_text(story.setting, at + _YEAR),
        "given_by": _giver(story, day),
        "form": one_of(("WRITTEN", "WRITTEN", "ORAL_WITNESSED"), noise[4]),
        "purpose_explained": "YES",
        "rights_explained": "YES",
        "withdrawal_explained": "YES",
        "language": story.country.language,
        "interpreter_used": "YES" if story.foreign else "NO",
    }
    return story.event(step, at, noise, agency, content, purpose="REFER", bases=("GDPR:6.1.a",))


def _withdrawn(story: Dossier, step: Step, at: Moment) -> tuple[str, Event]:
    noise = story.noise(step)
    agency = story.country.agencies[story.finder]
    day = story.day(story.happened(at, noise))
    content: Event = {
        "consent_id": story.identifier(_CONSENT),
        "person": story.victim_for(agency, at),
        "withdrawn_on": day_text(day),
        "withdrawn_by": _giver(story, day),
        "erasure_requested": one_of(("YES", "NO", "NOT_REPORTED"), noise[4]),
    }
    return story.event(step, at, noise, agency, content, purpose="PROTECT", bases=("GDPR:6.1.a",))


def _applied(story: Dossier, step: Step, at: Moment) -> tuple[str, Event]:
    noise = story.noise(step)
    agency = story.country.agencies["police"]
    day = story.day(story.happened(at, noise))
    content: Event = {
        "application_id": story.identifier(_APPLICATION),
        "person": story.victim_for(agency, at),
        "applicant_kind": one_of(_APPLICANTS, noise[4]),
        "applicant_country": story.country.code,
        "requested_for": "PROSECUTE",
        "categories": _CATEGORIES[:1] if noise[5] & 1 else _CATEGORIES[1:],
        "received_on": day_text(day),
        "answer_due_at": moment_text(story.setting, at + _DAYS_30),
        "examined_by": "POLICE",
    }
    return story.event(step, at, noise, agency, content, purpose="PROTECT")


def _application_decided(story: Dossier, step: Step, at: Moment) -> tuple[str, Event]:
    noise = story.noise(step)
    agency = story.country.agencies["police"]
    decision = one_of(("REFUSED", "REFUSED", "GRANTED", "PARTLY_GRANTED"), noise[4])
    refused = decision == "REFUSED"
    content: Event = {
        "application_id": story.identifier(_APPLICATION),
        "person": story.victim_for(agency, at),
        "decision": decision,
        "ground": one_of(("DANGER", "NO_LEGAL_BASIS") if refused else ("NO_DANGER", "COURT_ORDER"), noise[5]),
        "decided_by": "POLICE",
        "approved_by_ref": f"O-{200 + noise[6] % 20}",
        "categories_released": [] if refused else _CATEGORIES[:1],
        "decided_on": day_text(story.day(story.happened(at, noise))),
    }
    return story.event(step, at, noise, agency, content, purpose="PROTECT")


TELLERS: Mapping[Step, Callable[[Dossier, Step, Moment], tuple[str, Event]]] = {
    s.CONSENTED: _consented,
    s.CONSENT_WITHDRAWN: _withdrawn,
    s.APPLIED: _applied,
    s.APPLICATION_DECIDED: _application_decided,
}
