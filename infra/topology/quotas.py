"""How much the broker takes from and gives to each principal before it slows it down. Pure.

Quotas are per user, so that another client id or another connection gains nothing. The broker averages over its window
(11 samples of a second): a burst passes, a flood waits. It delays answers and loses nothing.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields

from infra.topology.model import Quota, Topology

Entity = tuple[tuple[str, str | None], ...]
"""Whom a quota is for, as the broker has it: ("user", name); a name of None is the default."""

KAFKA_NAMES: Mapping[str, str] = {
    "write_bytes_s": "producer_byte_rate",
    "read_bytes_s": "consumer_byte_rate",
    "request_percent": "request_percentage",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SetQuota:
    """Limits of a principal that differ; None takes the limit away."""

    entity: Entity
    limits: Mapping[str, float | None]

    def __str__(self) -> str:
        whom = ", ".join(f"{kind} {name or '(default)'}" for kind, name in self.entity)
        shown = ", ".join(
            f"{key} = {value:g}" if value is not None else f"{key} no longer set"
            for key, value in sorted(self.limits.items())
        )
        return f"limit {whom}: {shown}"


def quota_of(topology: Topology, principal: str) -> Quota:
    """Return the limits of *principal*: its own, else those of its kind; the wider ones for both agency and partner."""
    own = topology.quotas.exceptions.get(principal)
    if own is not None:
        return own
    kinds = topology.quotas
    held = [kinds.agency] if topology.agency(principal) else []
    held += [kinds.partner] if topology.partner(principal) else []
    return Quota(**{each.name: _widest([getattr(quota, each.name) for quota in held]) for each in fields(Quota)})


def quotas(topology: Topology) -> dict[Entity, dict[str, float]]:
    """Return the limits of every principal that has any, under the broker's names."""
    found: dict[Entity, dict[str, float]] = {}
    for principal in topology.principals():
        quota = quota_of(topology, principal)
        limits = {KAFKA_NAMES[each.name]: getattr(quota, each.name) for each in fields(Quota)}
        if set_ones := {key: float(value) for key, value in limits.items() if value is not None}:
            found[("user", str(principal)),] = set_ones
    return found


def quota_changes(topology: Topology, actual: Mapping[Entity, Mapping[str, float]]) -> Iterator[SetQuota]:
    """Yield what makes *actual* as the topology says; a limit that it does not know goes."""
    wanted = quotas(topology)
    for entity in sorted(wanted.keys() | actual.keys(), key=str):
        has, should = actual.get(entity, {}), wanted.get(entity, {})
        limits: dict[str, float | None] = {key: value for key, value in should.items() if has.get(key) != value}
        limits |= dict.fromkeys(has.keys() - should.keys())
        if limits:
            yield SetQuota(entity=entity, limits=limits)


def with_quota(actual: Mapping[Entity, Mapping[str, float]], change: SetQuota) -> dict[Entity, Mapping[str, float]]:
    """Return *actual* after *change*: what the broker makes of it, in memory."""
    merged = {**actual.get(change.entity, {}), **change.limits}
    kept = {key: value for key, value in merged.items() if value is not None}
    others = {entity: limits for entity, limits in actual.items() if entity != change.entity}
    return {**others, change.entity: kept} if kept else others


def _widest(limits: list[float | None]) -> float | None:
    """Return the largest of *limits*; none at all is the widest."""
    known = [limit for limit in limits if limit is not None]
    return max(known) if known and len(known) == len(limits) else None
