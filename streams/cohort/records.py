"""What the log of a population says: persons, ticks, withdrawals, merges, changes of the rule. Positions only grow."""

from dataclasses import dataclass
from enum import StrEnum

from schemas.names import AgencyId, SubjectId
from streams.cohort.parameters import Parameters
from streams.cohort.rows import Kind, Place, Tick


@dataclass(frozen=True, slots=True)
class Fact:
    """What an event tells of one person."""

    subject: SubjectId
    kind: Kind
    values: tuple[int, ...]
    """A node of each axis."""
    sensitive: tuple[str | None, ...]
    """A code of each sensitive column of the kind."""


@dataclass(frozen=True, slots=True)
class Arrived:
    """An event with facts of one or several persons."""

    position: int
    agency: AgencyId
    facts: tuple[Fact, ...]


@dataclass(frozen=True, slots=True)
class Ticked:
    """A day has come; nothing else releases anything."""

    position: int
    tick: Tick
    ticker: int
    """Number of the ticker's term; one of an earlier term is stale, whatever it says."""


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """A person withdrew or was erased: what waits goes, what has left stays, nothing of the person leaves any more."""

    position: int
    subject: SubjectId
    also: tuple[SubjectId, ...] = ()
    """Other ids of the same person."""


@dataclass(frozen=True, slots=True)
class Merged:
    """Two subjects are one person, known by the older from now on."""

    position: int
    older: SubjectId
    younger: SubjectId


@dataclass(frozen=True, slots=True)
class Changed:
    """Another rule, or the wish for other ladders."""

    position: int
    parameters: Parameters
    layout: str
    """Fingerprint of the layout that the rule was made for."""


@dataclass(frozen=True, slots=True)
class Resumed:
    """An operator has mended what halted the population."""

    position: int


Record = Arrived | Ticked | Withdrawn | Merged | Changed | Resumed


class Told(StrEnum):
    """What an operator is told of; never with a value or a count of persons."""

    SEEN_BEFORE = "seen-before"
    """A position below what was read: a repeated delivery, passed over."""
    FACT_REPEATED = "fact-repeated"
    """The person has a row of this kind: waiting (the agency is added), or it has left (nothing happens)."""
    STALE_TICK = "stale-tick"
    """Not after the last tick: passed over."""
    STALE_TICKER = "stale-ticker"
    """A ticker of an earlier term: passed over."""
    TICKS_MISSED = "ticks-missed"
    """Days without a tick are skipped; rows may be older than the deadline by as many."""
    RULE_CHANGED = "rule-changed"
    RULE_WAITS = "rule-waits"
    """It would protect waiting rows less than promised: until these have left, the stricter of both holds."""
    LADDERS_DIFFER = "ladders-differ"
    """A change made for other ladders is refused; the rule in force stays."""
    STARVED = "starved"
    """Too few persons for a class within the whole deadline: due rows were suppressed."""
    CONCENTRATED = "concentrated"
    """One agency supplies more than 85 % of what arrived within a deadline."""
    HALTED = "halted"
    """The independent check refused what would have left: nothing leaves until an operator resumes; no row is lost."""
    RESUMED = "resumed"


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that an operator sees, with where in the log it was decided."""

    told: Told
    place: Place
    detail: str = ""
    """Stable codes only, such as the rules that the check found broken."""
