"""Access control lists, generated from who writes and reads what: nobody gets any other right."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from infra.topology.model import Topology, group_prefix
from schemas.names import PrincipalId

Resource = Literal["topic", "group", "transactional_id"]
Pattern = Literal["literal", "prefixed"]
Operation = Literal["read", "write", "describe", "delete"]


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Acl:
    """One permission of one principal. Ours all allow, from any host; the rest is what others made."""

    principal: str
    resource: str
    name: str
    pattern: str
    operation: str
    permission: str = "allow"
    host: str = "*"

    def __str__(self) -> str:
        star = "*" if self.pattern == "prefixed" else ""
        may = "may" if self.permission == "allow" else "may not"
        where = "" if self.host == "*" else f" from {self.host}"
        return f"{self.principal} {may} {self.operation} {self.resource} {self.name}{star}{where}"


def acls(topology: Topology) -> frozenset[Acl]:
    """Return every permission of the topology: topics literal, groups and transactional ids prefixed.

    An idempotent producer needs no permission on the cluster; agencies get none for transactions,
    because an open one would stall intake (design 12.4).
    """
    superusers = topology.superusers()
    return frozenset(acl for acl in _all(topology) if acl.principal not in superusers)


def _all(topology: Topology) -> Iterator[Acl]:
    for topic in topology.topics:
        rights: tuple[tuple[Operation, tuple[PrincipalId, ...]], ...] = (
            ("write", topic.writers),
            ("read", topic.readers),
            ("delete", topic.deleters),
        )
        for operation, principals in rights:
            for principal in principals:
                yield from _with_describe(principal, "topic", topic.name, "literal", operation)
    for principal in topology.principals():
        if topology.reads(principal):
            yield from _with_describe(principal, "group", group_prefix(principal), "prefixed", "read")
    for part in topology.processors:
        if part.transactional:
            yield from _with_describe(part.id, "transactional_id", part.transactional_prefix, "prefixed", "write")


def _with_describe(
    principal: str, resource: Resource, name: str, pattern: Pattern, operation: Operation
) -> Iterator[Acl]:
    for each in (operation, "describe"):
        yield Acl(principal=principal, resource=resource, name=name, pattern=pattern, operation=each)
