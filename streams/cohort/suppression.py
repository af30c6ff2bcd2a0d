"""How many persons were suppressed, told only in steps of 0 or at least k."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from schemas.names import AgencyId, SubjectId
from streams.cohort.parameters import Parameters
from streams.cohort.rows import Row

Mark = Callable[[SubjectId], bytes]
"""Gives what a person is remembered by until they are told: tells nothing without the key."""


@dataclass(frozen=True, slots=True)
class Steps:
    """A counter of persons that nobody can watch one of: it moves when the untold could be a class.

    A person whose rows of several kinds are suppressed is one; suppressed again after a step, the person is one again.
    """

    told: int = 0
    untold: Mapping[bytes, frozenset[AgencyId]] = field(default_factory=lambda: MappingProxyType({}))
    """By mark of the person, who supplied the rows."""

    def with_more(self, rows: Iterable[Row], mark: Mark) -> "Steps":
        """Return the counter with the persons of *rows*, none of whom is told yet."""
        untold = dict(self.untold)
        for row in rows:
            person = mark(row.id.subject)
            untold[person] = untold.get(person, frozenset()) | row.agencies
        return Steps(self.told, MappingProxyType(untold))

    def step(self, rule: Parameters) -> tuple["Steps", int]:
        """Return the counter after a tick, and what it moved by: 0 or at least k, `net` of them of other agencies."""
        persons = len(self.untold)
        supplied = Counter(agency for agencies in self.untold.values() for agency in agencies)
        if persons < rule.k or persons - max(supplied.values(), default=0) < rule.net:
            return self, 0
        return Steps(self.told + persons), persons
