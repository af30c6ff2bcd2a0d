"""What open statistics remember between two records: a count of each series and what was spent. It is secret."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from types import MappingProxyType
from typing import Any, Self

from streams.cohort.totals.budget import Budget, BudgetSpent
from streams.cohort.totals.tables import Table
from streams.cohort.totals.weeks import Week


@dataclass(frozen=True, slots=True)
class Running:
    """One run of a table."""

    table: Table
    first: Week
    counts: tuple[int, ...]
    """Persons of each series since the run began, the open week included."""
    successor: Table | None = None
    """What runs under the name afterwards, paid for already; without one the same table begins anew."""

    @classmethod
    def begun(cls, table: Table, first: Week) -> Self:
        """Return a run that nobody was counted in."""
        return cls(table, first, (0,) * len(table.series))


@dataclass(frozen=True, slots=True)
class Totals:
    """All open statistics of a hub."""

    budget: Budget
    week: Week
    """The week that is open: persons count in it, and nothing of it is told."""
    tables: Mapping[str, Running] = field(default_factory=lambda: MappingProxyType({}))
    spent: tuple[BudgetSpent, ...] = ()

    def to_json(self) -> str:
        """Return it as text, the same for the same state. It holds exact counts: seal it."""
        plain = {
            "limit": str(self.budget.limit),
            "delta": str(self.budget.delta),
            "week": self.week,
            "tables": [_plain(self.tables[name]) for name in sorted(self.tables)],
            "spent": [asdict(each) for each in self.spent],
        }
        return json.dumps(plain, sort_keys=True, separators=(",", ":"), default=str)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Return the state of which `to_json` gave *text*."""
        plain = json.loads(text)
        runs = [_running(each) for each in plain["tables"]]
        return cls(
            Budget(Fraction(plain["limit"]), Fraction(plain["delta"])),
            Week(plain["week"]),
            MappingProxyType({run.table.name: run for run in runs}),
            tuple(_spent(each) for each in plain["spent"]),
        )


def _plain(run: Running) -> dict[str, Any]:
    successor = run.successor and run.successor.to_plain()
    return {"table": run.table.to_plain(), "first": run.first, "counts": run.counts, "successor": successor}


def _running(plain: dict[str, Any]) -> Running:
    successor = plain["successor"] and Table.from_plain(plain["successor"])
    return Running(Table.from_plain(plain["table"]), Week(plain["first"]), tuple(plain["counts"]), successor)


def _spent(plain: dict[str, Any]) -> BudgetSpent:
    exact = {name: Fraction(plain[name]) for name in ("rho", "rho_total", "delta")}
    return BudgetSpent(**{**plain, **exact})
