"""Stories about no trafficked person: an official is sanctioned, a secretariat returns figures and surveys."""

from datetime import date
from typing import ClassVar

from connectors.scenario.cast import COUNTRIES, Country
from connectors.scenario.distributions import DAY_MS, branch, shares
from connectors.scenario.draws import Draws, below, one_of
from connectors.scenario.people import suspect
from connectors.scenario.story import DETAIL_LANE, Event, Moment, Plan, Setting, Step, Story, day_text
from schemas.returned_figures import ReturnedFigure, returned_figures, returned_surveys

_COUNTRIES = shares("countries")
_NAMED, _SURVEYED, _NOT_AVAILABLE = branch("official_named"), branch("surveyed"), branch("not_available")
_AT_ONCE = 7
"""Figures that a secretariat returns in one story, neighbours in the list; in the end all have been returned."""
_FIGURES, _SURVEYS = tuple(returned_figures().values()), tuple(returned_surveys().items())


class Official(Story):
    """An official is sanctioned."""

    __slots__ = ("country",)
    EVENT_TYPES: ClassVar = {0: "OfficialSanctioned"}

    def __init__(self, setting: Setting, number: int, begins: Moment) -> None:
        super().__init__(setting, number, begins)
        self.country: Country = COUNTRIES[_COUNTRIES.pick(self.branch[0])]

    def plan(self) -> Plan:
        """Return when which step is told."""
        return [(self.begins, 0)]

    def tell(self, step: Step, at: Moment) -> tuple[str, Event]:
        """Return agency and event of *step*, which is told at *at*."""
        noise = self.noise(step)
        agency = self.country.agencies[one_of(("police", "prosecution"), noise[4])]
        day = self.day(self.happened(at, noise))
        content: Event = {
            "body": one_of(("POLICE", "BORDER_POLICE", "CONSULAR", "LOCAL_GOVERNMENT", "CUSTOMS_TAX"), noise[5]),
            "state_level": one_of(("NATIONAL", "REGIONAL", "LOCAL"), noise[6]),
            "sanction": one_of(("DISMISSAL", "DISCIPLINARY", "PROSECUTION", "CONVICTION"), noise[7]),
            "corruption": one_of(("YES", "NO", "NOT_REPORTED"), noise[8]),
            "sanctioned_on": day_text(day),
        }
        if self.branch[1] < _NAMED:
            person = suspect(self.draws(DETAIL_LANE), citizenship=self.country.code, day=day)
            content["person"] = person.as_known_to(self.reference(agency, "O"), "OTHER", day)
        return self.event(step, at, noise, agency, content, purpose="PROSECUTE", case=None, source="CRIMINAL_FILE")


class Return(Story):
    """A secretariat returns its figures for the year before, one after the other, and perhaps a survey."""

    __slots__ = ("country",)
    SURVEY = _AT_ONCE
    EVENT_TYPES: ClassVar = {**dict.fromkeys(range(SURVEY), "IndicatorReturned"), SURVEY: "SurveyReturned"}

    def __init__(self, setting: Setting, number: int, begins: Moment) -> None:
        super().__init__(setting, number, begins)
        self.country: Country = COUNTRIES[_COUNTRIES.pick(self.branch[0])]

    def plan(self) -> Plan:
        """Return when which step is told."""
        told: Plan = [(self.begins + number * DAY_MS // 2, number) for number in range(self.SURVEY)]
        if self.branch[1] < _SURVEYED:
            told.append((self.begins + self.SURVEY * DAY_MS, self.SURVEY))
        return told

    def tell(self, step: Step, at: Moment) -> tuple[str, Event]:
        """Return agency and event of *step*, which is told at *at*."""
        noise = self.noise(step)
        year = date.fromordinal(self.day(self.happened(at, noise))).year - 1
        content: Event = {
            "country": self.country.code,
            "period_begin": f"{year}-01-01",
            "period_end": f"{year}-12-31",
            **(self._survey(noise, year) if step == self.SURVEY else _figure(self._asked(step), noise)),
        }
        agency = self.country.agencies["secretariat"]
        return self.event(
            step, at, noise, agency, content, purpose="STATISTICS", case=None, source="STATISTICS", tlp="CLEAR"
        )

    def _asked(self, step: Step) -> ReturnedFigure:
        parts = -(-len(_FIGURES) // _AT_ONCE)
        return _FIGURES[(below(parts, self.branch[2]) * _AT_ONCE + step) % len(_FIGURES)]

    def _survey(self, noise: Draws, year: int) -> Event:
        indicator, population = _SURVEYS[below(len(_SURVEYS), noise[4])]
        respondents = 400 + below(1_600, noise[5])
        positive = below(respondents, noise[6])
        return {
            "survey": f"Invented survey {year}, {self.reference(self.country.agencies['secretariat'], 'S')}",
            "indicator": indicator,
            "population": population,
            "method": one_of(("FACE_TO_FACE", "TELEPHONE", "ONLINE", "MIXED"), noise[7]),
            "respondents": respondents,
            "positive": positive,
            "percentage": (positive * 1_000 // respondents) / 10,
        }


def _figure(asked: ReturnedFigure, noise: Draws) -> Event:
    content: Event = {
        "indicator": asked.code,
        "framework": asked.framework,
        "sex": "TOTAL",
        "age": "TOTAL",
        "unit": asked.unit,
        "value_state": "EXACT",
    }
    if noise[4] < _NOT_AVAILABLE:
        return content | {"value_state": "NOT_AVAILABLE"}
    if asked.unit == "YES_NO":
        return content | {"value": below(2, noise[5])}
    if asked.together != "ratio":
        return content | {"value": 20 + below(900, noise[5])}
    of = 20 + below(400, noise[5])
    part = below(of + 1, noise[6])
    return content | {"value": part * 1_000 // of / 10, "numerator": part, "denominator": of}
