"""The rules about quotas: nobody outside the hub is without, and none is so small that nothing passes."""

from collections.abc import Callable, Iterator
from dataclasses import fields

from infra.topology.model import Quota, Topology
from infra.topology.quotas import quota_of
from schemas.errors import Problem

Check = Callable[[Topology], Iterator[Problem]]

WINDOW_S = 10
"""Over which the broker averages: what one message takes of it, the next ones wait for."""


def _everybody_outside_is_limited(topology: Topology) -> Iterator[Problem]:
    for organisation in sorted(topology.organisations()):
        quota = quota_of(topology, organisation)
        missing = [each.name for each in fields(Quota) if getattr(quota, each.name) is None]
        if missing:
            yield Problem(organisation, "limited", f"give it, or its kind, {', '.join(missing)} in quotas")


def _limits_let_a_message_pass(topology: Topology) -> Iterator[Problem]:
    for topic in topology.topics:
        for principal in topic.writers:
            limit = quota_of(topology, principal).write_bytes_s
            if limit is not None and limit * WINDOW_S < topic.max_message_bytes:
                yield Problem(
                    str(principal),
                    "passable",
                    f"allow {topic.max_message_bytes // WINDOW_S + 1} bytes a second at least",
                )
    stated = {"agency": topology.quotas.agency, "partner": topology.quotas.partner, **topology.quotas.exceptions}
    for name, quota in stated.items():
        if any((limit := getattr(quota, each.name)) is not None and limit <= 0 for each in fields(Quota)):
            yield Problem(f"quotas.{name}", "passable", "a limit is more than nothing: take permissions away instead")


def _known_exceptions(topology: Topology) -> Iterator[Problem]:
    for name in sorted(topology.quotas.exceptions.keys() - set(map(str, topology.principals()))):
        yield Problem(f"quotas.exceptions.{name}", "known-principals", "name only principals of this file")


QUOTA_CHECKS: dict[str, Check] = {
    "limited": _everybody_outside_is_limited,
    "passable": _limits_let_a_message_pass,
    "known-exceptions": _known_exceptions,
}
