"""What agencies are told to return is what the catalogue folds, and what a scenario returns becomes figures."""

import datetime as dt

from connectors.scenario.stream import Scenario
from projections.indicators.catalogue import catalogue
from projections.indicators.entries import Returned, Survey
from projections.indicators.figures import Row, months
from projections.indicators.folding import fold
from schemas.catalogue import contract
from schemas.channel_rules import NonPersonal
from schemas.codelists import is_code
from schemas.compiler import compile_for
from schemas.json_form import from_json
from schemas.returned_figures import returned_figures, returned_surveys

EVENTS = 20_000


def test_the_list_of_returned_figures_is_that_of_the_catalogue() -> None:
    told = {
        entry.code: (entry.framework, entry.unit, entry.measure.fold)
        for entry in catalogue().indicators
        if isinstance(entry.measure, Returned)
    }
    assert {each.code: (each.framework, each.unit, each.together) for each in returned_figures().values()} == told
    assert list(returned_figures()) == list(told)


def test_the_list_of_surveys_is_that_of_the_catalogue() -> None:
    assert dict(returned_surveys()) == {
        entry.code: entry.measure.population for entry in catalogue().indicators if isinstance(entry.measure, Survey)
    }


def test_frameworks_units_and_populations_are_codes_of_their_lists() -> None:
    assert all(is_code("indicator_framework", each.framework) for each in returned_figures().values())
    assert all(is_code("statistic_unit", each.unit) for each in returned_figures().values())
    assert all(is_code("survey_population", population) for population in returned_surveys().values())


def test_every_returned_indicator_gets_a_value_in_a_scenario() -> None:
    facts = []
    for act in Scenario(seed=7).events(EVENTS):
        name = str(act.event["event_type"])
        if name in {"IndicatorReturned", "SurveyReturned"}:
            compiled = compile_for(contract(name), NonPersonal.FACTS_OPEN)
            event, problems = from_json({k: v for k, v in act.event.items() if k != "event_type"}, contract(name))
            assert problems == ()
            day = (act.at.date() - dt.date(1970, 1, 1)).days
            facts += [Row(tick=day, kind=name, columns=row) for row in compiled.transform(event)]
    figures = fold(catalogue(), (), facts, months(dt.date(2024, 1, 1), 24))
    valued = {each.indicator for each in figures if each.value is not None}
    returned = {entry.id for entry in catalogue().indicators if isinstance(entry.measure, Returned | Survey)}
    assert returned - valued == set()
