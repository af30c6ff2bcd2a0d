"""Support of a person: services, protection, incidents, and how the person fares a year later."""

from calendar import monthrange
from collections.abc import Callable, Mapping
from datetime import date

from connectors.scenario import steps as s
from connectors.scenario.cast import DECIDES
from connectors.scenario.distributions import branch
from connectors.scenario.dossier import Dossier
from connectors.scenario.draws import below, one_of
from connectors.scenario.referral import referral_of
from connectors.scenario.story import NARRATIVE, Event, Moment, Step, day_text

_SERVICES = ("ACCOMMODATION", "HEALTH", "LEGAL", "SOCIAL_CARE", "EDUCATION", "LIVELIHOOD", "INTERPRETATION")
_FLAGS = ("YES", "NO", "NOT_REPORTED")
_INCIDENTS = ("THREAT", "CONTACT_BY_EXPLOITERS", "STALKING", "IDENTITY_DISCLOSED", "DISCRIMINATION", "MISSING")
_KINDS: Mapping[Step, tuple[str, int]] = {
    s.REFLECTION: ("REFLECTION_PERIOD", 3),
    s.PERMIT: ("RESIDENCE_PERMIT", 6),
    s.WITNESS_PROTECTION: ("WITNESS_PROTECTION", 12),
    s.COMPENSATION: ("COMPENSATION", 0),
}
"""Kind of protection, and for how many months at least."""
_GIVEN_BY: Mapping[Step, str] = {
    s.REFLECTION: "police",
    s.PERMIT: "police",
    s.WITNESS_PROTECTION: "police",
    s.COMPENSATION: "prosecution",
}
_BY_OFFICIAL, _REACHED, _AGAIN = branch("by_official"), branch("reached"), branch("trafficked_again")
_BASES = ("GDPR:6.1.e",)
_SHELTER = ("SAFE_ACCOMMODATION", "RISK_ASSESSMENT", "LEGAL_COUNSELLING", "SAFETY_PLAN")


def _service(story: Dossier, step: Step, at: Moment) -> tuple[str, Event]:
    """Tell of a service that began or was declined; `_ended` tells the same of its end."""
    noise = story.noise(step)
    number = step - s.SERVICE
    begun, ended = story.service_time(number)
    content = _what(story, number, at)
    if story.service_declined(number):
        content["state"] = "DECLINED"
        content["decline_reason"] = one_of(("NOT_NEEDED", "WANTS_TO_WORK", "FEAR", "DISTRUST"), noise[4])
    else:
        content["state"] = "PROVIDED"
        content["provided_from"] = day_text(_first_day(story, number, begun))
        content["planned_until"] = day_text(story.day(ended))
        content["plan"] = NARRATIVE
    return story.event(step, at, noise, story.supporter, content, purpose="PROTECT", bases=_BASES)


def _ended(story: Dossier, step: Step, at: Moment) -> tuple[str, Event]:
    noise = story.noise(step)
    number = step - s.SERVICE_ENDED
    begun, _ = story.service_time(number)
    content = _what(story, number, at) | {
        "state": "ENDED",
        "provided_from": day_text(_first_day(story, number, begun)),
        "provided_until": day_text(story.day(story.happened(at, noise))),
    }
    return story.event(step, at, noise, story.supporter, content, purpose="PROTECT", bases=_BASES)


def _what(story: Dossier, number: int, at: Moment) -> Event:
    first = below(len(_SERVICES), story.noise(s.SERVICE)[5])
    return {
        "referral_id": referral_of(story),
        "person": story.victim_for(story.supporter, at),
        "service": _SERVICES[(first + number) % len(_SERVICES)],
        "voluntary": "YES",
    }


def _first_day(story: Dossier, number: int, begun: Moment) -> int:
    """Return the day on which service *number* began: that on which what is told at *begun* happened."""
    return story.day(story.happened(begun, story.noise(s.SERVICE + number)))


