"""The topology of this package keeps every rule, and each rule notices when it is broken."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pytest

from infra.topology.agreements import Agreement
from infra.topology.check import CHECKS, problems_of, require_valid
from infra.topology.load import InvalidTopologyError
from infra.topology.model import Carried, Processor, Quota, Topic, Topology, load_topology
from schemas.names import AgencyId, PartnerId, PrincipalId

TOPOLOGY = load_topology()
Plant = Callable[[Topology], Topology]


def with_topic(name: str, **changes: object) -> Plant:
    def plant(topology: Topology) -> Topology:
        assert topology.topic(name) is not None
        changed = tuple(replace(each, **changes) if each.name == name else each for each in topology.topics)
        return replace(topology, topics=changed)

    return plant


def with_agreement(**changes: object) -> Plant:
    def plant(topology: Topology) -> Topology:
        first, *others = topology.agreements
        return replace(topology, agreements=(replace(first, **changes), *others))

    return plant


def with_other_view(topology: Topology) -> Topology:
    first = topology.agreements[0]
    view = "pseudonymous" if first.view == "personal" else "personal"
    twin: Agreement = replace(first, id="twin", view=view)
    return replace(topology, agreements=(*topology.agreements, twin))


def with_version(**changes: object) -> Plant:
    def plant(topology: Topology) -> Topology:
        first = topology.agreements[0]
        another: Agreement = replace(first, version=first.version + 1, **changes)
        return replace(topology, agreements=(*topology.agreements, another))

    return plant


def with_other_terms(topology: Topology) -> Topology:
    first = topology.agreements[0]
    twin: Agreement = replace(first, id="twin", retention_days=first.retention_days + 1)
    return replace(topology, agreements=(*topology.agreements, twin))


def with_agency(**changes: object) -> Plant:
    return lambda topology: replace(
        topology, agencies=(replace(topology.agencies[0], **changes), *topology.agencies[1:])
    )


def with_processor(**fields: object) -> Plant:
    part = Processor(id=PrincipalId("hub-new"), purpose="A part that is planted by a test.")
    return lambda topology: replace(topology, processors=(*topology.processors, replace(part, **fields)))


def without_topic(name: str) -> Plant:
    return lambda topology: replace(topology, topics=tuple(topic for topic in topology.topics if topic.name != name))


def with_copy_of(original: str, **changes: object) -> Plant:
    def plant(topology: Topology) -> Topology:
        topic: Topic | None = topology.topic(original)
        assert topic is not None
        return replace(topology, topics=(*topology.topics, replace(topic, **changes)))

    return plant


def with_quotas(**changes: object) -> Plant:
    return lambda topology: replace(topology, quotas=replace(topology.quotas, **changes))


POLICE = PrincipalId("rs-police")
NOTHING = Quota(write_bytes_s=0, read_bytes_s=1e6, request_percent=50)
NARROW = Quota(write_bytes_s=10, read_bytes_s=1e6, request_percent=50)
PLANTED: list[tuple[str, Plant]] = [
    ("limited", with_quotas(agency=Quota(write_bytes_s=1e6))),
    ("limited", with_quotas(exceptions={"europol": Quota()})),
    ("passable", with_quotas(partner=NOTHING)),
    ("passable", with_quotas(exceptions={"rs-police": NARROW})),
    ("known-exceptions", with_quotas(exceptions={"stranger": NARROW})),
    ("has-owner", with_topic("ledger", owner="nobody")),
    ("has-purpose", with_topic("ledger", purpose="data")),
    ("has-purpose", with_processor(purpose="")),
    ("has-retention", with_topic("to.europol", retention_days=0)),
    ("has-retention", with_topic("ledger", retention_days=365)),
    ("has-retention", with_topic("control.keys", settings={"cleanup.policy": "compact"})),
    ("good-ids", with_agency(id=AgencyId("rs.police"))),
    ("good-ids", with_agency(id=AgencyId("hub-police"))),
    ("good-ids", with_agency(id=AgencyId("bg-police"))),
    ("good-ids", with_copy_of("ledger")),
    ("known-countries", with_agency(country="RS")),
    ("known-principals", with_topic("ledger", readers=(PrincipalId("stranger"),))),
    ("no-orphans", with_processor()),
    ("no-orphans", without_topic("in.rs-police")),
    ("no-orphans", without_topic("to.selec")),
    ("no-orphans", with_copy_of("to.selec", name="to.atlantis")),
    ("no-orphans", with_topic("ledger", writers=())),
    ("closed-topics", with_topic("anon.open", state="closed")),
    ("closed-topics", with_topic("facts.open", personal=True)),
    ("closed-topics", with_topic("anon.open", personal=True)),
    ("partitions", with_topic("ledger", partitions=12)),
    ("partitions", with_topic("in.rs-police", partitions=3)),
    ("who-may-delete", with_topic("ledger", deleters=(PrincipalId("hub-truncator"),))),
    ("who-may-delete", with_topic("in.rs-police", deleters=(POLICE,))),
    ("only-own-topics", with_topic("in.bg-police", writers=(POLICE,))),
    ("only-own-topics", with_topic("in.rs-police", writers=(POLICE, PrincipalId("hub-truncator")))),
    ("only-own-topics", with_topic("ledger", readers=(POLICE,))),
    ("only-own-topics", with_topic("to.europol", readers=(PrincipalId("selec"),))),
    ("only-own-topics", with_topic("to.europol", writers=(PrincipalId("europol"),))),
    ("only-own-topics", with_topic("acks.europol", writers=(PrincipalId("selec"),))),
    ("only-own-topics", with_topic("acks.europol", writers=(PrincipalId("europol"), PrincipalId("hub-delivery")))),
    ("only-own-topics", with_topic("acks.europol", readers=(PrincipalId("europol"),))),
    ("only-own-topics", with_topic("in.rs-police", writers=(PrincipalId("europol"),))),
    ("short-segments", with_topic("in.rs-police", settings={})),
    ("own-transactions", with_processor(id=PrincipalId("hub-intake"), transactional=True)),
    ("known-contracts", lambda topology: replace(topology, event_types={"police": ("NoSuchEvent",)})),
    ("known-contracts", with_topic("decisions", carries=(Carried(contract="NoSuchRecord", channel="hub"),))),
    (
        "one-population",
        lambda topology: replace(
            topology, populations=(*topology.populations, replace(topology.populations[0], id="again"))
        ),
    ),
    ("keys-about-nobody", with_topic("ledger", key="person.person_ref")),
    ("keys-about-nobody", with_topic("ledger", key="envelope.case_ref")),
    ("keys-about-nobody", with_topic("ledger", key="person")),
    ("keys-about-nobody", with_topic("to.europol", headers=("envelope.occurred_at",))),
    ("keys-about-nobody", with_topic("control.consents", key="subject_id")),
    ("keys-about-nobody", with_topic("receipts.rs-police", key="hair")),
    ("agreements", with_agreement(partner=PartnerId("atlantis"))),
    ("agreements", with_agreement(agencies=())),
    ("agreements", with_agreement(valid_until=date(2000, 1, 1))),
    ("agreements", with_agreement(basis=" ")),
    ("agreements", with_agreement(agencies=(AgencyId("rs-counselling"),), event_types=("ControlFinding",))),
    ("agreement-codes", with_agreement(purposes=("CURIOSITY",))),
    ("agreement-codes", with_agreement(roles=("NEIGHBOUR",))),
    ("agreement-codes", with_agreement(legal_bases=("BECAUSE",))),
    ("agreement-codes", with_agreement(categories=("RUMOURS",))),
    ("agreement-codes", with_agreement(handling=("H4",))),
    ("agreement-codes", with_agreement(tlp_max="BLUE")),
    ("agreements", with_agreement(handling=())),
    ("agreements", with_agreement(categories=())),
    ("one-version", with_version()),
    ("one-version", with_version(valid_from=date(2035, 12, 31), valid_until=date(2040, 12, 31))),
    (
        "one-version",
        with_version(valid_from=date(2036, 1, 1), valid_until=date(2040, 1, 1), partner=PartnerId("selec")),
    ),
    ("one-view", with_other_view),
    ("one-set-of-terms", with_other_terms),
]


def test_the_topology_of_this_package_has_no_problem() -> None:
    assert problems_of(TOPOLOGY) == ()


@pytest.mark.parametrize(("check", "plant"), PLANTED)
def test_a_planted_violation_is_found_by_its_check(check: str, plant: Plant) -> None:
    assert list(CHECKS[check](plant(TOPOLOGY)))


def test_every_check_has_a_planted_violation() -> None:
    assert {check for check, _ in PLANTED} | {"settled-privacy"} == CHECKS.keys()  # that one is not the topology's


@pytest.mark.parametrize("path", ["envelope.event_id", "envelope.agency", "case_id"])
def test_a_key_or_header_may_be_made_of_what_is_about_nobody(path: str) -> None:
    assert problems_of(with_topic("ledger", key=path, headers=(path,))(TOPOLOGY)) == ()


def test_all_problems_are_reported_at_once() -> None:
    broken = with_topic("ledger", partitions=1, owner="nobody")(with_agency(country="XX")(TOPOLOGY))
    with pytest.raises(InvalidTopologyError) as caught:
        require_valid(broken)
    assert {problem.rule for problem in caught.value.problems} == {"has-owner", "known-country", "partitions"}
