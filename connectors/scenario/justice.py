"""How justice takes its course: investigation, arrest, prosecution, verdict, end."""

from collections.abc import Callable, Mapping

from connectors.scenario import steps as s
from connectors.scenario.cast import OTHER
from connectors.scenario.distributions import branch, rates, shares, tenths
from connectors.scenario.dossier import Dossier
from connectors.scenario.draws import below, one_of
from connectors.scenario.identification import palermo, relation
from connectors.scenario.story import DETAIL_LANE, NARRATIVE, Event, Moment, Step, day_text

_ROLES = rates("perpetrator_roles")
_CONVICTED, _FREE = shares("verdicts.convicted"), shares("verdicts.free")
_MONTHS = tenths("sentence_months")
_SUSPENDED, _SEIZED, _JOINT = branch("suspended"), branch("seized"), branch("joint_team")
_ICCS = {"SEXUAL": "02041", "FORCED_LABOUR": "02042"}
_FLAGS = ("YES", "NO", "NOT_REPORTED")
_SOURCE = "CRIMINAL_FILE"
OFFENCES: Mapping[str, str] = {"SRB": "Criminal Code art. 388", "BGR": "Criminal Code art. 159a"}
SURRENDER = 4
"""Which identifier of the story is that of the request for extradition."""


def iccs_of(story: Dossier) -> str:
    """Return the statistical class of the offence."""
    return _ICCS.get(story.form, "02044")


def suspect_for(story: Dossier, agency: str, at: Moment, role: str, *, accomplice: bool = False) -> Event:
    """Return the suspect, or the accomplice, as *agency* knows her or him at *at*."""
    person = story.suspect(accomplice=accomplice)
    found = person.as_known_to(story.reference(agency, "B" if accomplice else "A"), role, story.day(at))
    found["aliases"] = [person.alias()]
    found["perpetrator_roles"] = ["TRANSPORTER"] if accomplice else _roles(story)
    found["relation_to_victim"] = ["UNKNOWN" if accomplice else relation(story)]
    return found


def _roles(story: Dossier) -> list[str]:
    return _ROLES.pick(story.draws(DETAIL_LANE), 15) or ["RECRUITER"]


def _suspects(story: Dossier, agency: str, at: Moment, role: str) -> list[Event]:
    found = [suspect_for(story, agency, at, role)]
    if story.has_accomplice:
        found.append(suspect_for(story, agency, at, "SUSPECT", accomplice=True))
    return found


def _investigated(story: Dossier, step: Step, at: Moment) -> tuple[str, Event]:
    noise = story.noise(step)
    agency = story.country.agencies[story.investigator]
    country, other = story.country.code, OTHER[story.country.code].code
    abroad = story.transnational
    day = story.day(story.happened(at, noise))
    person = story.person()
    victims = [story.victim_for(agency, at)] if noise[4] & 1 else []
    content: Event = {
        "investigation_ref": story.reference(agency, "I"),
        "origin": "PROACTIVE" if noise[5] & 1 else "REACTIVE",
        "trigger": "PROACTIVE" if noise[5] & 1 else one_of(("VICTIM", "NGO", "INSPECTION"), noise[6]),
        "financial_investigation": one_of(_FLAGS, noise[7]),
        "special_means_used": one_of(_FLAGS, noise[8]),
        "joint_team": "YES" if abroad and noise[9] < _JOINT else "NO",
        "joint_with_countries": [other] if abroad and noise[9] < _JOINT else [],
        "iccs": iccs_of(story),
        "offences": [OFFENCES[country]],
        **palermo(story, child=person.is_child(day)),
        "exploitation_forms": [story.form],
        "scope": "TRANSNATIONAL" if abroad else "INTERNAL",
        "suspects": _suspects(story, agency, at, "SUSPECT"),
        "victims": victims,
        "victims_count": 1,
        "victims_minor": 1 if person.is_child(day) else 0,
        "countries_involved": [country, other] if abroad else [country],
        "organised_group": one_of(_FLAGS, noise[10]),
        "opened_on": day_text(day),
    }
    return story.event(step, at, noise, agency, content, purpose="INVESTIGATE", case="I", source=_SOURCE)


