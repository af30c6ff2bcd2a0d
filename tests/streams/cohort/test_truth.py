"""Figures of two invented years beside the truth of the generator, by the same release ticks: equal, or bounded."""

import asyncio
import datetime as dt
import json
import uuid
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from itertools import groupby

import pytest

from connectors.scenario.stream import Scenario
from infra.clock import tick_of
from infra.home import Home
from projections.indicators.catalogue import Catalogue, catalogue
from projections.indicators.figures import NOT_BROKEN_DOWN, Period, Row, State, months
from projections.indicators.persons import fold_persons
from schemas.catalogue import contract
from schemas.channel_rules import kinds
from schemas.json_form import from_json
from schemas.names import SubjectId
from streams.cohort.ordering import mark_of
from streams.cohort.rows import Kind, RowId
from tests.streams.cohort.staged import Stage

EVENTS = 9_000
START = dt.date(2026, 1, 1)
IDENTIFIED = "PersonIdentified"
COUNTED = ("PRESUMED", "IDENTIFIED", "DECLINED")
TRAFFICKED = "C.2.2-1"
"""Number of trafficked persons: everybody with one of these states, by month."""


@dataclass
class Truth:
    """What the generator says of each person, and when the row of each left: no code of folding or release."""

    group_of: dict[str, str] = field(default_factory=dict)
    left_at: dict[str, int] = field(default_factory=dict)

    def persons(self, period: Period) -> list[str]:
        return [each for each, tick in self.left_at.items() if period.first <= tick <= period.last]


@dataclass
class Played:
    """Two years of the scenario after release."""

    truth: Truth
    rows: list[Row]
    periods: tuple[Period, ...]
    suppressed: int


@pytest.fixture(scope="module")
def played(home: Home) -> Played:
    """Return the scenario as it left: each day its events, then its tick."""
    return asyncio.run(_played(home))


async def _played(home: Home) -> Played:
    stage = Stage(home, deadline_ticks=90)
    truth, subjects = Truth(), defaultdict[tuple[str, str], str](lambda: str(uuid.uuid4()))
    told_of = stage.topology.populations[0].event_types
    for day, acts in groupby(Scenario(seed=7, start=START).events(EVENTS), key=lambda act: act.at.date()):
        stage.day(tick_of(dt.datetime.combine(day, dt.time(), dt.UTC)))
        for act in acts:
            name = str(act.event["event_type"])
            if name not in told_of or act.repeated:
                continue
            record, wrong = from_json(act.event, contract(name))
            assert not wrong
            await stage.puts(name, record, act.agency, lambda reference, who=act.agency: subjects[who, reference])
            if name == IDENTIFIED and record["status"] in COUNTED:
                subject = subjects[act.agency, record["person"]["person_ref"]]
                truth.group_of.setdefault(subject, record["person"]["group"])
    last = stage.log[-1].offset
    stage.day(tick_of(dt.datetime.combine(START + dt.timedelta(days=735), dt.time(), dt.UTC)))
    for first in range(0, last + 2, 500):
        await stage.read(stage.log[first : first + 500])
    key = await stage.vault.secret("cohort-ledger")
    marks = {mark_of(key, stage.name, RowId(SubjectId(each), Kind(IDENTIFIED))): each for each in truth.group_of}
    for entry in stage.sent("cohorts"):
        for mark in entry["marks"]:  # type: ignore[attr-defined]  # a list of the ledger
            if mark in marks:
                truth.left_at[marks[mark]] = int(str(entry["tick"]))
    suppressed = sum(int(str(head["suppressed"])) for head in stage.heads())
    return Played(truth, _rows(stage), months(START, 24), suppressed)


def _rows(stage: Stage) -> list[Row]:
    found, tick = [], 0
    for output in stage.outputs:
        if output.topic != "anon.partner":
            continue
        decoded = stage.codec.decode(output.value)
        if "batch_id" in decoded.record:
            tick = int(str(decoded.record["tick"]))
            continue
        name = decoded.fullname.rpartition(".")[2]
        columns = {key: tuple(v) if isinstance(v, list) else v for key, v in decoded.record.items() if key != "padding"}
        code = columns.get(kinds("anon")[name].split or "")
        found.append(Row(tick=tick, kind=name if code is None else f"{name}:{code}", columns=columns))  # type: ignore[arg-type]
    return found


def figures(played: Played, indicator: str) -> dict[str, object]:
    entry = catalogue().get(indicator)
    chapter = next(each for each in catalogue().chapters if entry in each.indicators)
    alone = Catalogue(chapters=(type(chapter)(**{**vars_of(chapter), "indicators": (entry,)}),))
    return {each.period: each for each in fold_persons(alone, played.rows, played.periods)}


def vars_of(chapter: object) -> dict[str, object]:
    return {name: getattr(chapter, name) for name in type(chapter).__dataclass_fields__}  # type: ignore[attr-defined]


def test_national_figures_equal_the_truth_where_nothing_is_held_back(played: Played) -> None:
    found = figures(played, TRAFFICKED)
    assert sum(len(played.truth.persons(period)) for period in played.periods) > 300, "there is something to compare"
    waiting = 0
    for period in played.periods:
        true, figure = len(played.truth.persons(period)), found[period.label]
        if figure.value is None:
            assert figure.state in (State.WAITING, State.MISSING)
            waiting += true
        else:
            assert figure.value == true + waiting
            waiting = 0
    assert waiting < 11


def test_parts_are_bounded_by_the_truth_and_add_up_to_the_whole(played: Played) -> None:
    found = figures(played, TRAFFICKED)
    true: Counter[str] = Counter()
    told: Counter[str] = Counter()
    for period in played.periods:
        true.update(played.truth.group_of[each] for each in played.truth.persons(period))
        figure = found[period.label]
        by_group = {cell.code: cell.numerator for cell in figure.cells if cell.dimension == "group"}
        told.update({code: int(number) for code, number in by_group.items()})
        assert figure.value is None or sum(by_group.values()) == figure.value
        assert all(told[group] <= true[group] for group in ("WOMAN", "MAN", "GIRL", "BOY")), json.dumps(by_group)
    assert told["WOMAN"] >= 11
    assert told[NOT_BROKEN_DOWN] < sum(told.values())


def test_who_is_in_no_figure_was_suppressed_or_waits(played: Played) -> None:
    missing = len(played.truth.group_of) - len(played.truth.left_at)
    assert 0 <= missing < len(played.truth.group_of) / 4
