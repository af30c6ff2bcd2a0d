"""The topology in memory: organisations, topics and agreements, every template expanded."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pydantic import ConfigDict

from infra.topology.agreements import Agreement
from schemas.names import AgencyId, PartnerId, PrincipalId, TopicName

STRICT = ConfigDict(extra="forbid")
"""A key that we do not know is a mistake, not something to pass over."""

State = Literal["open", "closed"]
Signed = Literal["always", "once-registered", "optional"]
Channel = Literal[
    "source",
    "ledger",
    "personal",
    "pseudonymous",
    "stage",
    "hub",
    "anon.partner",
    "anon.open",
    "facts.partner",
    "facts.open",
]
"""How a topic carries a contract; `hub` is a record of the hub's own, not derived from an event."""

SETTINGS_OF_EVERY_TOPIC: Mapping[str, str] = {
    "cleanup.policy": "delete",  # compaction would remove records that a replay needs
    # Retention counts from the broker's clock: a sender with a wrong or simulated clock must not have
    # its records deleted early, or refused as too far in the future.
    "message.timestamp.type": "LogAppendTime",
}
DAY_MS = 86_400_000
RANDOM_IDS = frozenset({"case_id", "batch_id", "tick"})
"""What the hub may use as a key: random, of a whole batch, or a day: says nothing of whom it stands for."""
TRUNCATOR = PrincipalId("hub-truncator")
MARKER = PrincipalId("hub-intake")
"""Who else writes to the topics of agencies, so that their segments end: who writes the ledger gains nothing by it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agency:
    """An organisation that publishes; its id is its principal."""

    __pydantic_config__ = STRICT
    id: AgencyId
    name: str
    kind: str
    country: str
    """ISO 3166-1 alpha-3."""
    sealed_only: bool = False
    """Whether its events are refused unless they are sealed to the hub's key."""
    signed: Signed = "once-registered"
    """When its events are refused unless they are signed: always, once it has a key, or never (`optional`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Partner:
    """An audience with a feed of its own; its id is its principal."""

    id: PartnerId
    name: str
    kind: str
    country: str | None = None
    """ISO 3166-1 alpha-3; None for an international organisation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Processor:
    """A part of the hub that connects to the broker."""

    __pydantic_config__ = STRICT
    id: PrincipalId
    purpose: str
    transactional: bool = False
    superuser: bool = False

    @property
    def transactional_prefix(self) -> str:
        """Return the start of its transactional ids; ends in a dot, so that no other id shares it."""
        return f"hub.{self.id.removeprefix('hub-')}."


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """Who answers for the hub's own topics."""

    __pydantic_config__ = STRICT
    id: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """An audience of released cohorts."""

    __pydantic_config__ = STRICT
    id: str
    name: str
    lag_ticks: int = 0
    """After the first tier."""
    strict: bool = False
    """Whether a sensitive cell is withheld also where it would be the same for all but one agency's rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Population:
    """Persons who are counted together, and the event types that speak of them."""

    __pydantic_config__ = STRICT
    id: str
    name: str
    event_types: tuple[str, ...]
    axes: tuple[str, ...] = ()
    """Columns by which its rows are grouped."""
    k: int = 11
    """Persons of a class, at least."""
    net: int = 5
    """Persons of a class that do not come from its largest contributor, at least."""
    embargo_ticks: int = 1
    deadline_ticks: int = 14


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """What one principal may use of the broker before it is slowed down; None: as much as there is."""

    __pydantic_config__ = STRICT
    write_bytes_s: float | None = None
    read_bytes_s: float | None = None
    request_percent: float | None = None
    """Of the time of one thread of the broker."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quotas:
    """Quotas by kind of principal, and of those who have one of their own. The hub's own parts have none."""

    __pydantic_config__ = STRICT
    agency: Quota = field(default_factory=Quota)
    partner: Quota = field(default_factory=Quota)
    exceptions: Mapping[str, Quota] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Carried:
    """A contract that a topic carries, and in which form."""

    contract: str
    channel: Channel


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """One topic, with who answers for it, who may do what on it, and what it carries."""

    name: TopicName
    family: str
    """The template it comes from, such as `in.<agency>`."""
    owner: str
    purpose: str
    partitions: int
    retention_days: int | None
    """None: kept for ever."""
    settings: Mapping[str, str] = field(default_factory=dict)
    max_message_bytes: int
    writers: tuple[PrincipalId, ...]
    readers: tuple[PrincipalId, ...]
    deleters: tuple[PrincipalId, ...] = ()
    state: State = "open"
    personal: bool
    carries: tuple[Carried, ...] = ()
    key: str = ""
    """What its records have as their key: a random id of the hub or a field; empty for records without a key."""
    headers: tuple[str, ...] = ()
    """What its records have as headers, each like a key."""

    @property
    def config(self) -> dict[str, str]:
        """Return the complete configuration that the topic has on the broker."""
        retention_ms = -1 if self.retention_days is None else self.retention_days * DAY_MS
        own = {"retention.ms": str(retention_ms), "max.message.bytes": str(self.max_message_bytes)}
        return {**SETTINGS_OF_EVERY_TOPIC, **own, **self.settings}


