"""The rules that a topology must keep, as one table of checks; all that is wrong is reported at once."""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import pairwise

import pycountry

from infra.topology.check_agreements import AGREEMENT_CHECKS
from infra.topology.check_content import CONTENT_CHECKS
from infra.topology.check_quotas import QUOTA_CHECKS
from infra.topology.load import InvalidTopologyError
from infra.topology.model import MARKER, TRUNCATOR, Topology
from schemas.errors import Problem

Check = Callable[[Topology], Iterator[Problem]]

ID = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
"""No dot, so that `<id>.` is a prefix of nobody else's groups."""
LEDGER = "ledger"
LEDGER_PARTITIONS = 6
PURPOSE_MIN_CHARS = 20
FOR_EVER = re.compile(
    r"in\.|anon\.|facts\.|totals\.|control\.|ledger$|cohorts$|decisions$|deliveries$|clock\.ticks$|roots\."
)
"""What a replay needs; in `in.*` nothing may go before intake has it."""
NON_PERSONAL = ("anon.", "facts.", "totals.")
OWN_TOPICS = ("in.", "receipts.", "roots.", "quarantine.")
"""What every agency has."""
PARTNER_TOPICS = ("to.", "acks.")
"""What every partner has."""
WRITTEN_BY_THEIR_OWN = ("in.", "acks.")
READ_BY_THEIR_OWN = ("receipts.", "roots.", "to.")


def problems_of(topology: Topology) -> tuple[Problem, ...]:
    """Return everything that is wrong with *topology*, in the order of the table."""
    return tuple(problem for check in CHECKS.values() for problem in check(topology))


def require_valid(topology: Topology) -> Topology:
    """Return *topology*; raise InvalidTopologyError with all its problems."""
    problems = problems_of(topology)
    if problems:
        raise InvalidTopologyError(problems)
    return topology


def _has_owner(topology: Topology) -> Iterator[Problem]:
    known = {str(name) for name in topology.principals()} | {topology.operator.id}
    for topic in topology.topics:
        if topic.owner not in known:
            yield Problem(topic.name, "has-owner", "name an agency, a partner or the operator as owner")


def _has_purpose(topology: Topology) -> Iterator[Problem]:
    stated = [(str(topic.name), topic.purpose) for topic in topology.topics]
    stated += [(str(part.id), part.purpose) for part in topology.processors]
    for name, purpose in stated:
        if len(purpose) < PURPOSE_MIN_CHARS or not purpose.endswith("."):
            yield Problem(name, "has-purpose", "say in a sentence what it is for")


def _has_retention(topology: Topology) -> Iterator[Problem]:
    for topic in topology.topics:
        if topic.retention_days is not None and topic.retention_days <= 0:
            yield Problem(topic.name, "has-retention", 'give the days as a positive number, or "for ever"')
        if FOR_EVER.match(topic.name) and topic.retention_days is not None:
            yield Problem(topic.name, "kept-for-ever", 'a replay needs it: retention_days = "for ever"')
        if topic.config["cleanup.policy"] != "delete":
            yield Problem(topic.name, "never-compacted", "remove cleanup.policy: a replay needs every record")


def _good_ids(topology: Topology) -> Iterator[Problem]:
    groups = (
        [str(agency.id) for agency in topology.agencies],
        [str(partner.id) for partner in topology.partners],
        [str(part.id) for part in topology.processors],
        [tier.id for tier in topology.tiers],
        [population.id for population in topology.populations],
    )
    for ids in groups:
        for name, times in Counter(ids).items():
            if not ID.fullmatch(name):
                yield Problem(name or "$", "good-id", "use lower-case words joined by hyphens, without dots")
            if times > 1:
                yield Problem(name, "unique-id", "use each id once")
    processors = {str(part.id) for part in topology.processors}
    for name in topology.organisations():
        if name in processors or name.startswith("hub-"):
            yield Problem(name, "reserved-id", "ids that begin with hub- are the hub's own")
    for name, times in Counter(str(topic.name) for topic in topology.topics).items():
        if times > 1:
            yield Problem(name, "unique-id", "use each topic once")


def _known_countries(topology: Topology) -> Iterator[Problem]:
    countries = [(str(agency.id), agency.country) for agency in topology.agencies]
    countries += [(str(partner.id), partner.country) for partner in topology.partners if partner.country]
    for name, country in countries:
        if pycountry.countries.get(alpha_3=country) is None:
            yield Problem(name, "known-country", "give the country as ISO 3166-1 alpha-3")


def _known_principals(topology: Topology) -> Iterator[Problem]:
    known = set(topology.principals())
    for topic in topology.topics:
        if not {*topic.writers, *topic.readers, *topic.deleters} <= known:
            yield Problem(topic.name, "known-principals", "name only agencies, partners and processors of this file")


