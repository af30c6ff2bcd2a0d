"""The CTDC file as a population: one person a row, spread over 730 days and six agencies of unequal size.

The file is read where it lies and never copied. It is already k-anonymous on these columns, which flatters every
method; so there is a stress variant: half of the countries that are not reported are filled in as the countries of
detected victims are distributed in the UNODC file (`research/cohort.md` §1).
"""

import csv
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pycountry

from schemas.generalising import ladder
from schemas.names import AgencyId, SubjectId
from streams.cohort.axes import Axis, axis_of
from streams.cohort.records import Arrived, Fact, Record, Ticked
from streams.cohort.rows import Kind, Layout, Tick

CTDC = "ctdc_kanon_2021/ctdc_global_k_anonymized_2021-07-15.csv"
GLOTIP = "unodc_glotip_2025/data_glotip_2025-04-14.csv"
SEED = 20210715
DAYS = 730
IDENTIFIED = Kind("identified")
HOTLINES = [AgencyId(name) for name in ("A", "C")], [40, 15]
OTHERS = [AgencyId(name) for name in ("B", "D", "E", "F")], [20, 10, 10, 5]
BANDS = {
    "0--8": "MINOR", "9--17": "MINOR",
    "18--20": "18--29", "21--23": "18--29", "24--26": "18--29", "27--29": "18--29",
    "30--38": "30+", "39--47": "30+", "48+": "30+",
    "18--29": "ADULT", "30+": "ADULT", "MINOR": "*", "ADULT": "*",
}  # fmt: skip
"""The nine bands of the file; its own ladder, so that figures compare with those of the study."""


@dataclass(frozen=True, slots=True)
class Person:
    """One row of the file."""

    agency: AgencyId
    values: tuple[int, ...]
    sensitive: tuple[str | None, ...]


def layout() -> Layout:
    """Return the four grouping attributes of the study, and two sensitive columns."""
    country = ladder("country")
    genders = {"Female": "*", "Male": "*", "Transgender/NonConforming": "*"}
    axes = (
        Axis.of("gender", genders),
        Axis.of("age", BANDS),
        axis_of("citizenship", country, "country"),
        axis_of("exploitation", country, "country"),
    )
    return Layout("identified persons", axes, {IDENTIFIED: ("type", "means")})


def persons(data: Path, layout: Layout, *, stress: bool, seed: int = SEED) -> list[Person]:
    """Return the rows of the file in a random order that *seed* gives."""
    chance = random.Random(seed)  # noqa: S311 - a simulation has to repeat
    found = list(_read(data / CTDC, layout, chance))
    chance.shuffle(found)
    if stress:
        found = _filled(found, data / GLOTIP, layout, chance)
    return found


def arriving(people: list[Person], days: int = DAYS) -> Iterator[tuple[Tick, list[Record]]]:
    """Yield the records of each day, then its tick; events of a day come before the tick of the next one."""
    position, at = 0, 0
    for day in range(1, days + 1):
        records: list[Record] = [Ticked(position, Tick(day), 1)]
        position += 1
        upto = len(people) * day // days
        for number in range(at, upto):
            person = people[number]
            fact = Fact(SubjectId(f"s{number:08d}"), IDENTIFIED, person.values, person.sensitive)
            records.append(Arrived(position, person.agency, (fact,)))
            position += 1
        at = upto
        yield Tick(day), records


def _read(path: Path, layout: Layout, chance: random.Random) -> Iterator[Person]:
    gender, age, citizenship, exploitation = layout.axes
    three = {country.alpha_2: country.alpha_3 for country in pycountry.countries}
    with path.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            names, weights = HOTLINES if row["Datasource"] == "Hotline" else OTHERS
            yield Person(
                chance.choices(names, weights)[0],
                (
                    gender.node_of[row["gender"] or None],
                    age.node_of[row["ageBroad"] or None],
                    citizenship.node_of.get(three.get(row["citizenship"]), 1),
                    exploitation.node_of.get(three.get(row["CountryOfExploitation"]), 1),
                ),
                (row["typeOfExploitConcatenated"] or None, row["meansOfControlConcatenated"] or None),
            )


def _filled(people: list[Person], path: Path, layout: Layout, chance: random.Random) -> list[Person]:
    """Return *people* with half of the countries that are not reported filled in."""
    of_citizenship, of_country = _marginals(path)
    filled = people
    for at, shares in ((2, of_citizenship), (3, of_country)):
        node_of = layout.axes[at].node_of
        drawn = {node_of[code]: count for code, count in sorted(shares.items()) if code in node_of}
        nodes, weights = list(drawn), list(drawn.values())
        filled = [
            replace(each, values=(*each.values[:at], chance.choices(nodes, weights)[0], *each.values[at + 1 :]))
            if each.values[at] == 1 and chance.random() < 0.5
            else each
            for each in filled
        ]
    return filled


def _marginals(path: Path) -> tuple[Counter[str], Counter[str]]:
    """Return detected victims by citizenship and by country of detection, over all years."""
    citizenship, country = Counter[str](), Counter[str]()
    with path.open(encoding="utf-8", errors="replace", newline="") as lines:
        rows = [row for row in csv.DictReader(lines) if row["Indicator"] == "Detected trafficking victims"]
    code_of = {row["Country"]: row["Iso3_code"] for row in rows}
    for row in rows:
        if not row["txtVALUE"].isdigit():
            continue
        if row["Dimension"] == "by citizenship":
            code = row["Iso3_code"] if row["Category"] == "Nationals" else code_of.get(row["Category"])
            if code:
                citizenship[code] += int(row["txtVALUE"])
        elif row["Dimension"] == "Total" and (row["Sex"], row["Age"], row["Category"]) == ("Total",) * 3:
            country[row["Iso3_code"]] += int(row["txtVALUE"])
    return citizenship, country
