"""A projection as data and one pure function: what it reads, which tables it fills, what an event adds to them."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib.resources import files

from infra.topology.model import Topology
from projections.rows import Row, Rows, Table, fold
from schemas.catalogue import contracts
from schemas.codec import Record
from schemas.names import TopicName

Countries = Mapping[str, str | None]
"""Country (ISO 3166-1 alpha-3) of each agency and partner; None for an international organisation."""

FAMILY_OF: Mapping[str, str] = {found.name: found.family for found in contracts()}
"""Family of each event type."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One decoded record of a topic; personal fields in it are sealed."""

    topic: TopicName
    offset: int
    key: bytes | None
    name: str
    """Type of the record, such as `PersonIdentified` on the ledger, `Receipt`, `Decision`."""
    record: Record = field(repr=False)


RowsOf = Callable[[Event, Countries], Iterator[Row]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """One view of a projection for people."""

    title: str
    view: str
    """A view of the schema `projections`."""


@dataclass(frozen=True, kw_only=True)
class Projection:
    """One read model."""

    name: str
    title: str
    version: int
    """Raised by whoever changes what `rows_of` means: what was folded before has to be folded again."""
    definition: str = field(repr=False)
    """SQL of its tables and views, names unqualified: each generation has a schema of its own."""
    families: tuple[str, ...]
    """Topic families that it reads, such as `receipts.<agency>`."""
    events: frozenset[str] | None = None
    """Names of the records that add something, None for all; others are not even decoded."""
    tables: tuple[Table, ...]
    sheets: tuple[Sheet, ...]
    rows_of: RowsOf
    """What one event adds; pure."""

    @cached_property
    def fingerprint(self) -> str:
        """Same as that of a generation: this code may fold into it."""
        events = None if self.events is None else sorted(self.events)
        parts = (self.version, self.definition, self.families, events, self.tables)
        return hashlib.sha256(repr(parts).encode()).hexdigest()[:32]

    def reads(self, name: str) -> bool:
        """Whether a record of this name adds something."""
        return self.events is None or name in self.events

    def topics(self, topology: Topology) -> tuple[TopicName, ...]:
        """Return the topics that it reads."""
        return tuple(topic.name for topic in topology.topics if topic.family in self.families)

    def apply(self, events: list[Event], countries: Countries) -> Rows:
        """Return what *events* of one partition, in order, add to the tables; pure."""
        return fold(row for event in events for row in self.rows_of(event, countries))


def definition_of(name: str) -> str:
    """Return the SQL beside the module of the projection *name*."""
    return files("projections").joinpath(f"{name}.sql").read_text(encoding="utf-8")


def countries_of(topology: Topology) -> Countries:
    """Return the country of everybody in *topology*."""
    partners: dict[str, str | None] = {str(partner.id): partner.country for partner in topology.partners}
    return partners | {str(agency.id): agency.country for agency in topology.agencies}
