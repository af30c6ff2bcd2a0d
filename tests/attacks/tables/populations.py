"""Rows about persons as they leave: the CTDC population through the release of cohorts, told as facts of the language.

The file says nothing of status, setting and the like. They are drawn here as sensitive columns before the release, some
of them rare, so that tables get small parts, and so that what the release withholds is withheld of them as well.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from random import Random

from benchmarks._cohort_population import IDENTIFIED, arriving, layout, persons
from projections.indicators.figures import Period, Row, Value, months
from streams.cohort.batches import Batch, PublishedRow
from streams.cohort.parameters import Parameters
from streams.cohort.release import Keys, advance, marks_asked
from streams.cohort.state import State

FIRST_DAY = dt.date(2024, 1, 1)
TICK_0 = (FIRST_DAY - dt.date(1970, 1, 1)).days
PERIODS = months(FIRST_DAY, 24)
COLUMNS = ("type", "status", "setting", "self_identified", "trafficked_before")
DRAWN: tuple[dict[str | None, int], ...] = (
    {"IDENTIFIED": 70, "PRESUMED": 24, "DECLINED": 2, "NOT_A_VICTIM": 2, None: 2},
    {"IN_LAND": 86, "BORDER": 4, "CONSULAR": 1, None: 9},
    {"YES": 2, "NO": 60, None: 38},
    {"YES": 2, "NO": 60, None: 38},
)
FORMS = {
    "Sexual exploitation": ("SEXUAL",),
    "Forced labour": ("LABOUR",),
    "Slavery and similar practices": ("SLAVERY_LIKE",),
}
GROUPS = {("Female", True): "GIRL", ("Female", False): "WOMAN", ("Male", True): "BOY", ("Male", False): "MAN"}
MINORS, UNAGED = frozenset({"MINOR", "0--8", "9--17"}), frozenset({None, "*"})
KEYS = Keys(b"o" * 32, b"l" * 32)


@dataclass(frozen=True, slots=True)
class Released:
    """What two years of a population came to."""

    batches: tuple[Batch, ...]
    k: int

    def rows(self, tier: str = "partner") -> tuple[Row, ...]:
        """Return the rows of *tier* as the folding takes them; a tick is a UTC day number."""
        return tuple(_row(batch, shown) for batch in self.batches if batch.tier == tier for shown in batch.rows)


@cache
def released(data: Path, every: int = 1, k: int = 11, net: int = 5) -> Released:
    """Return the release of every so many-th person of the stress variant, under the preset for that volume."""
    space = replace(layout(), kinds={IDENTIFIED: COLUMNS})
    chance = Random(31)  # noqa: S311 - a simulation has to repeat
    people = [
        replace(each, sensitive=(each.sensitive[0], *(_draw(chance, shares) for shares in DRAWN)))
        for each in persons(data, layout(), stress=True)[::every]
    ]
    days = (dt.date(2026, 1, 1) - FIRST_DAY).days
    rule = replace(Parameters.for_volume(len(people), days), k=k, net=net)
    batches, spent, state = [], frozenset[bytes](), State.first(space, rule)
    for _, records in arriving(people, days):
        step = advance(state, records, layout=space, keys=KEYS, spent=spent & marks_asked(records, space, KEYS.ledger))
        state, spent = step.state, spent | step.spent
        batches += step.leaving
    return Released(tuple(batches), k)


def month_of(tick: int) -> int:
    """Return the number of the period that *tick* falls in."""
    return next(number for number, period in enumerate(PERIODS) if tick <= period.last)


def within(rows: Sequence[Row], periods: Sequence[Period] = PERIODS) -> tuple[Row, ...]:
    """Return the rows up to the end of *periods*."""
    return tuple(row for row in rows if row.tick <= periods[-1].last)


def _draw(chance: Random, shares: dict[str | None, int]) -> str | None:
    return chance.choices(list(shares), list(shares.values()))[0]


def _row(batch: Batch, shown: PublishedRow) -> Row:
    gender, age, citizenship, exploitation = shown.label
    form, status, setting, self_identified, before = shown.sensitive
    several = ("LABOUR", "SEXUAL") if form and ";" in form else ("ADOPTION_SURROGACY_OTHER",) if form else ()
    return Row(
        tick=TICK_0 + batch.tick,
        kind="PersonIdentified",
        columns={
            "group": None if age in UNAGED else GROUPS.get((str(gender), age in MINORS)),
            "citizenship": citizenship,
            "exploitation_country": exploitation,
            "exploitation_forms": FORMS.get(str(form), several),
            "status": status,
            "setting": setting,
            "self_identified": self_identified,
            "trafficked_before": before,
        },
    )


def invented(months_: int = 12, each: int = 160) -> tuple[Row, ...]:
    """Return rows of nobody, for where the file is not. In the first month everybody counts, and few are in land."""
    chance = Random(5)  # noqa: S311 - the same in every run
    border = [_invented(0, status="IDENTIFIED", setting="BORDER")] * 95
    in_land = [_invented(0, status="IDENTIFIED", setting="IN_LAND")] * 5
    shares = dict(zip(COLUMNS[1:], DRAWN, strict=True))
    forms = {("SEXUAL",): 60, ("LABOUR",): 25, ("LABOUR", "SEXUAL"): 4, ("SLAVERY_LIKE",): 3, (): 8}
    groups: dict[str | None, int] = {"WOMAN": 55, "MAN": 25, "GIRL": 12, "BOY": 4, None: 4}
    regions: dict[str | None, int] = {"ALB": 30, "SRB": 20, "MDA": 12, "NGA": 4, "VNM": 3, None: 31}
    return (
        *border,
        *in_land,
        *(
            _invented(
                month,
                **{name: _draw(chance, own) for name, own in shares.items()},
                group=_draw(chance, groups),
                citizenship=_draw(chance, regions),
                exploitation_forms=chance.choices(list(forms), list(forms.values()))[0],
            )
            for month in range(1, months_)
            for _ in range(each)
        ),
    )


def _invented(month: int, **columns: Value) -> Row:
    return Row(tick=PERIODS[month].first, kind="PersonIdentified", columns={"group": "WOMAN", **columns})
