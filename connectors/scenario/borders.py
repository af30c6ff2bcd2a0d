"""What one state asks of the other: extradition, and legal assistance."""

from collections.abc import Callable, Mapping

from connectors.scenario import steps as s
from connectors.scenario.cast import OTHER
from connectors.scenario.distributions import shares
from connectors.scenario.dossier import Dossier
from connectors.scenario.draws import below, one_of, two_of
from connectors.scenario.justice import OFFENCES, SURRENDER, iccs_of, suspect_for
from connectors.scenario.story import NARRATIVE, Event, Moment, Step, day_text, moment_text

_ASSISTANCE = 5
_ANSWERS = shares("assistance_answers")
_SIXTY_DAYS = 60 * 86_400_000
_MEASURES = ("HEARING", "DOCUMENTS", "BANK_DATA", "SEARCH_SEIZURE", "IDENTIFICATION")
_REFUSALS = ("NATIONALITY", "DUAL_CRIMINALITY", "DETENTION_CONDITIONS", "STATUTE_OF_LIMITATION")
_SOURCE = "CRIMINAL_FILE"


def _states(story: Dossier, which: int) -> Event:
    return {
        "request_id": story.identifier(which),
        "requesting_state": story.country.code,
        "requested_state": OTHER[story.country.code].code,
    }


def _asks(story: Dossier, draw: int) -> str:
    return story.country.agencies[one_of(("justice", "justice", "prosecution"), draw)]


def _surrender_asked(story: Dossier, step: Step, at: Moment) -> tuple[str, Event]:
    noise = story.noise(step)
    agency = _asks(story, noise[4])
    content: Event = {
        **_states(story, SURRENDER),
        "request_ref": story.reference(agency, "X"),
        "instrument": "ECE1957",
        "purpose": "PROSECUTION",
        "person": suspect_for(story, agency, at, "ACCUSED"),
        "offences": [
            {
                "iccs": iccs_of(story),
                "national_law": OFFENCES[story.country.code],
                "max_penalty_months": 60 + 12 * below(8, noise[5]),
            }
        ],
        "underlying_decision": "ARREST_WARRANT",
        "deadline_at": moment_text(story.setting, at + _SIXTY_DAYS),
        "victims_linked_count": 1,
        "property_seizure": one_of(("YES", "NO", "NOT_REPORTED"), noise[6]),
    }
    return story.event(step, at, noise, agency, content, purpose="EXTRADITE_MLA", case="X", source=_SOURCE)


def _surrender_decided(story: Dossier, step: Step, at: Moment) -> tuple[str, Event]:
    noise = story.noise(step)
    agency = OTHER[story.country.code].agencies[one_of(("justice", "justice", "prosecution"), noise[4])]
    decision = story.surrender or "POSTPONED"
    content: Event = {
        **_states(story, SURRENDER),
        "request_ref": story.reference(agency, "X"),
        "person": suspect_for(story, agency, at, "ACCUSED"),
        "decision": decision,
        "decided_on": day_text(story.day(story.happened(at, noise))),
        "person_consented": one_of(("YES", "NO", "NO"), noise[5]),
        "speciality_renounced": "NO",
    }
    if decision == "REFUSED":
        content["ground"] = one_of(_REFUSALS, noise[6])
    return story.event(step, at, noise, agency, content, purpose="EXTRADITE_MLA", case="X", source=_SOURCE)


def _surrendered(story: Dossier, step: Step, at: Moment) -> tuple[str, Event]:
    noise = story.noise(step)
    agency = OTHER[story.country.code].agencies[one_of(("police", "border-police", "justice"), noise[4])]
    content: Event = {
        **_states(story, SURRENDER),
        "person": suspect_for(story, agency, at, "ACCUSED"),
        "surrendered_on": day_text(story.day(story.happened(at, noise))),
        "temporary": "NO",
        "property_handed_over": one_of(("YES", "NO", "NO"), noise[5]),
        "custody_days": 1 + below(80, noise[6]),
    }
    return story.event(step, at, noise, agency, content, purpose="EXTRADITE_MLA", case="X", source=_SOURCE)


def _assistance_asked(story: Dossier, step: Step, at: Moment) -> tuple[str, Event]:
    noise = story.noise(step)
    agency = _asks(story, noise[4])
    content: Event = {
        **_states(story, _ASSISTANCE),
        "request_ref": story.reference(agency, "M"),
        "instrument": "ECMA1959",
        "measures": _measures(story),
        "persons": [suspect_for(story, agency, at, "SUSPECT")],
        "iccs": iccs_of(story),
        "offences": [OFFENCES[story.country.code]],
        "urgency": one_of(("URGENT", "ROUTINE"), noise[5]),
        "answer_due_at": moment_text(story.setting, at + _SIXTY_DAYS),
        "narrative": NARRATIVE,
    }
    return story.event(step, at, noise, agency, content, purpose="EXTRADITE_MLA", case="M", source=_SOURCE)


def _measures(story: Dossier) -> list[str]:
    """Return what is asked for, the same to who asks and who answers."""
    asked = story.noise(s.ASSISTANCE_ASKED)
    return two_of(_MEASURES, asked[6], asked[7])


def _assistance_answered(story: Dossier, step: Step, at: Moment) -> tuple[str, Event]:
    noise = story.noise(step)
    agency = OTHER[story.country.code].agencies[one_of(("justice", "prosecution", "police"), noise[4])]
    answer = _ANSWERS.pick(noise[5])
    executed = {"EXECUTED": 2, "PARTLY_EXECUTED": 1}.get(answer, 0)
    content: Event = {
        **_states(story, _ASSISTANCE),
        "request_ref": story.reference(agency, "M"),
        "answer": answer,
        "measures_executed": _measures(story)[:executed],
        "answered_on": day_text(story.day(story.happened(at, noise))),
        "persons": [suspect_for(story, agency, at, "SUSPECT")] if executed else [],
        "narrative": NARRATIVE,
    }
    if answer == "REFUSED":
        content["ground"] = one_of(("FORM", "DATA_PROTECTION", "DUAL_CRIMINALITY"), noise[6])
    return story.event(step, at, noise, agency, content, purpose="EXTRADITE_MLA", case="M", source=_SOURCE)


TELLERS: Mapping[Step, Callable[[Dossier, Step, Moment], tuple[str, Event]]] = {
    s.SURRENDER_ASKED: _surrender_asked,
    s.SURRENDER_DECIDED: _surrender_decided,
    s.SURRENDERED: _surrendered,
    s.ASSISTANCE_ASKED: _assistance_asked,
    s.ASSISTANCE_ANSWERED: _assistance_answered,
}
