"""What became of the rows of a file: every row is accepted, refused or a duplicate, and the sums add up."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

from connectors.importing.mapper import Mapped
from connectors.importing.rows import Fault, Row

SHOWN = 20
"""So many refused rows are named in the messages; all are in the file."""


@dataclass(slots=True, kw_only=True)
class Pending:
    """A row on its way: its events are sent, then each is answered."""

    row: Row
    mapped: Mapped
    faults: list[Fault] = field(default_factory=list)
    answers: Counter[str] = field(default_factory=Counter)
    unanswered: int = 0
    """Events that were sent and have no receipt yet."""
    is_repeated: bool = False
    """The file has the row already, exactly."""

    @property
    def outcome(self) -> str:
        """One of accepted, refused, duplicates."""
        if self.faults:
            return "refused"
        return "accepted" if self.answers["accepted"] and not self.is_repeated else "duplicates"


@dataclass(slots=True)
class Tally:
    """Counts of an import."""

    rows: Counter[str] = field(default_factory=Counter)
    """Rows by outcome."""
    events: Counter[str] = field(default_factory=Counter)
    """Events that were sent, by event type."""
    repaired: Counter[str] = field(default_factory=Counter)
    reported: Counter[str] = field(default_factory=Counter)
    refused_by_rule: Counter[str] = field(default_factory=Counter)
    refused_by_column: Counter[str] = field(default_factory=Counter)
    shown: list[str] = field(default_factory=list)

    def add(self, pending: Pending) -> None:
        """Count a row that was answered."""
        self.rows[pending.outcome] += 1
        self.repaired.update(pending.mapped.repairs)
        self.reported.update(pending.mapped.reports)
        if pending.is_repeated:
            self.repaired["duplicate-row"] += 1
        for rule, column in {(fault.rule, fault.column) for fault in pending.faults}:
            self.refused_by_rule[rule] += 1
            self.refused_by_column[f"{column or '(row)'}: {rule}"] += 1
        if pending.faults and len(self.shown) < SHOWN:
            what = ", ".join(dict.fromkeys(f"{fault.column or 'row'}: {fault.rule}" for fault in pending.faults))
            self.shown.append(f"row {pending.row.number}: {what}")

    @property
    def total(self) -> int:
        """Rows that were read."""
        return self.rows.total()

    def stored(self) -> dict[str, dict[str, int]]:
        """Return the counts as the journal keeps them."""
        return {name: dict(getattr(self, name)) for name in _COUNTERS}

    @classmethod
    def of(cls, stored: Mapping[str, Mapping[str, int]]) -> Self:
        """Return the tally that the journal kept."""
        tally = cls()
        for name in _COUNTERS:
            setattr(tally, name, Counter(stored.get(name, {})))
        return tally

    def summary(self) -> dict[str, object]:
        """Return the counts as `--json` shows them."""
        return {
            "rows": self.total,
            "accepted": self.rows["accepted"],
            "refused": self.rows["refused"],
            "duplicates": self.rows["duplicates"],
            "events": self.events.total(),
            "events_by_type": dict(sorted(self.events.items())),
            "repaired": _sorted(self.repaired),
            "reported": _sorted(self.reported),
            "refused_by_rule": _sorted(self.refused_by_rule),
            "refused_by_column": _sorted(self.refused_by_column),
        }


_COUNTERS = ("rows", "events", "repaired", "reported", "refused_by_rule", "refused_by_column")


def _sorted(counts: Counter[str]) -> dict[str, int]:
    return {name: number for name, number in counts.most_common() if number}
