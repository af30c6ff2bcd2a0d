"""The rules that agreements must keep; `check` runs them with the others."""

from collections import Counter
from collections.abc import Callable, Iterator
from itertools import combinations

from infra.topology.agreements import Agreement
from infra.topology.model import Topology
from schemas import codelists
from schemas.errors import Problem


def _agreements(topology: Topology) -> Iterator[Problem]:
    agencies = {agency.id for agency in topology.agencies}
    for agreement in topology.agreements:
        if topology.partner(agreement.partner) is None or not set(agreement.agencies) <= agencies:
            yield Problem(agreement.id, "known-parties", "name agencies and a partner of the topology")
        if not agreement.agencies or not agreement.event_types or not agreement.purposes or not agreement.roles:
            yield Problem(agreement.id, "covers-something", "name agencies, event types, purposes and roles")
        if () in (agreement.categories, agreement.handling):
            yield Problem(agreement.id, "covers-something", "leave `categories` and `handling` out, or name codes")
        if agreement.valid_from > agreement.valid_until or agreement.retention_days <= 0 or agreement.version < 1:
            yield Problem(agreement.id, "good-terms", "give a period, a retention in days and a version from 1")
        if not agreement.basis.strip() or not agreement.legal_bases:
            yield Problem(agreement.id, "has-basis", "cite the guideline and the legal bases")
        unpublished = set(agreement.event_types) - {
            name for agency in agreement.agencies for name in topology.permitted(agency)
        }
        if unpublished:
            yield Problem(agreement.id, "dead-letter", "none of its agencies may publish one of its event types")


def _agreement_codes(topology: Topology) -> Iterator[Problem]:
    for agreement in topology.agreements:
        used = {
            "purpose": agreement.purposes,
            "person_role": agreement.roles,
            "legal_basis": agreement.legal_bases,
            "data_category": agreement.categories or (),
            "handling": agreement.handling or (),
            "tlp": () if agreement.tlp_max is None else (agreement.tlp_max,),
        }
        for name, codes in used.items():
            if not all(codelists.is_code(name, code) for code in codes):
                yield Problem(agreement.id, "known-codes", f"use only codes of the list {name}")


def _one_version(topology: Topology) -> Iterator[Problem]:
    """Check that of several versions of an agreement one holds on each day, and the later ones begin later."""
    for one, other in combinations(sorted(topology.agreements, key=lambda each: (each.id, each.version)), 2):
        if one.id != other.id or one.version == other.version:
            continue
        if other.valid_from <= one.valid_until:
            said = f"version {other.version} begins before version {one.version} has ended: give each day one version"
            yield Problem(other.id, "overlapping-validity", said)
        if other.partner != one.partner:
            yield Problem(other.id, "one-partner", "an agreement keeps its partner: give the other another id")


def _one_view(topology: Topology) -> Iterator[Problem]:
    """Check that no event falls under two agreements which would show the same person in two ways."""
    for name, times in Counter((each.id, each.version) for each in topology.agreements).items():
        if times > 1:
            yield Problem(name[0], "unique-id", "use each id and version once")
    for one, other in combinations(topology.agreements, 2):
        if one.view != other.view and _overlap(one, other):
            yield Problem(other.id, "one-view", f"{one.id} shows the same events otherwise: separate them")


def _one_set_of_terms(topology: Topology) -> Iterator[Problem]:
    """Check that no event falls under two agreements which contradict each other on what the partner may do with it."""
    for one, other in combinations(topology.agreements, 2):
        terms = [(each.retention_days, each.onward_sharing, each.only_addressee) for each in (one, other)]
        if terms[0] != terms[1] and _overlap(one, other):
            yield Problem(other.id, "one-set-of-terms", f"{one.id} gives the same events on other terms: separate them")


def _overlap(one: Agreement, other: Agreement) -> bool:
    same_time = one.valid_from <= other.valid_until and other.valid_from <= one.valid_until
    pairs = (
        (one.agencies, other.agencies),
        (one.event_types, other.event_types),
        (one.purposes, other.purposes),
        (one.roles, other.roles),
    )
    return one.partner == other.partner and same_time and all(set(here) & set(there) for here, there in pairs)


AGREEMENT_CHECKS: dict[str, Callable[[Topology], Iterator[Problem]]] = {
    "agreements": _agreements,
    "agreement-codes": _agreement_codes,
    "one-version": _one_version,
    "one-view": _one_view,
    "one-set-of-terms": _one_set_of_terms,
}
