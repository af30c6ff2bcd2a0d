"""Which totals are open: tables declared beforehand, each with its cells, its countries and what it may cost."""

import json
from dataclasses import asdict, dataclass
from enum import StrEnum
from fractions import Fraction
from hashlib import sha256
from itertools import product
from typing import Any, Self

from schemas.errors import MisuseError
from streams.cohort.totals.weeks import WEEKS_OF_A_YEAR

ALL = "ALL"
ELSEWHERE = "*"
"""Any country that the table does not name; it is always there, so that nobody is left out."""

UNKNOWN = "UNKNOWN"
GROUPS = ("WOMAN", "MAN", "GIRL", "BOY", UNKNOWN)
"""Codes of `person_group`; who is of no other group is counted in the last."""

HORIZON_MAX = 520


class By(StrEnum):
    """What a table tells persons apart by, beside the country of identification."""

    NOTHING = "nothing"
    GROUP = "group"


@dataclass(frozen=True, slots=True)
class Table:
    """A table that does not change while it runs; raises MisuseError when it is none."""

    name: str
    by: By
    countries: tuple[str, ...]
    """ISO 3166 codes; fixed beforehand, never taken from the rows."""
    rho: Fraction
    """What it costs each person in it, in zCDP."""
    horizon: int = WEEKS_OF_A_YEAR
    """Weeks of a run."""

    def __post_init__(self) -> None:
        if not self.name or "|" in self.name:
            raise MisuseError("a table has a name without a bar")
        if len(set(self.countries)) < len(self.countries) or ELSEWHERE in self.countries:
            raise MisuseError("a table names each country once, and the rest is added to it")
        if self.rho <= 0 or not 0 < self.horizon <= HORIZON_MAX:
            raise MisuseError(f"rho is above 0, and a run has from 1 to {HORIZON_MAX} weeks")

    @property
    def series(self) -> tuple[tuple[str, str], ...]:
        """Return country and cell of each of its series, in order."""
        cells = GROUPS if self.by is By.GROUP else (ALL,)
        return tuple(product((*self.countries, ELSEWHERE), cells))

    def series_of(self, country: str | None, group: str | None) -> int:
        """Return the number of the one series that a person of *country* and *group* counts in."""
        cell = (group if group in GROUPS else UNKNOWN) if self.by is By.GROUP else ALL
        return self.series.index((country if country in self.countries else ELSEWHERE, cell))

    @property
    def hash(self) -> str:
        """Return what names exactly this table, hexadecimal."""
        return sha256(json.dumps(self.to_plain(), sort_keys=True).encode()).hexdigest()

    def to_plain(self) -> dict[str, Any]:
        """Return it as what JSON can hold."""
        return {**asdict(self), "rho": str(self.rho)}

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> Self:
        """Return the table of which `to_plain` gave *plain*."""
        by, countries = By(plain["by"]), tuple(plain["countries"])
        return cls(plain["name"], by, countries, Fraction(plain["rho"]), plain["horizon"])
