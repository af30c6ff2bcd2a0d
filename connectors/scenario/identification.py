"""How a person is identified: presumed, put right, reported again by another agency, decided on; after a control."""

from collections.abc import Callable, Mapping

from connectors.scenario import steps as s
from connectors.scenario.cast import DECIDES
from connectors.scenario.distributions import rates, shares
from connectors.scenario.dossier import Dossier
from connectors.scenario.draws import Draws, below, one_of, two_of
from connectors.scenario.establishments import establishment
from connectors.scenario.people import Person
from connectors.scenario.story import NARRATIVE, SUBJECT_LANE, Event, Moment, Step, day_text

_ACTS, _MEANS, _CONTROL = rates("acts"), rates("means"), rates("means_of_control")
_RELATIONS, _PAID = shares("recruiter_relations"), shares("paid_recruiter")
_SECTORS, _SEXUAL = shares("labour_sectors"), shares("sexual_forms")
_PLACES = {code: shares(f"exploited_in.{code}") for code in ("SRB", "BGR")}
PURPOSES: Mapping[str, str] = {
    "SEXUAL": "SEXUAL_EXPLOITATION",
    "FORCED_LABOUR": "FORCED_LABOUR",
    "FORCED_BEGGING": "FORCED_BEGGING",
    "FORCED_CRIMINALITY": "FORCED_CRIMINALITY",
    "FORCED_MARRIAGE": "FORCED_MARRIAGE",
    "SLAVERY_LIKE": "SLAVERY",
}
"""The purpose of the Palermo definition behind each form of exploitation."""
_FLAGS = ("YES", "NO", "NO", "NOT_REPORTED")
_METHODS = ("ThroughOnlineSocialNetworks", "ThroughAnOnlineAdvertisement", "ThroughFriendsOrSocialEvents", "Other")
_SETTINGS = {"border-police": "BORDER", "consular-service": "CONSULAR"}
_SIGNS = tuple(f"ILO{number:02}" for number in range(1, 12))
_EXPLOITATION_LANE = 16


def palermo(story: Dossier, *, child: bool) -> Event:
    """Return act, means and purpose as all agencies come to know them; of a child no means are asked."""
    drawn = story.draws(_EXPLOITATION_LANE)
    return {
        "acts": _ACTS.pick(drawn) or ["RECRUITMENT"],
        "means": [] if child else _MEANS.pick(drawn, 4) or ["ABUSE_OF_VULNERABILITY"],
        "purposes": [PURPOSES[story.form]],
    }


def relation(story: Dossier) -> str:
    """Return how the recruiter stood to the person."""
    return _RELATIONS.pick(story.draws(SUBJECT_LANE)[16])


def _controlled(story: Dossier, step: Step, at: Moment) -> tuple[str, Event]:
    noise = story.noise(step)
    agency = story.country.agencies["labour-inspectorate"]
    visited = story.day(story.happened(at, noise))
    group = story.person().group(visited)
    found = 3 + below(40, noise[4])
    content: Event = {
        "level": "IN_LAND",
        "kind": "LABOUR_INSPECTION",
        "authority": "LABOUR_INSPECTION",
        "tool": "FULL",
        "visited_on": day_text(visited),
        "establishment": establishment(story, story.country.code, agency, visited),
        "findings": two_of(("DOCUMENT_RETENTION", "RESTRICTED_MOVEMENT", "UNDERPAYMENT"), noise[5], noise[6]),
        "indicators": two_of(_SIGNS, noise[7], noise[8]),
        "identification_event_id": story.event_id(s.IDENTIFIED, story.found),
        "workers_found": found,
        "workers_affected": 1 + below(found, noise[9]),
        f"{_PLURALS[group]}_victims_found": 1,
        "outcome": "REFERRED_TO_IDENTIFICATION",
    }
    return story.event(step, at, noise, agency, content, purpose="INSPECT", source="INSPECTION")


_PLURALS = {"WOMAN": "women", "MAN": "men", "GIRL": "girls", "BOY": "boys"}


def _identified(story: Dossier, step: Step, at: Moment) -> tuple[str, Event]:
    agency = story.country.agencies[story.finder]
    return _report(story, step, at, agency, story.finder)


def _corrected(story: Dossier, step: Step, at: Moment) -> tuple[str, Event]:
    agency = story.country.agencies[story.finder]
    corrects = story.event_id(s.IDENTIFIED, story.found)
    return _report(story, step, at, agency, story.finder, corrects=corrects)


