"""How many persons were suppressed, told only in steps of 0 or at least k."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from schemas.names import AgencyId
from streams.cohort.parameters import Parameters
from streams.cohort.rows import Row


@dataclass(frozen=True, slots=True)
class Steps:
    """A counter of persons that nobody can watch one of: it moves when what is untold could be a class."""

    told: int = 0
    untold: int = 0
    by_agency: Mapping[AgencyId, int] = field(default_factory=dict)
    """Of the untold ones."""

    def with_more(self, rows: Iterable[Row]) -> "Steps":
        """Return the counter with *rows*, none of them told yet."""
        added = list(rows)
        if not added:
            return self
        supplied = Counter(self.by_agency)
        for row in added:
            supplied.update(row.agencies)
        return Steps(self.told, self.untold + len(added), dict(sorted(supplied.items())))

    def step(self, rule: Parameters) -> tuple["Steps", int]:
        """Return the counter after a tick, and what it moved by: 0 or at least k, `net` of them of other agencies."""
        largest = max(self.by_agency.values(), default=0)
        if self.untold < rule.k or self.untold - largest < rule.net:
            return self, 0
        return Steps(self.told + self.untold), self.untold
