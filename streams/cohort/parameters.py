"""How a population is released: k and its companions as data, presets by volume, and who is admitted.

The figures and their reasons: `research/cohort.md` §2, §6. A change is a record of the log; the hash of what was in
force is in every batch.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from typing import Self

from schemas.errors import MisuseError
from schemas.names import AgencyId

DEADLINES = (14, 21, 30, 60, 90, 180, 365)
"""Ticks; the presets by volume."""

VOLUME = 50
"""A deadline has to bring this many times k persons; then a row loses about a fifth of its detail, above it more."""

CONCENTRATED = 850
"""Thousandths of what arrived within a deadline; when one agency supplies more, classes get far too wide."""


@dataclass(frozen=True, slots=True)
class Tier:
    """An audience of the one grouping: later and with fewer columns than another, never grouped otherwise."""

    name: str
    lag: int = 0
    """Ticks after the first tier."""
    strict: bool = False
    """Withhold a sensitive cell also where it would be the same for all once one agency removes its own rows."""
    without: tuple[str, ...] = ()
    """Axes and sensitive columns that it does not get."""
    without_kinds: tuple[str, ...] = ()
    """Kinds of fact of which it gets no row."""


PARTNER = Tier("partner")
OPEN = Tier("open", lag=6, strict=True)


@dataclass(frozen=True, slots=True)
class Parameters:
    """The rule of one population; raises MisuseError when it is none."""

    k: int = 11
    """Persons of a class, at least."""
    net: int = 5
    """Persons of a class that do not come from its largest contributor, at least."""
    embargo: int = 1
    """Ticks before a row may leave."""
    deadline: int = 14
    """Ticks within which it leaves or is suppressed, when every tick comes."""
    hold: int = 50_000
    """Mean loss of a label, in millionths, up to which a class goes although nothing in it is due."""
    penalty: int = 100_000
    """What a split costs for each row that it keeps waiting, in millionths of one axis."""
    tiers: tuple[Tier, ...] = (PARTNER, OPEN)

    def __post_init__(self) -> None:
        if self.k < 2 or not 0 <= self.net <= self.k:  # noqa: PLR2004 - a class of one is no class
            raise MisuseError("k is at least 2, and net from 0 to k")
        if not 0 <= self.embargo < self.deadline:
            raise MisuseError("the embargo ends before the deadline")
        if not self.tiers or self.tiers[0].lag or len({tier.name for tier in self.tiers}) < len(self.tiers):
            raise MisuseError("the first tier has no lag, and each tier a name of its own")
        if any(tier.strict < self.tiers[0].strict or tier.lag < 0 for tier in self.tiers):
            raise MisuseError("no tier comes earlier or withholds less than the first")

    @property
    def hash(self) -> str:
        """Return what names exactly this rule, hexadecimal."""
        return sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()

    @classmethod
    def for_volume(cls, persons: int, ticks: int, k: int = 11) -> Self:
        """Return the preset for *persons* in *ticks*: the first deadline that brings 50 k of them.

        Raises ThinStreamError when none does.
        """
        return replace(cls(k=k), deadline=needed_deadline(persons, ticks, k))

    def weaker_than(self, other: "Parameters") -> bool:
        """Return whether a row would be protected less than under *other*."""
        fewer = self.k < other.k or self.net < other.net or self.embargo < other.embargo
        return fewer or any(not _covered(tier, other.tiers) for tier in self.tiers)

    def together_with(self, older: "Parameters") -> "Parameters":
        """Return this rule with whatever of *older* protects more."""
        embargo = max(self.embargo, older.embargo)
        deadline = max(self.deadline, embargo + 1)
        k, net = max(self.k, older.k), max(self.net, older.net)
        tiers = self.tiers if all(_covered(tier, older.tiers) for tier in self.tiers) else older.tiers
        return replace(self, k=k, net=net, embargo=embargo, deadline=deadline, tiers=tiers)


def _covered(tier: Tier, promised: tuple[Tier, ...]) -> bool:
    """Return whether *tier* shows no more, and nothing earlier, than was promised of it."""
    for each in promised:
        if each.name == tier.name:
            withholds = tier.strict >= each.strict and set(tier.without) >= set(each.without)
            withholds &= set(tier.without_kinds) >= set(each.without_kinds)
            return withholds and tier.lag >= each.lag
    return False


class ThinStreamError(MisuseError):
    """Too few persons arrive for the deadline; says which one would do."""

    code = "thin-stream"


def needed_deadline(persons: int, ticks: int, k: int) -> int:
    """Return the first deadline within which 50 k persons come; raise ThinStreamError when that is above a year."""
    for deadline in DEADLINES:
        if persons * deadline >= VOLUME * k * ticks:
            return deadline
    raise ThinStreamError(
        f"fewer than {VOLUME} k persons come within {DEADLINES[-1]} ticks: join a pooled population, "
        "or release the narrow set of columns (group, minor or adult, sub-region of exploitation)"
    )


def admit(parameters: Parameters, persons: int, ticks: int) -> None:
    """Raise ThinStreamError when *persons* in *ticks* are too few for the deadline of *parameters*."""
    if persons * parameters.deadline < VOLUME * parameters.k * ticks:
        needed = needed_deadline(persons, ticks, parameters.k)
        raise ThinStreamError(f"too few persons for a deadline of {parameters.deadline} ticks: it has to be {needed}")


def concentrated(supplied: Mapping[AgencyId, int]) -> bool:
    """Return whether one agency supplies more than 85 % of what arrived within a deadline."""
    total = sum(supplied.values())
    return bool(total) and max(supplied.values()) * 1000 > CONCENTRATED * total