@dataclass(frozen=True, slots=True, kw_only=True)
class ScramUser:
    """A principal that signs in with a password."""

    name: PrincipalId


@dataclass(frozen=True, slots=True, kw_only=True)
class Topology:
    """Everything that the servers must know, expanded; see `check.problems_of` for its rules."""

    operator: Operator
    agencies: tuple[Agency, ...]
    partners: tuple[Partner, ...]
    processors: tuple[Processor, ...]
    tiers: tuple[Tier, ...]
    populations: tuple[Population, ...]
    event_types: Mapping[str, tuple[str, ...]]
    """What an agency of each kind may publish."""
    topics: tuple[Topic, ...]
    agreements: tuple[Agreement, ...]
    quotas: Quotas = field(default_factory=Quotas)

    def principals(self) -> tuple[PrincipalId, ...]:
        """Return everyone who may connect, superusers included, in alphabetical order."""
        parts = {str(part.id) for part in self.processors}
        return tuple(PrincipalId(name) for name in sorted(self.organisations() | parts))

    def organisations(self) -> frozenset[str]:
        """Return the ids of agencies and partners: whoever is no part of the hub."""
        return frozenset({str(agency.id) for agency in self.agencies} | {str(partner.id) for partner in self.partners})

    def superusers(self) -> frozenset[PrincipalId]:
        """Return the principals that the broker itself lets do everything."""
        return frozenset(part.id for part in self.processors if part.superuser)

    def scram_users(self) -> tuple[ScramUser, ...]:
        """Return who gets a password from `apply`; a superuser has one since the broker was made."""
        return tuple(ScramUser(name=name) for name in self.principals() if name not in self.superusers())

    def agency(self, agency_id: str) -> Agency | None:
        """Return the agency of this id, None when there is none."""
        return next((agency for agency in self.agencies if agency.id == agency_id), None)

    def partner(self, partner_id: str) -> Partner | None:
        """Return the partner of this id, None when there is none."""
        return next((partner for partner in self.partners if partner.id == partner_id), None)

    def topic(self, name: str) -> Topic | None:
        """Return the topic of this name, None when there is none."""
        return next((topic for topic in self.topics if topic.name == name), None)

    def permitted(self, agency_id: str) -> tuple[str, ...]:
        """Return the event types that this agency may publish; none for an unknown agency."""
        agency = self.agency(agency_id)
        return () if agency is None else tuple(self.event_types.get(agency.kind, ()))

    def reads(self, principal: str) -> tuple[TopicName, ...]:
        """Return the topics that *principal* may read."""
        return tuple(topic.name for topic in self.topics if principal in topic.readers)

    def writes(self, principal: str) -> tuple[TopicName, ...]:
        """Return the topics that *principal* may write."""
        return tuple(topic.name for topic in self.topics if principal in topic.writers)


def group_prefix(principal: str) -> str:
    """Return the start of every consumer group of *principal*; ends in a dot, which no id contains."""
    return f"{principal}."


def load_topology(path: Path | None = None) -> Topology:
    """Return the topology in *path*, by default this package's; raise InvalidTopologyError."""
    from infra.topology.load import load

    return load(path)
