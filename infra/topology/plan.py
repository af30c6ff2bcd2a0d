"""The difference between the topology and the servers, as a list of changes. Pure: no server is spoken to.

Rule 1: no change deletes data. A topic that the topology does not know is reported, never deleted.
Rule 2: partitions of a topic never change: the order per key depends on them.
Rule 3: a permission that the topology does not know is removed; a user only with `prune`.
Rule 4: changes that open something come after those that make it: topics, users, their limits, then permissions.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import reduce

from infra.topology.acls import Acl, acls
from infra.topology.model import Topology
from infra.topology.quotas import Entity, SetQuota, quota_changes, with_quota
from infra.topology.subjects import Subject

COMPATIBILITY = "FULL_TRANSITIVE"
INTERNAL = "__"
"""With which the broker's own topics begin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicState:
    """A topic as the broker has it; `config` holds only what was set on the topic itself."""

    partitions: int
    config: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Servers:
    """What the servers have, or should have."""

    topics: Mapping[str, TopicState] = field(default_factory=dict)
    users: frozenset[str] = frozenset()
    acls: frozenset[Acl] = frozenset()
    quotas: Mapping[Entity, Mapping[str, float]] = field(default_factory=dict)
    compatibility: str = ""
    schemas: frozenset[tuple[str, str]] = frozenset()
    """(subject, fingerprint)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateTopic:
    """A topic that does not exist."""

    name: str
    partitions: int
    config: Mapping[str, str]

    def __str__(self) -> str:
        return f"create topic {self.name} with {self.partitions} partition{'s' * (self.partitions > 1)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigureTopic:
    """Settings of a topic that differ; None takes the setting away."""

    name: str
    settings: Mapping[str, str | None]

    def __str__(self) -> str:
        shown = ", ".join(
            f"{key} = {value}" if value is not None else f"{key} no longer set"
            for key, value in sorted(self.settings.items())
        )
        return f"configure topic {self.name}: {shown}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AddUser:
    """A principal without a password on the broker."""

    name: str

    def __str__(self) -> str:
        return f"add user {self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveUser:
    """A user that the topology does not know."""

    name: str

    def __str__(self) -> str:
        return f"remove user {self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AddAcl:
    """A permission that is missing."""

    acl: Acl

    def __str__(self) -> str:
        return f"permit: {self.acl}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveAcl:
    """A permission that the topology does not know."""

    acl: Acl

    def __str__(self) -> str:
        return f"no longer permit: {self.acl}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SetCompatibility:
    """The registry's rule for new versions differs."""

    level: str

    def __str__(self) -> str:
        return f"set the compatibility of every subject to {self.level}"


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterSchema:
    """A schema that its subject does not hold."""

    subject: Subject

    def __str__(self) -> str:
        return f"register schema {self.subject.name} ({self.subject.fingerprint[:12]})"


Change = (
    CreateTopic
    | ConfigureTopic
    | AddUser
    | RemoveUser
    | SetQuota
    | AddAcl
    | RemoveAcl
    | SetCompatibility
    | RegisterSchema
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What `apply` would do, and what it leaves to a person."""

    changes: tuple[Change, ...]
    notices: tuple[str, ...] = ()


def plan(
    topology: Topology,
    subjects: tuple[Subject, ...],
    actual: Servers,
    *,
    prune: bool = False,
    reset_passwords: bool = False,
) -> Plan:
    """Return what makes *actual* as the topology says; applied, the next plan has no change."""
    wanted_users = {str(user.name) for user in topology.scram_users()}
    wanted_acls = acls(topology)
    strangers = sorted(actual.users - wanted_users - {str(name) for name in topology.superusers()})
    changes: list[Change] = [*_topics(topology, actual)]
    changes += [AddUser(name=name) for name in sorted(wanted_users - (set() if reset_passwords else actual.users))]
    changes += quota_changes(topology, actual.quotas)
    changes += [RemoveAcl(acl=acl) for acl in sorted(actual.acls - wanted_acls)]
    changes += [AddAcl(acl=acl) for acl in sorted(wanted_acls - actual.acls)]
    changes += [RemoveUser(name=name) for name in strangers if prune]
    changes += schema_changes(subjects, actual)
    notices = [f"user {name} is not in the topology; remove it with --prune" for name in strangers if not prune]
    return Plan(changes=tuple(changes), notices=(*_topic_notices(topology, actual), *notices))


def schema_changes(subjects: Iterable[Subject], actual: Servers) -> list[Change]:
    """Return what makes the registry hold *subjects*, its rule first."""
    rule: list[Change] = [] if actual.compatibility == COMPATIBILITY else [SetCompatibility(level=COMPATIBILITY)]
    missing = [each for each in subjects if (each.name, each.fingerprint) not in actual.schemas]
    return [*rule, *(RegisterSchema(subject=each) for each in missing)]


def _topics(topology: Topology, actual: Servers) -> Iterator[Change]:
    for topic in topology.topics:
        found = actual.topics.get(topic.name)
        if found is None:
            yield CreateTopic(name=topic.name, partitions=topic.partitions, config=topic.config)
            continue
        settings: dict[str, str | None] = {
            key: value for key, value in topic.config.items() if found.config.get(key) != value
        }
        settings |= dict.fromkeys(found.config.keys() - topic.config.keys())
        if settings:
            yield ConfigureTopic(name=topic.name, settings=settings)


def _topic_notices(topology: Topology, actual: Servers) -> Iterator[str]:
    for topic in topology.topics:
        found = actual.topics.get(topic.name)
        if found is not None and found.partitions != topic.partitions:
            yield (
                f"topic {topic.name} has {found.partitions} partitions and should have {topic.partitions}; "
                "partitions of an existing topic are never changed, because order depends on them"
            )
    for name in sorted(actual.topics.keys() - {topic.name for topic in topology.topics}):
        if not name.startswith(INTERNAL):
            yield f"topic {name} is not in the topology; it stays, delete it by hand when its data may go"


def applied(actual: Servers, changes: tuple[Change, ...]) -> Servers:
    """Return the servers after *changes*: what `apply` does, in memory."""
    topics, users, permissions = dict(actual.topics), set(actual.users), set(actual.acls)
    compatibility, schemas = actual.compatibility, set(actual.schemas)
    for change in changes:
        match change:
            case CreateTopic():
                topics[change.name] = TopicState(partitions=change.partitions, config=change.config)
            case ConfigureTopic():
                merged: dict[str, str | None] = {**topics[change.name].config, **change.settings}
                kept = {key: value for key, value in merged.items() if value is not None}
                topics[change.name] = TopicState(partitions=topics[change.name].partitions, config=kept)
            case AddUser():
                users.add(change.name)
            case RemoveUser():
                users.discard(change.name)
            case AddAcl():
                permissions.add(change.acl)
            case RemoveAcl():
                permissions.discard(change.acl)
            case SetCompatibility():
                compatibility = change.level
            case RegisterSchema():
                schemas.add((change.subject.name, change.subject.fingerprint))
    return Servers(
        topics=topics,
        users=frozenset(users),
        acls=frozenset(permissions),
        quotas=reduce(with_quota, (each for each in changes if isinstance(each, SetQuota)), dict(actual.quotas)),
        compatibility=compatibility,
        schemas=frozenset(schemas),
    )
