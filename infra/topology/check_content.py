"""The rules about what topics carry: contracts that exist and whose privacy is settled, keys that are about nobody."""

from collections.abc import Callable, Iterator
from functools import cache

from infra.topology.model import RANDOM_IDS, Topology
from schemas import catalogue
from schemas.errors import Problem
from schemas.privacy import problems_of, problems_of_hub_record
from schemas.privacy_rules import problem_of_key
from schemas.shapes import shape_of

Check = Callable[[Topology], Iterator[Problem]]


def _known_contracts(topology: Topology) -> Iterator[Problem]:
    known = {contract.name for contract in catalogue.contracts()}
    listed = [(f"event_types.{kind}", names) for kind, names in topology.event_types.items()]
    listed += [(population.id, population.event_types) for population in topology.populations]
    listed += [(agreement.id, agreement.event_types) for agreement in topology.agreements]
    for where, names in listed:
        if not set(names) <= known:
            yield Problem(where, "known-contracts", "name only event types of the catalogue")
    kinds = {agency.kind for agency in topology.agencies}
    for kind in sorted(kinds ^ topology.event_types.keys()):
        yield Problem(
            f"event_types.{kind}", "known-kind", "each kind of agency has a list of event types, and no other"
        )
    for topic in topology.topics:
        for carried in topic.carries:
            if carried.channel == "hub" and not _is_hub_record(carried.contract):
                yield Problem(topic.name, "known-contracts", "name only records of the hub that exist")


def _one_population_each(topology: Topology) -> Iterator[Problem]:
    """Find event types that two populations tell: the same persons would be grouped twice (design section 7)."""
    told = [name for population in topology.populations for name in population.event_types]
    for name in sorted({each for each in told if told.count(each) > 1}):
        yield Problem(
            name, "one-population", "let one population tell it: two groupings of the same persons reveal them"
        )


def _is_hub_record(name: str) -> bool:
    try:
        catalogue.hub_contract(name)
    except catalogue.UnknownContractError:
        return False
    return True


def _settled_privacy(topology: Topology) -> Iterator[Problem]:
    """Find every unsettled field of what would be registered: nothing reaches a server while there is one."""
    for name in sorted({each.contract for topic in topology.topics for each in topic.carries}):
        for problem in _problems_of_contract(name):
            yield Problem(f"{name}.{problem.path}", problem.rule, problem.advice)


def _keys_are_about_nobody(topology: Topology) -> Iterator[Problem]:
    known = _event_types(topology)
    for topic in topology.topics:
        carried = [each.contract for each in topic.carries if each.channel == "hub" or each.contract in known]
        for path in {topic.key, *topic.headers} - RANDOM_IDS - {""}:
            if not carried:
                yield Problem(topic.name, "personal-key", "no field of a record is known here: use an id of the hub")
            for name in carried:
                if (problem := _problem_of_key(name, path)) is not None:
                    yield Problem(f"{topic.name}: {name}.{path}", problem.rule, problem.advice)


def _event_types(topology: Topology) -> set[str]:
    """Return the event types that topics carry and that exist."""
    known = {contract.name for contract in catalogue.contracts()}
    return known & {each.contract for topic in topology.topics for each in topic.carries}


def _problems_of_contract(name: str) -> tuple[Problem, ...]:
    if _is_hub_record(name):
        return _problems_of_record(catalogue.hub_contract(name))
    known = {contract.name for contract in catalogue.contracts()}
    return _problems_of_event(catalogue.contract(name)) if name in known else ()


@cache
def _problems_of_event(contract: catalogue.Contract) -> tuple[Problem, ...]:
    return problems_of(contract.schema)


@cache
def _problems_of_record(contract: catalogue.Contract) -> tuple[Problem, ...]:
    return problems_of_hub_record(contract.schema)


def _problem_of_key(name: str, path: str) -> Problem | None:
    own = catalogue.hub_contract(name) if _is_hub_record(name) else catalogue.contract(name)
    return problem_of_key(shape_of(own), path)


CONTENT_CHECKS: dict[str, Check] = {
    "known-contracts": _known_contracts,
    "one-population": _one_population_each,
    "settled-privacy": _settled_privacy,
    "keys-about-nobody": _keys_are_about_nobody,
}