def _arrested(story: Dossier, step: Step, at: Moment) -> tuple[str, Event]:
    """Tell of an arrest: at home by who investigates, abroad by the police that were asked."""
    noise = story.noise(step)
    country = OTHER[story.country.code] if story.surrender else story.country
    kind = story.investigator if story.investigator != "prosecution" and not story.surrender else "police"
    agency = country.agencies[kind]
    content: Event = {
        "person": suspect_for(story, agency, at, "SUSPECT"),
        "arrested_on": day_text(story.day(story.happened(at, noise))),
        "setting": "BORDER" if kind == "border-police" else "IN_LAND",
        "country_of_arrest": country.code,
        "iccs": iccs_of(story),
        "offences": [OFFENCES[story.country.code]],
        "in_custody": one_of(("YES", "YES", "NO"), noise[4]),
        "narrative": NARRATIVE,
    }
    if story.surrender:
        content |= {
            "request_id": story.identifier(SURRENDER),
            "ground": one_of(("RED_NOTICE", "PROVISIONAL"), noise[5]),
        }
    else:
        content["ground"] = one_of(("NATIONAL_WARRANT", "IN_THE_ACT"), noise[5])
        if kind == story.investigator:
            content["investigation_ref"] = story.reference(agency, "I")
    return story.event(step, at, noise, agency, content, purpose="INVESTIGATE", case="I", source=_SOURCE)


def _prosecuted(story: Dossier, step: Step, at: Moment) -> tuple[str, Event]:
    noise = story.noise(step)
    agency = story.country.agencies["prosecution"]
    content: Event = {
        "prosecution_ref": story.reference(agency, "C"),
        "accused": [suspect_for(story, agency, at, "ACCUSED")],
        "victims": [story.victim_for(agency, at)],
        "opened_on": day_text(story.day(story.happened(at, noise))),
        "iccs": iccs_of(story),
        "offences": [OFFENCES[story.country.code]],
        "on_trafficking": one_of(("YES", "YES", "NO"), noise[4]),
        "organised_group": one_of(_FLAGS, noise[5]),
        "rests_on_testimony": one_of(_FLAGS, noise[6]),
        "witnesses_protected": one_of(_FLAGS, noise[7]),
        "joint_with_countries": [OTHER[story.country.code].code] if story.transnational else [],
    }
    return story.event(step, at, noise, agency, content, purpose="PROSECUTE", case="C", source=_SOURCE)


def _judged(story: Dossier, step: Step, at: Moment) -> tuple[str, Event]:
    noise = story.noise(step)
    agency = story.country.agencies["prosecution"]
    day = story.day(story.happened(at, noise))
    child = story.person().is_child(day)
    convicted = story.convicted
    content: Event = {
        "prosecution_ref": story.reference(agency, "C"),
        "person": suspect_for(story, agency, at, "CONVICTED" if convicted else "ACCUSED"),
        "verdict": (_CONVICTED if convicted else _FREE).pick(noise[4]),
        "delivered_on": day_text(day),
        "instance": "FIRST",
        "iccs": iccs_of(story),
        "on_trafficking": one_of(("YES", "YES", "NO"), noise[5]),
        **palermo(story, child=child),
        "scope": "TRANSNATIONAL" if story.transnational else "INTERNAL",
        "sentence_months": _MONTHS[below(10, noise[6])] if convicted else 0,
        "victims_count": 1,
        "victims_minor": 1 if child else 0,
    }
    if convicted:
        content["sentence_suspended"] = "YES" if noise[7] < _SUSPENDED else "NO"
        content["compensation_ordered"] = "YES" if story.has(s.COMPENSATION) else "NO"
    return story.event(step, at, noise, agency, content, purpose="PROSECUTE", case="C", source=_SOURCE)


def _case_closed(story: Dossier, step: Step, at: Moment) -> tuple[str, Event]:
    noise = story.noise(step)
    agency = story.country.agencies[story.investigator]
    prosecuted = story.has(s.PROSECUTED)
    role = "CONVICTED" if prosecuted and story.convicted else "ACCUSED" if prosecuted else "SUSPECT"
    content: Event = {
        "investigation_ref": story.reference(agency, "I"),
        "reason": "PROSECUTED" if prosecuted else "INSUFFICIENT_EVIDENCE",
        "closed_on": day_text(story.day(story.happened(at, noise))),
        "without_testimony": one_of(_FLAGS, noise[4]),
        "suspects": _suspects(story, agency, at, role),
    }
    if not prosecuted and story.surrender == "PROSECUTED_INSTEAD":
        content |= {"reason": "TRANSFERRED", "transferred_to_country": OTHER[story.country.code].code}
    if prosecuted and noise[5] < _SEIZED:
        content |= {"seized_amount": 1_000 * (1 + below(90, noise[6])), "seized_currency": "EUR"}
    return story.event(step, at, noise, agency, content, purpose="INVESTIGATE", case="I", source=_SOURCE)


TELLERS: Mapping[Step, Callable[[Dossier, Step, Moment], tuple[str, Event]]] = {
    s.INVESTIGATED: _investigated,
    s.ARRESTED: _arrested,
    s.PROSECUTED: _prosecuted,
    s.JUDGED: _judged,
    s.CASE_CLOSED: _case_closed,
}