def _no_orphans(topology: Topology) -> Iterator[Problem]:
    used = {name for topic in topology.topics for name in (*topic.writers, *topic.readers, *topic.deleters)}
    idle = {str(name) for name in topology.principals()} - {str(name) for name in used}
    for name in sorted(idle - {str(name) for name in topology.superusers()}):
        yield Problem(name, "orphan-principal", "it may neither write nor read anything: remove it or give it a topic")
    names = {str(topic.name) for topic in topology.topics}
    needed = [f"{prefix}{agency.id}" for agency in topology.agencies for prefix in OWN_TOPICS]
    needed += [f"{prefix}{partner.id}" for partner in topology.partners for prefix in PARTNER_TOPICS]
    for name in needed:
        if name not in names:
            yield Problem(name, "missing-topic", "add the topic, or remove who needs it")
    owned = re.compile(r"(?:in|receipts|roots|quarantine|to|acks)\.(.*)")
    members = topology.organisations()
    for topic in topology.topics:
        match = owned.fullmatch(topic.name)
        if match and match[1] not in members:
            yield Problem(topic.name, "orphan-topic", "it belongs to nobody of this file")
        if not topic.writers and topic.state == "open":
            yield Problem(topic.name, "orphan-topic", 'nobody writes it: name a writer, or state = "closed"')


def _closed_topics_have_no_writers(topology: Topology) -> Iterator[Problem]:
    for topic in topology.topics:
        if topic.state == "closed" and topic.writers:
            yield Problem(topic.name, "closed-topic", "nobody may write a closed topic: empty its writers")
        if topic.name.startswith(NON_PERSONAL) and topic.personal:
            yield Problem(topic.name, "closed-topic", "a non-personal channel cannot be personal")


def _partitions(topology: Topology) -> Iterator[Problem]:
    for topic in topology.topics:
        wanted = LEDGER_PARTITIONS if topic.name == LEDGER else 1
        if topic.partitions != wanted:
            yield Problem(topic.name, "partitions", f"it has {wanted} for ever (design 12.1)")


def _who_may_delete(topology: Topology) -> Iterator[Problem]:
    for topic in topology.topics:
        allowed = {TRUNCATOR} if topic.name.startswith("in.") else set()
        if not set(topic.deleters) <= allowed:
            yield Problem(topic.name, "who-may-delete", f"only {TRUNCATOR} may delete, and on in.* alone")


def _only_own_topics(topology: Topology) -> Iterator[Problem]:
    """Check that no organisation reaches another's topics, and that only the hub writes what others read."""
    outside = topology.organisations()
    for topic in topology.topics:
        writers, readers = outside & set(map(str, topic.writers)), outside & set(map(str, topic.readers))
        if any(topic.name not in {f"{own}{name}" for own in WRITTEN_BY_THEIR_OWN} for name in writers):
            yield Problem(
                topic.name,
                "only-own-topics",
                "an organisation writes in.<its id>, a partner acks.<its id>, and nothing else",
            )
        if topic.name.startswith("acks.") and (
            list(topic.writers) != [topic.name.removeprefix("acks.")] or readers or topic.deleters
        ):
            yield Problem(topic.name, "only-own-topics", "the partner alone writes it, and only the hub reads it")
        shared = topic.name.startswith(NON_PERSONAL)
        if any(topic.name not in {f"{own}{name}" for own in READ_BY_THEIR_OWN} for name in readers) and not shared:
            yield Problem(
                topic.name,
                "only-own-topics",
                "an organisation reads its own receipts, roots and feed, and what is non-personal",
            )
        if topic.name.startswith("in.") and set(topic.writers) - {MARKER} != {topic.name.removeprefix("in.")}:
            yield Problem(topic.name, "only-own-topics", f"only the agency itself writes its topic, and {MARKER}")


def _short_segments(topology: Topology) -> Iterator[Problem]:
    for topic in topology.topics:
        if topic.name.startswith("in.") and not {"segment.ms", "file.delete.delay.ms"} <= topic.settings.keys():
            yield Problem(
                topic.name,
                "short-segments",
                "plaintext must leave the disk: set segment.ms, file.delete.delay.ms",
            )


def _transactions_are_the_hubs(topology: Topology) -> Iterator[Problem]:
    prefixes = sorted(part.transactional_prefix for part in topology.processors if part.transactional)
    for former, latter in pairwise(prefixes):
        if latter.startswith(former):
            yield Problem(latter, "own-transactions", "transactional ids of two processors overlap: rename one")


CHECKS: dict[str, Check] = {
    "has-owner": _has_owner,
    "has-purpose": _has_purpose,
    "has-retention": _has_retention,
    "good-ids": _good_ids,
    "known-countries": _known_countries,
    "known-principals": _known_principals,
    "no-orphans": _no_orphans,
    "closed-topics": _closed_topics_have_no_writers,
    "partitions": _partitions,
    "who-may-delete": _who_may_delete,
    "only-own-topics": _only_own_topics,
    "short-segments": _short_segments,
    "own-transactions": _transactions_are_the_hubs,
    **CONTENT_CHECKS,
    **AGREEMENT_CHECKS,
    **QUOTA_CHECKS,
}
