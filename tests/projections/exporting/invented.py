"""An invented source of released rows: two years of persons and controls, the same every time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cache
from pathlib import Path
from random import Random
from typing import TypeVar

from projections.exporting.choosing import Choice
from projections.exporting.figure_files import figure_files
from projections.exporting.told import figures_of
from projections.indicators.catalogue import catalogue
from projections.indicators.figures import Figure, Period, Row, Value, months
from schemas.channel_rules import kinds

PERIODS = months(date(2024, 1, 1), 24)
HASH = "5f" * 32
OUT = Path("figures.any")
T = TypeVar("T")
_GROUPS = (("WOMAN", 50), ("MAN", 24), ("GIRL", 19), ("BOY", 7))
_FLOWS = (
    (("SRB", "SRB"), 24),
    (("ALB", "SRB"), 12),
    (("ALB", "ITA"), 9),
    (("MDA", "SRB"), 12),
    (("UKR", "SRB"), 8),
    (("NPL", "HRV"), 9),
    (("BGD", "HRV"), 7),
    (("SYR", "039"), 5),
    (("CHN", "SRB"), 3),
    ((None, "SRB"), 4),
    (("039", None), 3),
)


@dataclass(frozen=True, kw_only=True)
class Invented:
    """A source: rows of the partner tier, from which the open ones follow."""

    persons: Sequence[Row]
    told: Sequence[Row] = ()
    months_: Sequence[Period] = PERIODS
    said: Mapping[str, object] = field(
        default_factory=lambda: {"k": 11, "net": 5, "embargo": 1, "deadline": 14, "hash": HASH}
    )
    withheld: frozenset[str] = frozenset()
    """Columns that the open tier withholds of every third row."""

    def rows(self, tier: str) -> Sequence[Row]:
        withheld = self.withheld if tier == "open" else frozenset[str]()
        return [
            narrowed(row, tier, withheld if number % 3 == 0 else frozenset()) for number, row in enumerate(self.persons)
        ]

    def facts(self, tier: str) -> Sequence[Row]:
        return [narrowed(row, tier, frozenset()) for row in self.told]

    def periods(self) -> Sequence[Period]:
        return self.months_

    @property
    def k(self) -> int:
        return int(str(self.said["k"]))

    def position(self) -> Mapping[str, int]:
        return {"facts.partner": len(self.told), "anon.partner": len(self.persons)}

    def parameters(self) -> Mapping[str, object]:
        return self.said


@cache
def usual() -> Invented:
    """Return the source that most tests look at."""
    return invented()


@cache
def files(form: str, tier: str = "partner", sdmx: str = "3.0", choice: Choice = Choice()) -> Mapping[str, bytes]:  # noqa: B008 - frozen
    """Return what an export of figures of the usual source writes, by the name of the file."""
    return {path.name: data for path, data in figure_files(usual(), tier, choice, form, OUT, sdmx).items()}


@cache
def told(tier: str) -> tuple[Figure, ...]:
    """Return the figures of the usual source."""
    return figures_of(catalogue(), usual(), tier)


def narrowed(row: Row, tier: str, without: frozenset[str]) -> Row:
    """Return what *tier* gets of *row*."""
    name = row.kind.partition(":")[0]
    kind = kinds("anon").get(name) or kinds("facts")[name]
    known = {column.name for column in kind.columns if tier in column.tiers}
    return replace(
        row,
        columns={name: None if name in without else value for name, value in row.columns.items() if name in known},
    )


def invented(seed: int = 7, a_month: int = 320, **change: object) -> Invented:
    """Return two years with about *a_month* persons identified each month, and yearly controls."""
    draw = Random(seed)  # noqa: S311 - an invented population, no secret
    persons = [
        _person(draw, period.first + draw.randrange(28))
        for number, period in enumerate(PERIODS)
        for _ in range(round(a_month * (0.8 + 0.02 * number + 0.2 * draw.random())))
    ]
    facts = [
        _control(draw, PERIODS[month].last, level)
        for month in (5, 11, 17, 23)
        for level in ("IN_LAND", "BORDER", "PRE_BORDER")
        for _ in range(3)
    ]
    facts += [
        Row(
            tick=PERIODS[11].last,
            kind="IndicatorReturned",
            columns={
                "agency": "rs-ministry",
                "framework": "GUIDELINES_D",
                "indicator": "C.1.2.a-1",
                "value": 1.0,
                "value_state": "EXACT",
                "unit": "YES_NO",
                "period_end": "2024-12-31",
            },
        )
    ]
    made = Invented(persons=persons, told=facts)
    return replace(made, **change)  # type: ignore[arg-type]


def _person(draw: Random, tick: int) -> Row:
    citizenship, place = _drawn(draw, _FLOWS)
    columns: dict[str, Value] = {
        "group": _drawn(draw, _GROUPS),
        "age": draw.choice(["18-29", "30-39", None]),
        "citizenship": citizenship,
        "exploitation_country": place,
        "exploitation_forms": draw.choice(
            [("SEXUAL",), ("SEXUAL",), ("LABOUR",), ("LABOUR", "SEXUAL"), ("BEGGING_CRIMINALITY",), ()]
        ),
        "status": draw.choice(["PRESUMED", "IDENTIFIED", "IDENTIFIED", "NOT_A_VICTIM"]),
        "setting": draw.choice(["IN_LAND", "IN_LAND", "BORDER", "CONSULAR", None]),
        "identified_by": draw.choice(["POLICE", "POLICE", "NGO", "BORDER_IMMIGRATION"]),
        "self_identified": draw.choice(["YES", "NO", "NO", None]),
    }
    return Row(tick=tick, kind="PersonIdentified", columns=columns)


def _control(draw: Random, tick: int, level: str) -> Row:
    registered = draw.randrange(400, 900)
    return Row(
        tick=tick,
        kind="ControlCampaign",
        columns={
            "agency": draw.choice(["rs-labour", "hr-labour"]),
            "level": level,
            "authority": "LABOUR_INSPECTION",
            "kind": "LABOUR_INSPECTION",
            "isic_section": draw.choice(["A", "F"]),
            "enterprises_registered": float(registered),
            "enterprises_controlled": float(draw.randrange(40, registered)),
        },
    )


def _drawn(draw: Random, weighted: Sequence[tuple[T, int]]) -> T:
    return draw.choices([each for each, _ in weighted], [weight for _, weight in weighted])[0]