def _protected(story: Dossier, step: Step, at: Moment) -> tuple[str, Event]:
    noise = story.noise(step)
    kind, months = _KINDS[step]
    by = _GIVEN_BY[step]
    agency = story.country.agencies[by]
    day = story.day(story.happened(at, noise))
    content: Event = {
        "person": story.victim_for(agency, at),
        "kind": kind,
        "granted_by": DECIDES[by],
        "granted_from": day_text(day),
        "depends_on_cooperation": "NO",
        "willing_to_testify": one_of(_FLAGS, noise[4]),
    }
    if months:
        months += below(3, noise[5])
        content |= {"granted_months": months, "granted_until": day_text(_months_after(day, months))}
    if step == s.PERMIT:
        content["permit_ground"] = one_of(("PERSONAL_SITUATION", "CO_OPERATION", "BOTH"), noise[6])
    if step == s.COMPENSATION:
        content |= {
            "compensation_payer": one_of(("OFFENDER", "OFFENDER", "STATE_FUND"), noise[6]),
            "compensation_amount": 500 * (1 + below(40, noise[7])),
            "compensation_currency": "EUR",
        }
    return story.event(step, at, noise, agency, content, purpose="PROTECT")


def _months_after(day: int, months: int) -> int:
    """Return the day *months* after *day*, the last of its month where that has fewer days."""
    begin = date.fromordinal(day)
    index = begin.month - 1 + months
    year, month = begin.year + index // 12, index % 12 + 1
    return date(year, month, min(begin.day, monthrange(year, month)[1])).toordinal()


def _sheltered(story: Dossier, step: Step, at: Moment) -> tuple[str, Event]:
    noise = story.noise(step)
    agency = story.supporter
    content: Event = {
        "referral_id": referral_of(story),
        "person": story.victim_for(agency, at),
        "kind": one_of(_SHELTER, noise[4]),
        "granted_by": "SOCIAL_HEALTH" if agency.endswith("social-service") else "NGO",
        "granted_from": day_text(story.day(story.happened(at, noise))),
        "depends_on_cooperation": "NO",
    }
    return story.event(step, at, noise, agency, content, purpose="PROTECT", bases=_BASES)


def _incident(story: Dossier, step: Step, at: Moment) -> tuple[str, Event]:
    noise = story.noise(step)
    kind = one_of(_INCIDENTS, noise[4])
    content: Event = {
        "referral_id": referral_of(story),
        "person": story.victim_for(story.supporter, at),
        "kind": kind,
        "happened_on": day_text(story.day(story.happened(at, noise))),
        "by_official": "YES" if noise[5] < _BY_OFFICIAL else "NO",
        "reported_to_police": one_of(_FLAGS, noise[6]),
        "identity_disclosed": "YES" if kind == "IDENTITY_DISCLOSED" else "NO",
        "measures_taken": [one_of(("SAFETY_PLAN", "SAFE_ACCOMMODATION", "RISK_ASSESSMENT"), noise[7])],
        "narrative": NARRATIVE,
    }
    return story.event(step, at, noise, story.supporter, content, purpose="PROTECT", bases=_BASES)


def _followed_up(story: Dossier, step: Step, at: Moment) -> tuple[str, Event]:
    noise = story.noise(step)
    day = story.day(story.happened(at, noise))
    reached = noise[4] < _REACHED
    begun = _first_day(story, 0, story.service_time(0)[0])
    content: Event = {
        "referral_id": referral_of(story),
        "person": story.victim_for(story.supporter, at),
        "asked_on": day_text(day),
        "months_since_reintegration": (day - begun) * 12 // 365,
        "reached": "YES" if reached else "NO",
    }
    if reached:
        for place, name in enumerate(("has_job", "has_social_network", "in_education", "stable_housing"), 5):
            content[name] = one_of(_FLAGS, noise[place])
        content["trafficked_again"] = "YES" if noise[9] < _AGAIN else "NO"
    return story.event(step, at, noise, story.supporter, content, purpose="PROTECT", bases=_BASES)


TELLERS: Mapping[Step, Callable[[Dossier, Step, Moment], tuple[str, Event]]] = {
    **{s.SERVICE + number: _service for number in range(s.SERVICES_MAX)},
    **{s.SERVICE_ENDED + number: _ended for number in range(s.SERVICES_MAX)},
    s.REFLECTION: _protected,
    s.PERMIT: _protected,
    s.WITNESS_PROTECTION: _protected,
    s.COMPENSATION: _protected,
    s.SHELTER: _sheltered,
    s.INCIDENT: _incident,
    s.FOLLOWED_UP: _followed_up,
}