def _identified_again(story: Dossier, step: Step, at: Moment) -> tuple[str, Event]:
    """Another agency meets the same person, and does not know that the first one did."""
    kind = "counselling" if story.number % 2 or story.finder == "border-police" else "border-police"
    return _report(story, step, at, story.country.agencies[kind], kind)


def _report(
    story: Dossier, step: Step, at: Moment, agency: str, kind: str, *, corrects: str | None = None
) -> tuple[str, Event]:
    noise = story.noise(step)
    day = story.day(story.happened(at, noise))
    person = story.person()
    known = person.as_known_to(story.reference(agency, "V"), "PRESUMED_VICTIM", day)
    known["identity_documents"] = person.documents()
    content: Event = {
        "person": known,
        "status": "PRESUMED",
        "self_identified": one_of(_FLAGS, noise[4]),
        "identified_by": DECIDES[kind],
        "setting": _SETTINGS.get(kind, "IN_LAND"),
        "migration_status": _stay(story, person, noise[5]),
        "majority_at_exploitation": "MINOR" if person.is_child(day) else "ADULT",
        "entry_date": day_text(story.day(story.begins) - 1 - below(400, story.draws(SUBJECT_LANE)[17])),
        **palermo(story, child=person.is_child(day)),
        **_exploitation(story),
        "trafficked_before": one_of(_FLAGS, noise[6]),
        "other_victims_suspected": one_of(_FLAGS, noise[7]),
        "indicators": two_of(_SIGNS, noise[8], noise[9]),
        "narrative": NARRATIVE,
    }
    bases = ("GDPR:6.1.e",) if kind == "counselling" else None
    source = "BORDER" if kind == "border-police" else "CASE_MANAGEMENT"
    return story.event(
        step, at, noise, agency, content, purpose="IDENTIFY", bases=bases, source=source, corrects=corrects
    )


def _exploitation(story: Dossier) -> Event:
    """Return how the person was recruited, controlled and exploited: the same to all who report it."""
    drawn: Draws = story.draws(_EXPLOITATION_LANE)
    found: Event = {
        "exploitation_forms": [story.form],
        "means_of_control": _CONTROL.pick(drawn, 8),
        "recruitment_methods": [one_of(_METHODS, drawn[24])],
        "recruiter_relations": [relation(story)],
        "paid_recruiter": _PAID.pick(drawn[25]),
        "country_of_exploitation": story.country.code if story.foreign else _PLACES[story.country.code].pick(drawn[26]),
    }
    if story.form == "FORCED_LABOUR":
        found["labour_sectors"] = [_SECTORS.pick(drawn[27])]
    elif story.form == "SEXUAL":
        found["sexual_forms"] = [_SEXUAL.pick(drawn[27])]
    return found


def _stay(story: Dossier, person: Person, draw: int) -> str:
    if person.citizenship == story.country.code:
        return "NATIONAL"
    return one_of(("VISITOR", "LABOUR", "IRREGULAR", "UNKNOWN"), draw)


def _decided(story: Dossier, step: Step, at: Moment) -> tuple[str, Event]:
    noise = story.noise(step)
    kind = one_of(("police", "prosecution"), noise[4])
    agency = story.country.agencies[kind]
    day = story.day(story.happened(at, noise))
    decision = story.decision or "CLOSED_WITHOUT_DECISION"
    content: Event = {
        "person": story.victim_for(agency, at - 1),
        "identification_event_id": story.event_id(s.IDENTIFIED, story.found),
        "decision": decision,
        "decided_by": DECIDES[kind],
        "decided_on": day_text(day),
    }
    if decision == "CONFIRMED":
        content |= palermo(story, child=story.person().is_child(day))
        content["exploitation_forms"] = [story.form]
    else:
        content["ground"] = one_of(("ELEMENTS_MISSING", "INSUFFICIENT_INFORMATION", "UNTRACEABLE"), noise[5])
    return story.event(step, at, noise, agency, content, purpose="IDENTIFY")


TELLERS: Mapping[Step, Callable[[Dossier, Step, Moment], tuple[str, Event]]] = {
    s.CONTROLLED: _controlled,
    s.IDENTIFIED: _identified,
    s.CORRECTED: _corrected,
    s.IDENTIFIED_AGAIN: _identified_again,
    s.DECIDED: _decided,
}
