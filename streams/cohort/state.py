"""What a population remembers between two records, and what a step comes to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from schemas.names import AgencyId
from streams.cohort.batches import Batch
from streams.cohort.parameters import Parameters
from streams.cohort.records import Notice
from streams.cohort.rows import Kind, Layout, Place, Row, RowId, Tick
from streams.cohort.suppression import Steps


@dataclass(frozen=True, slots=True)
class Awaited:
    """A weaker rule, in force once no row waits that was promised more."""

    parameters: Parameters
    since: Place


@dataclass(frozen=True, slots=True)
class State:
    """All that a decision may depend on beside the record; as small as what waits."""

    layout: str
    """Fingerprint of the layout under which the rows wait."""
    rule: Parameters
    next_position: int = 0
    tick: Tick | None = None
    ticker: int = 0
    pending: Mapping[RowId, Row] = field(default_factory=lambda: MappingProxyType({}))
    embargoed: tuple[Batch, ...] = ()
    """Batches of later tiers; made when the first tier's was, and never again."""
    suppressed: Steps = field(default_factory=Steps)
    recent: tuple[tuple[Tick, Mapping[AgencyId, int]], ...] = ()
    """New rows by agency, of the ticks of one deadline."""
    awaited: Awaited | None = None
    halted: str = ""
    """The rules that the check found broken; empty when it runs."""

    @classmethod
    def first(cls, layout: Layout, rule: Parameters) -> "State":
        """Return the state of a population of which nothing was read."""
        return cls(layout.fingerprint, rule)


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """What the release ledger keeps of a tick: enough that nothing ever leaves twice, nothing of a person."""

    tick: Tick
    batches: tuple[tuple[str, str, str], ...]
    """Tier, id and digest of each."""
    classes: tuple[tuple[Kind, tuple[str | None, ...], int], ...]
    """Kind, label and size."""
    marks: tuple[bytes, ...]
    """Of the rows that left, sorted: their order tells nothing."""
    oldest_pending: Place | None
    """Where a rebuild has to read from."""
    parameters: str
    layout: str


@dataclass(frozen=True, slots=True)
class Step:
    """What some records come to; all of it is committed in one transaction, or none."""

    state: State
    leaving: tuple[Batch, ...] = ()
    """In order; each once."""
    entries: tuple[LedgerEntry, ...] = ()
    spent: frozenset[bytes] = frozenset()
    """Marks of rows that shall never leave again: left, suppressed, or of a person whose row has left."""
    notices: tuple[Notice, ...] = ()
