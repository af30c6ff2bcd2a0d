"""Stories about enterprises: a control with what follows, a licence, the sums of a quarter."""

from datetime import date, timedelta
from typing import ClassVar

from connectors.scenario.cast import COUNTRIES, Country
from connectors.scenario.distributions import after, branch, shares, tenths, wait
from connectors.scenario.draws import Draws, below, one_of, two_of
from connectors.scenario.establishments import establishment
from connectors.scenario.story import Event, Moment, Plan, Setting, Step, Story, day_text

_COUNTRIES = shares("countries")
_CONTROLLERS = {code: shares(f"controllers.{code}") for code in COUNTRIES}
_DEBARMENTS = shares("debarment_months")
_VIOLATIONS, _WORKERS = tenths("violations"), tenths("workers_affected")
_BACK_WAGES, _CONTROLLED = tenths("back_wages"), tenths("enterprises")
_CLEAN, _AGAIN, _LICENCE = branch("clean_control"), branch("control_again"), branch("licence_taken")
_SUSPICION, _CODE = branch("suspicion"), branch("code_of_conduct")
_FINDINGS = ("UNDERPAYMENT", "NO_CONTRACT", "UNDECLARED_WORK", "DOCUMENT_RETENTION", "HOUSING_SUBSTANDARD")
_SIGNS = tuple(f"ILO{number:02}" for number in range(1, 12))
_LEVELS = {
    "labour-inspectorate": ("IN_LAND", "LABOUR_INSPECTION", "LABOUR_INSPECTION"),
    "police": ("IN_LAND", "INTERNET", "IMMIGRATION"),
    "border-police": ("BORDER", "BORDER_CHECK", "BORDER"),
    "consular-service": ("PRE_BORDER", "VISA", "IMMIGRATION"),
}
"""Level and kind of the controls of each kind of agency, and as which authority it controls."""
_SECTORS = ("EMPLOYMENT", "TOURIST", "AU_PAIR", "MODELLING", "CONSTRUCTION", "TRANSPORT", "HOSPITALITY")


class Controlled(Story):
    """A story that belongs to one country and one kind of controlling agency."""

    __slots__ = ("country", "kind")

    def __init__(self, setting: Setting, number: int, begins: Moment) -> None:
        super().__init__(setting, number, begins)
        self.country: Country = COUNTRIES[_COUNTRIES.pick(self.branch[0])]
        self.kind = _CONTROLLERS[self.country.code].pick(self.branch[1])

    @property
    def agency(self) -> str:
        """Return who controls."""
        return self.country.agencies[self.kind]


