"""The authorisation matrix: for each principal, resource and operation whether the topology allows it. Pure.

It is made from who writes, reads and deletes what, not from the permissions that `acls` makes of the same: a mistake
there shows as a difference here.

Kafka has one right for deleting records and for deleting their topic; here it is `delete`.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from infra.topology.model import Topic, Topology

Resource = Literal["topic", "group", "transactional_id", "cluster"]
TOPIC_OPERATIONS = ("write", "read", "describe", "delete", "create", "alter", "describe_configs", "alter_configs")
GROUP_OPERATIONS = ("read", "describe", "delete")
TRANSACTIONAL_ID_OPERATIONS = ("write", "describe")
CLUSTER_OPERATIONS = (
    "describe_acls",
    "create_acls",
    "delete_acls",
    "describe_users",
    "alter_users",
    "describe_configs",
    "alter_configs",
    "describe_quotas",
    "alter_quotas",
)
CLUSTER = "kafka-cluster"
"""The name that Kafka gives to the whole of itself."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Cell:
    """Whether one principal may do one thing to one resource."""

    principal: str
    resource: Resource
    name: str
    """A topic; whose groups, by their owner; the start of transactional ids; or `kafka-cluster`."""
    operation: str
    allowed: bool

    def __str__(self) -> str:
        may = "may" if self.allowed else "may not"
        return f"{self.principal} {may} {self.operation} {self.resource} {self.name}"


def cells(topology: Topology) -> tuple[Cell, ...]:
    """Return every cell, those of one principal together, in the order of the principals."""
    return tuple(cell for principal in topology.principals() for cell in cells_of(topology, principal))


def cells_of(topology: Topology, principal: str) -> tuple[Cell, ...]:
    """Return every cell of *principal*."""
    everything = principal in topology.superusers()
    return tuple(
        Cell(principal=principal, resource=resource, name=name, operation=operation, allowed=allowed or everything)
        for resource, name, operation, allowed in _rights(topology, principal)
    )


def _rights(topology: Topology, principal: str) -> Iterator[tuple[Resource, str, str, bool]]:
    for topic in topology.topics:
        held = _held_on(topic, principal)
        for operation in TOPIC_OPERATIONS:
            yield "topic", topic.name, operation, operation in held
    for owner in topology.principals():
        joins = owner == principal and bool(topology.reads(principal))
        for operation in GROUP_OPERATIONS:
            yield "group", owner, operation, joins and operation != "delete"
    own = next((part for part in topology.processors if part.id == principal and part.transactional), None)
    prefixes = {part.transactional_prefix for part in topology.processors if part.transactional} | {f"{principal}."}
    for prefix in sorted(prefixes):
        for operation in TRANSACTIONAL_ID_OPERATIONS:
            yield "transactional_id", prefix, operation, own is not None and own.transactional_prefix == prefix
    for operation in CLUSTER_OPERATIONS:
        yield "cluster", CLUSTER, operation, False


def _held_on(topic: Topic, principal: str) -> frozenset[str]:
    """Return what *principal* may do on *topic*: whoever may do anything with it may also see that it is there."""
    sides = {"write": topic.writers, "read": topic.readers, "delete": topic.deleters}
    held = {operation for operation, principals in sides.items() if principal in principals}
    return frozenset(held | {"describe"} if held else held)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How many cells there are."""

    cells: int
    allowed: int
    forbidden: int
    by_resource: Mapping[str, int]


def counts_of(found: tuple[Cell, ...]) -> Counts:
    """Count *found*."""
    allowed = sum(cell.allowed for cell in found)
    return Counts(
        cells=len(found),
        allowed=allowed,
        forbidden=len(found) - allowed,
        by_resource=dict(Counter(str(cell.resource) for cell in found)),
    )
