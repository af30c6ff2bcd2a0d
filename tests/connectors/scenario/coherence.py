"""What makes the stories of a scenario coherent, checked over the acts as anybody receives them."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, cast

from connectors.scenario.stream import Act
from tests.publishing import people

Event = Mapping[str, Any]
STATES = {"rs": "SRB", "bg": "BGR"}


def incoherent(acts: Iterable[Act]) -> list[str]:
    """Return what does not fit together in *acts*, in order of time from the beginning on; nothing when sound."""
    stories: dict[int, list[Act]] = {}
    found: list[str] = []
    for act in acts:
        earlier = stories.setdefault(act.story, [])
        if act.repeated:
            if act.event not in [each.event for each in earlier]:
                found.append(f"{kind(act)} is repeated before it was told, or with other content")
            continue
        found += [f"{kind(act)}: {what}" for what in _broken(act, earlier)]
        earlier.append(act)
    for acts_of_one in stories.values():
        found += _persons_differ(acts_of_one)
    return found


def kind(act: Act) -> str:
    """Return the event type of *act*."""
    return str(act.event["event_type"])


def envelope(act: Act) -> Event:
    """Return the envelope of *act*."""
    return cast("Event", act.event["envelope"])


class Told:
    """What a story has told before an act."""

    def __init__(self, acts: list[Act]) -> None:
        self._acts = acts

    def by(self, name: str, **wanted: object) -> list[str]:
        """Return the agencies that told events of the type *name* with the values *wanted*."""
        return [act.agency for act in self._acts if kind(act) == name and wanted.items() <= act.event.items()]

    def ids(self, name: str, agency: str | None = None) -> set[str]:
        """Return the ids of the events of the type *name*, those of *agency* alone when it is given."""
        acts = (act for act in self._acts if kind(act) == name and agency in (None, act.agency))
        return {str(envelope(act)["event_id"]) for act in acts}


Rule = Callable[[Act, Any, Told], Iterable[tuple[bool, str]]]
"""Gives for an act, its event and what was told: whether something is wrong, and what."""


def _broken(act: Act, earlier: list[Act]) -> Iterator[str]:
    told = Told(earlier)
    corrects = envelope(act).get("corrects")
    if corrects is not None and corrects not in told.ids(kind(act), act.agency):
        yield "corrects what the same agency has not told"
    rule = RULES.get(kind(act))
    if rule is not None:
        yield from (what for wrong, what in rule(act, act.event, told) if wrong)


def _answered(act: Act, event: Any, told: Told) -> Iterable[tuple[bool, str]]:
    offers = told.by("ReferralOffered", referral_id=event["referral_id"], to_agency=act.agency)
    yield offers != [event["to_agency"]], "answers what was not offered to this agency by that one"


def _under_referral(act: Act, event: Any, told: Told) -> Iterable[tuple[bool, str]]:
    referral = event.get("referral_id")
    if referral is not None:
        answers = told.by("ReferralAnswered", referral_id=referral, answer="ACCEPTED")
        yield answers != [act.agency], "comes from an agency that has not accepted the person"
        yield bool(told.by("ReferralRevoked", referral_id=referral)), "comes after the referral was taken back"
        yield bool(told.by("ReferralClosed", referral_id=referral)), "comes after the support ended"


def _revoked(act: Act, event: Any, told: Told) -> Iterable[tuple[bool, str]]:
    offers = told.by("ReferralOffered", referral_id=event["referral_id"], to_agency=event["to_agency"])
    yield offers != [act.agency], "takes back what this agency did not offer"


def _service(act: Act, event: Any, told: Told) -> Iterable[tuple[bool, str]]:
    yield from _under_referral(act, event, told)
    if event["state"] == "ENDED":
        same = {"service": event["service"], "provided_from": event["provided_from"], "state": "PROVIDED"}
        yield told.by("ServiceProvided", **same) != [act.agency], "ends a service that did not begin on that day"


def _surrender_decided(act: Act, event: Any, told: Told) -> Iterable[tuple[bool, str]]:
    asked = told.by("ExtraditionRequested", request_id=event["request_id"], requested_state=_state(act))
    yield not asked, "is not by the state that was asked"


def _assistance_answered(act: Act, event: Any, told: Told) -> Iterable[tuple[bool, str]]:
    asked = told.by("LegalAssistanceRequested", request_id=event["request_id"], requested_state=_state(act))
    yield not asked, "is not by the state that was asked"


def _asked(act: Act, event: Any, told: Told) -> Iterable[tuple[bool, str]]:
    yield event["requesting_state"] != _state(act), "asks in the name of another state"
    yield not told.by("InvestigationOpened"), "asks without an investigation"


def _surrendered(act: Act, event: Any, told: Told) -> Iterable[tuple[bool, str]]:
    same = {"request_id": event["request_id"], "requested_state": _state(act), "decision": "GRANTED"}
    yield not told.by("ExtraditionDecided", **same), "surrenders without a decision that grants it"


def _arrested(act: Act, event: Any, told: Told) -> Iterable[tuple[bool, str]]:
    yield not told.by("InvestigationOpened"), "arrests before there is an investigation"
    if "request_id" in event:
        asked = told.by("ExtraditionRequested", request_id=event["request_id"], requested_state=_state(act))
        yield not asked, "arrests upon a request that was not made"


def _charged(_act: Act, _event: Any, told: Told) -> Iterable[tuple[bool, str]]:
    yield not told.by("SuspectArrested"), "charges before an arrest"
    decided = bool(told.by("ExtraditionDecided"))
    yield decided and not told.by("PersonSurrendered"), "charges who was not surrendered"


def _judged(act: Act, event: Any, told: Told) -> Iterable[tuple[bool, str]]:
    charged = told.by("ProsecutionOpened", prosecution_ref=event["prosecution_ref"])
    yield charged != [act.agency], "judges what was not charged"


def _closed(act: Act, event: Any, told: Told) -> Iterable[tuple[bool, str]]:
    opened = told.by("InvestigationOpened", investigation_ref=event["investigation_ref"])
    yield opened != [act.agency], "closes what this agency did not open"
    yield bool(told.by("VerdictDelivered")) != (event["reason"] == "PROSECUTED"), "gives a reason that is not so"


def _withdrawn(act: Act, event: Any, told: Told) -> Iterable[tuple[bool, str]]:
    given = told.by("ConsentGiven", consent_id=event["consent_id"])
    yield given != [act.agency], "takes back what this agency was not given"


def _application_decided(act: Act, event: Any, told: Told) -> Iterable[tuple[bool, str]]:
    received = told.by("ApplicationReceived", application_id=event["application_id"])
    yield received != [act.agency], "decides on what was not received"


def _decided(_act: Act, event: Any, told: Told) -> Iterable[tuple[bool, str]]:
    yield event["identification_event_id"] not in told.ids("PersonIdentified"), "decides on what was not told"


def _licence(_act: Act, event: Any, told: Told) -> Iterable[tuple[bool, str]]:
    control = event.get("control_event_id")
    yield bool(control) and control not in told.ids("ControlFinding"), "rests on a control that did not take place"


RULES: Mapping[str, Rule] = {
    "ApplicationDecided": _application_decided,
    "ConsentWithdrawn": _withdrawn,
    "ExtraditionDecided": _surrender_decided,
    "ExtraditionRequested": _asked,
    "FollowUpRecorded": _under_referral,
    "IdentificationDecided": _decided,
    "IncidentReported": _under_referral,
    "InvestigationClosed": _closed,
    "LegalAssistanceAnswered": _assistance_answered,
    "LegalAssistanceRequested": _asked,
    "LicenceDecided": _licence,
    "PersonSurrendered": _surrendered,
    "ProsecutionOpened": _charged,
    "ProtectionGranted": _under_referral,
    "ReferralAnswered": _answered,
    "ReferralClosed": _under_referral,
    "ReferralRevoked": _revoked,
    "ServiceProvided": _service,
    "SuspectArrested": _arrested,
    "VerdictDelivered": _judged,
}


def _state(act: Act) -> str:
    return STATES[act.agency[:2]]


def _persons_differ(acts: list[Act]) -> Iterator[str]:
    """Yield who is not the same person to everybody: by name, and by the reference of an agency."""
    by_name: dict[str, set[tuple[object, ...]]] = {}
    by_reference: dict[tuple[str, str], set[str]] = {}
    for act in acts:
        for person in people(act.event):
            who = (person.get("date_of_birth"), *person["citizenships"], person["restricted"])
            by_name.setdefault(person["full_name"], set()).add(who)
            by_reference.setdefault((act.agency, person["person_ref"]), set()).add(person["full_name"])
    if any(len(each) > 1 for each in by_name.values()):
        yield "a person changes birth, citizenship or protection"
    if any(len(each) > 1 for each in by_reference.values()):
        yield "a reference stands for two persons"