class Control(Controlled):
    """An enterprise is controlled, controlled again, and may lose its licence."""

    __slots__ = ()
    FINDING, FINDING_AGAIN, LICENCE = range(3)
    EVENT_TYPES: ClassVar = {0: "ControlFinding", 1: "ControlFinding", 2: "LicenceDecided"}

    @property
    def clean(self) -> bool:
        """Whether all was in order."""
        return self.branch[2] < _CLEAN

    def plan(self) -> Plan:
        """Return when which step is told."""
        told: Plan = [(self.begins, self.FINDING)]
        if not self.clean:
            if self.branch[3] < _AGAIN:
                told.append((after(self.begins, wait("control_again"), self.wait[0]), self.FINDING_AGAIN))
            if self.kind == "labour-inspectorate" and self.branch[4] < _LICENCE:
                told.append((after(self.begins, wait("licence"), self.wait[1]), self.LICENCE))
        return told

    def tell(self, step: Step, at: Moment) -> tuple[str, Event]:
        """Return agency and event of *step*, which is told at *at*."""
        noise = self.noise(step)
        if step == self.LICENCE:
            grounds = self._found(self.noise(self.FINDING))
            decision = one_of(("SUSPENDED", "WITHDRAWN"), noise[4])
            content = licence(self, self.agency, self.country.code, decision, grounds, self.happened(at, noise))
            content["control_event_id"] = self.event_id(self.FINDING, self.begins)
        else:
            content = self._finding(step, noise, self.day(self.happened(at, noise)))
        return self.event(step, at, noise, self.agency, content, purpose="INSPECT", case=None, source="INSPECTION")

    def _found(self, noise: Draws) -> list[str]:
        return two_of(_FINDINGS, noise[5], noise[6])

    def _finding(self, step: Step, noise: Draws, day: int) -> Event:
        level, kind, authority = _LEVELS[self.kind]
        present = 2 + below(60, noise[7])
        again = step == self.FINDING_AGAIN
        content: Event = {
            "level": level,
            "kind": kind,
            "authority": authority,
            "tool": "FOLLOW_UP" if again else one_of(("FULL", "LIMITED", "JOINT_ACTION"), noise[8]),
            "visited_on": day_text(day),
            "establishment": establishment(self, self.country.code, self.agency, day),
            "repeat_violation": "YES" if again else "NO",
            "workers_found": present,
        }
        if self.clean:
            return content | {"findings": ["NONE"], "violations_found": 0, "outcome": "COMPLIANT"}
        affected = min(present, _WORKERS[below(10, noise[9])])
        content |= {
            "findings": self._found(noise),
            "indicators": two_of(_SIGNS, noise[10], noise[11]),
            "violations_found": _VIOLATIONS[below(10, noise[12])],
            "workers_affected": affected,
            "outcome": one_of(("FINE", "BACK_WAGES_ORDERED", "AGREED_TO_COMPLY", "REFERRED_TO_POLICE"), noise[13]),
        }
        if content["outcome"] == "BACK_WAGES_ORDERED":
            content |= {"back_wages_amount": affected * _BACK_WAGES[below(10, noise[14])], "currency": "EUR"}
        if again:
            months = int(_DEBARMENTS.pick(noise[15]))
            content |= {"outcome": "DEBARMENT", "debarred_until": day_text(day + months * 365 // 12)}
        return content


def licence(story: Story, agency: str, country: str, decision: str, grounds: list[str], happened: Moment) -> Event:
    """Return what an authority decides on the licence of the enterprise of *story*."""
    drawn = story.branch
    day = story.day(happened)
    content: Event = {
        "authority": "MUNICIPAL_LICENSING",
        "sector": one_of(_SECTORS, drawn[5]),
        "establishment": establishment(story, country, agency, day),
        "decision": decision,
        "grounds": grounds,
        "suspicion_of_trafficking": "YES" if grounds and drawn[6] < _SUSPICION else "NO",
        "code_of_conduct": "YES" if drawn[7] < _CODE else "NO",
        "decided_on": day_text(day),
    }
    if decision in ("GRANTED", "RENEWED"):
        content["valid_until"] = day_text(day + 730)
    return content


class Licence(Controlled):
    """An enterprise asks for a licence, or for a longer one."""

    __slots__ = ()
    EVENT_TYPES: ClassVar = {0: "LicenceDecided"}

    def plan(self) -> Plan:
        """Return when which step is told."""
        return [(self.begins, 0)]

    def tell(self, step: Step, at: Moment) -> tuple[str, Event]:
        """Return agency and event of *step*, which is told at *at*."""
        noise = self.noise(step)
        agency = self.country.agencies["labour-inspectorate"]
        decision = one_of(("GRANTED", "RENEWED", "RENEWED", "REFUSED"), noise[4])
        grounds = ["UNLICENSED_INTERMEDIARY"] if decision == "REFUSED" else []
        content = licence(self, agency, self.country.code, decision, grounds, self.happened(at, noise))
        return self.event(step, at, noise, agency, content, purpose="INSPECT", case=None, source="INSPECTION")


class Campaign(Controlled):
    """An authority sums up its controls of the quarter that has ended."""

    __slots__ = ()
    EVENT_TYPES: ClassVar = {0: "ControlCampaign"}

    def plan(self) -> Plan:
        """Return when which step is told."""
        return [(self.begins, 0)]

    def tell(self, step: Step, at: Moment) -> tuple[str, Event]:
        """Return agency and event of *step*, which is told at *at*."""
        noise = self.noise(step)
        level, kind, authority = _LEVELS[self.kind]
        today = date.fromordinal(self.day(self.happened(at, noise)))
        end = date(today.year, today.month - (today.month - 1) % 3, 1) - timedelta(days=1)
        registered = 1_000 * (1 + below(20, noise[4]))
        content: Event = {
            "level": level,
            "kind": kind,
            "authority": authority,
            "period_begin": date(end.year, end.month - 2, 1).isoformat(),
            "period_end": end.isoformat(),
            "country": self.country.code,
            "isic_section": one_of(("A", "C", "F", "I", "N"), noise[5]),
        }
        if self.kind == "consular-service":
            content |= {"visas_refused_on_suspicion": below(40, noise[6]), "false_documents": below(30, noise[7])}
        elif self.kind == "border-police":
            content |= {"false_documents": below(60, noise[6]), "cases_found": below(5, noise[7])}
        else:
            content |= {
                "enterprises_registered": registered,
                "enterprises_controlled": registered * _CONTROLLED[below(10, noise[6])] // 1_000,
                "violations_found": _VIOLATIONS[below(10, noise[7])],
                "workers_affected": _WORKERS[below(10, noise[7])],
                "back_wages_amount": _WORKERS[below(10, noise[7])] * _BACK_WAGES[below(10, noise[8])],
                "currency": "EUR",
            }
        return self.event(
            step, at, noise, self.agency, content, purpose="INSPECT", case=None, source="INSPECTION", tlp="GREEN"
        )
