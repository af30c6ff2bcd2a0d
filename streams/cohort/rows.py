"""A row: one person and one kind of fact, as they wait for their cohort."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import NamedTuple, NewType

from schemas.names import AgencyId, SubjectId
from streams.cohort.axes import Axis

Tick = NewType("Tick", int)
"""A UTC day number."""

Kind = NewType("Kind", str)
"""What is told of a person, such as `identified`; part of the label of a class."""


class Place(NamedTuple):
    """Where in the log a row came from: the offset of its event, and its number among the rows of that event."""

    position: int
    number: int


class RowId(NamedTuple):
    """One row for each of these, ever."""

    subject: SubjectId
    kind: Kind


@dataclass(frozen=True, slots=True)
class Row:
    """What is known of one person and kind of fact, frozen when first told."""

    id: RowId
    agencies: frozenset[AgencyId]
    """Who told it; a person whom two agencies report counts as supplied by both."""
    values: tuple[int, ...]
    """A node of each axis, at the finest level that the population permits, or coarser."""
    sensitive: tuple[str | None, ...]
    """A code of each sensitive column of the kind; None where not reported."""
    arrived: Tick
    """The last tick before it came; age is counted from here."""
    place: Place

    def age(self, now: Tick) -> int:
        """Return how many ticks it has waited at *now*."""
        return now - self.arrived


@dataclass(frozen=True, slots=True)
class Layout:
    """What the rows of one population hold; it never changes under a running population."""

    population: str
    axes: tuple[Axis, ...]
    kinds: Mapping[Kind, tuple[str, ...]]
    """Names of the sensitive columns of each kind of fact."""
    plain: frozenset[str] = frozenset()
    """Those of them that may say the same of everybody in a class."""

    @property
    def fingerprint(self) -> str:
        """Return what names this layout with its ladders, hexadecimal."""
        parts = [self.population, *(axis.fingerprint for axis in self.axes)]
        parts += [f"{kind}:{','.join(columns)}" for kind, columns in sorted(self.kinds.items())]
        parts += [f"plain:{name}" for name in sorted(self.plain)]
        return sha256("\n".join(parts).encode()).hexdigest()
