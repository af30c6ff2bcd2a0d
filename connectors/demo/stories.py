"""A small seeded scenario: invented persons, marked as such, over some weeks in two countries. Pure.

Shares by group and by form follow the detected victims of 2022 in the UNODC GLOTIP portal extract of 2025-04-14
(women 43,200, men 13,073, girls 11,118, boys 6,963; sexual 44,706, forced labour 23,919, other forms 21,908).
Everything else is made up.
"""

import datetime as dt
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random

from connectors.demo.people import Person, accused, suspect, victim

DAYS = 40
Event = dict[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One event that an agency publishes at a moment of the scenario."""

    agency: str
    at: dt.datetime
    event: Event = field(repr=False)


@dataclass(frozen=True, slots=True)
class Country:
    """Who acts in one country."""

    code: str
    prefix: str
    finders: tuple[str, ...]
    prosecutor: str

    def agency(self, kind: str) -> str:
        """Return the agency of *kind*."""
        return f"{self.prefix}-{kind}"


SERBIA = Country("SRB", "rs", ("police", "border-police", "social-service", "labour-inspectorate"), "prosecution")
BULGARIA = Country("BGR", "bg", ("police", "border-police", "consular-service", "labour-inspectorate"), "prosecution")
IDENTIFIES = {
    "police": ("POLICE", "IN_LAND", "LED:8"),
    "border-police": ("BORDER_IMMIGRATION", "BORDER", "LED:8"),
    "social-service": ("SOCIAL_HEALTH", "IN_LAND", "GDPR:6.1.e"),
    "labour-inspectorate": ("LABOUR_INSPECTION", "IN_LAND", "GDPR:6.1.e"),
    "consular-service": ("CONSULAR", "CONSULAR", "GDPR:6.1.e"),
}
FORMS = {
    "SEXUAL": ("SEXUAL_EXPLOITATION", "02041"),
    "FORCED_LABOUR": ("FORCED_LABOUR", "02042"),
    "FORCED_BEGGING": ("FORCED_BEGGING", "02044"),
    "FORCED_CRIMINALITY": ("FORCED_CRIMINALITY", "02044"),
}
FORM_WEIGHTS = (44_706, 23_919, 10_954, 10_954)


class Storyteller:
    """Tells the stories of run *run*; the same seed, run and start give the same events."""

    def __init__(self, *, seed: int, run: int, start: dt.datetime) -> None:
        self._random = Random(f"{seed}/{run}")  # noqa: S311 - a reproducible scenario, not a secret
        self._run = run
        self._start = start
        self._count = 0

    def acts(self, stories: int) -> list[Act]:
        """Return the acts of *stories* life stories and of some controls, in order of time."""
        found: list[Act] = []
        for number in range(stories):
            found += self._story(number)
            if number % 4 == 0:
                found.append(self._control(number))
        return sorted(found, key=lambda act: (act.at, act.agency))

    def _story(self, number: int) -> Iterator[Act]:
        random = self._random
        country = random.choice((SERBIA, BULGARIA))
        finder = random.choice(country.finders)
        at = self._moment(random.uniform(0, DAYS - 15))
        case = f"K-{self._run}-{number}"
        form = random.choices(list(FORMS), FORM_WEIGHTS)[0]
        person = victim(random, f"P-{self._run}-{number}", at.date())
        yield self._identified(country, finder, at, case, person, form)
        at += dt.timedelta(days=random.uniform(0.2, 3))
        yield self._referred(country, finder, at, case, person)
        if random.random() < 0.5:
            at += dt.timedelta(days=random.uniform(0.5, 5))
            wanted = suspect(random, f"S-{self._run}-{number}")
            yield self._investigated(country, at, number, person, wanted, form)
            if random.random() < 0.5:
                at += dt.timedelta(days=random.uniform(0.5, 5))
                yield self._extradited(country, at, number, wanted, form)

    def _identified(self, country: Country, finder: str, at: dt.datetime, case: str, person: Person, form: str) -> Act:
        by, setting, basis = IDENTIFIES[finder]
        content: Event = {
            "person": person,
            "status": "PRESUMED",
            "identified_by": by,
            "setting": setting,
            "entry_date": (at - dt.timedelta(days=self._random.randint(1, 400))).date().isoformat(),
            "acts": self._random.sample(["RECRUITMENT", "TRANSPORTATION", "HARBOURING"], 2),
            "means": [] if person["group"] in ("GIRL", "BOY") else ["DECEPTION"],
            "purposes": [FORMS[form][0]],
            "exploitation_forms": [form],
            "recruiter_relations": [self._random.choice(["FRIEND", "INTIMATE_PARTNER", "OTHER", "UNKNOWN"])],
            "trafficked_before": self._random.choices(["YES", "NO", "NOT_REPORTED"], (1, 5, 4))[0],
            "country_of_exploitation": country.code,
            "narrative": "Invented for the demonstration; no such person exists.",
        }
        return self._act("PersonIdentified", country.agency(finder), at, case, "IDENTIFY", basis, content)

    def _referred(self, country: Country, finder: str, at: dt.datetime, case: str, person: Person) -> Act:
        consents = self._random.random() < 0.85
        content: Event = {
            "referral_id": str(uuid.UUID(int=self._random.getrandbits(128), version=4)),
            "to_agency": country.agency("counselling"),
            "person": person,
            "reason": "ADDITIONAL_SERVICES",
            "services_requested": self._random.sample(["ACCOMMODATION", "LEGAL", "HEALTH", "INTERPRETATION"], 2),
            "urgency": self._random.choice(["IMMEDIATE", "URGENT", "ROUTINE"]),
            "risk_of_reexploitation": self._random.choice(["YES", "NO", "NOT_REPORTED"]),
            "consent_to_referral": "YES" if consents else "NOT_REPORTED",
        }
        return self._act("ReferralOffered", country.agency(finder), at, case, "REFER", "GDPR:6.1.a", content)

    def _investigated(
        self, country: Country, at: dt.datetime, number: int, person: Person, wanted: Person, form: str
    ) -> Act:
        other = BULGARIA if country is SERBIA else SERBIA
        content: Event = {
            "investigation_ref": f"I-{self._run}-{number}",
            "origin": self._random.choice(["PROACTIVE", "REACTIVE"]),
            "financial_investigation": self._random.choice(["YES", "NO"]),
            "joint_with_countries": [other.code],
            "iccs": FORMS[form][1],
            "suspects": [wanted],
            "victims": [person] if self._random.random() < 0.5 else [],
            "countries_involved": [country.code, other.code],
            "organised_group": self._random.choice(["YES", "NO", "NOT_REPORTED"]),
            "opened_on": at.date().isoformat(),
        }
        agency = country.agency(self._random.choice(["police", "prosecution"]))
        return self._act(
            "InvestigationOpened", agency, at, f"KTI-{self._run}-{number}", "INVESTIGATE", "LED:8", content
        )

    def _extradited(self, country: Country, at: dt.datetime, number: int, wanted: Person, form: str) -> Act:
        other = BULGARIA if country is SERBIA else SERBIA
        content: Event = {
            "request_ref": f"E-{self._run}-{number}",
            "instrument": "ECE1957",
            "purpose": "PROSECUTION",
            "requesting_state": country.code,
            "requested_state": other.code,
            "person": accused(wanted),
            "offences": [{"iccs": FORMS[form][1], "max_penalty_months": 96}],
            "deadline_at": _text(at + dt.timedelta(days=60)),
        }
        agency = country.agency("prosecution")
        case = f"DP-{self._run}-{number}"
        return self._act("ExtraditionRequested", agency, at, case, "EXTRADITE_MLA", "LED:8", content)

    def _control(self, number: int) -> Act:
        random = self._random
        country = random.choice((SERBIA, BULGARIA))
        at = self._moment(random.uniform(0, DAYS - 1))
        alone = random.random() < 0.3
        reference = f"F-{self._run}-{number}"
        found = random.randint(3, 40)
        content: Event = {
            "level": "IN_LAND",
            "kind": "LABOUR_INSPECTION",
            "authority": "LABOUR_INSPECTION",
            "tool": "FULL",
            "visited_on": at.date().isoformat(),
            "establishment": {
                "establishment_ref": reference,
                "legal_form": "SOLE_TRADER" if alone else "LEGAL_PERSON",
                "name": f"Invented Building {number}",
                "registration_no": f"INVENTED-{self._run}-{number}",
                "isic_section": random.choice(["A", "C", "F", "I", "T"]),
                "country": country.code,
                "proprietor": suspect(random, f"T-{self._run}-{number}") if alone else None,
            },
            "findings": random.sample(["UNDERPAYMENT", "NO_CONTRACT", "DOCUMENT_RETENTION", "HOUSING_SUBSTANDARD"], 2),
            "indicators": ["ILO07", "ILO08"],
            "workers_found": found,
            "workers_affected": random.randint(0, found),
            "outcome": random.choice(["FINE", "REFERRED_TO_POLICE", "AGREED_TO_COMPLY"]),
        }
        agency = country.agency("labour-inspectorate")
        return self._act("ControlFinding", agency, at, None, "INSPECT", "GDPR:6.1.e", content)

    def _act(
        self, name: str, agency: str, at: dt.datetime, case: str | None, purpose: str, basis: str, content: Event
    ) -> Act:
        self._count += 1
        milliseconds = int(at.timestamp() * 1000)
        value = milliseconds << 80 | 0x7 << 76 | self._random.getrandbits(12) << 64 | 0b10 << 62
        event: Event = {
            "event_type": name,
            "envelope": {
                "event_id": str(uuid.UUID(int=value | self._random.getrandbits(62))),
                "agency": agency,
                "officer_ref": f"O-{self._random.randint(100, 140)}",
                "case_ref": case,
                "occurred_at": _text(at),
                "recorded_at": _text(at + dt.timedelta(minutes=self._random.randint(5, 600))),
                "purpose": purpose,
                "legal_basis": [basis],
                "assertion": "FACT",
                "source_grade": self._random.choice("AAB"),
                "information_grade": self._random.choice("112"),
                "handling": self._random.choices(["H0", "H1", "H3"], (18, 2, 1))[0],
                "tlp": "AMBER",
            },
            **content,
        }
        return Act(agency=agency, at=at + dt.timedelta(hours=10), event=event)

    def _moment(self, days: float) -> dt.datetime:
        moment = self._start + dt.timedelta(days=days)
        return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def _text(moment: dt.datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
