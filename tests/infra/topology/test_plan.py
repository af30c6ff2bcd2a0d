"""A plan, carried out, leaves nothing to do; and no plan deletes data."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from infra.topology.acls import Acl, acls
from infra.topology.model import load_topology
from infra.topology.plan import (
    AddUser,
    ConfigureTopic,
    CreateTopic,
    RemoveAcl,
    RemoveUser,
    Servers,
    TopicState,
    applied,
    plan,
)
from infra.topology.quotas import KAFKA_NAMES, quotas
from infra.topology.subjects import subjects

TOPOLOGY = load_topology()
SUBJECTS = subjects(TOPOLOGY)
COMPLETE = applied(Servers(), plan(TOPOLOGY, SUBJECTS, Servers()).changes)

names = st.sampled_from([str(topic.name) for topic in TOPOLOGY.topics] + ["old.topic", "__consumer_offsets"])
settings = st.dictionaries(
    st.sampled_from(["retention.ms", "cleanup.policy", "segment.ms", "min.insync.replicas"]),
    st.sampled_from(["-1", "1000", "compact", "delete"]),
)
topic_states = st.builds(TopicState, partitions=st.sampled_from([1, 6, 12]), config=settings)
foreign_acls = st.builds(
    Acl,
    principal=st.sampled_from(["rs-police", "stranger", "*"]),
    resource=st.sampled_from(["topic", "group", "broker"]),
    name=st.sampled_from(["ledger", "*", "in.rs-police"]),
    pattern=st.sampled_from(["literal", "prefixed"]),
    operation=st.sampled_from(["read", "all", "delete"]),
    permission=st.sampled_from(["allow", "deny"]),
    host=st.sampled_from(["*", "127.0.0.1"]),
)
LIMITS = [*KAFKA_NAMES.values(), "controller_mutation_rate"]
entities = st.sampled_from(
    [(("user", "rs-police"),), (("user", None),), (("client-id", "x"),), (("user", "rs-police"), ("client-id", "x"))]
)
servers = st.builds(
    Servers,
    topics=st.dictionaries(names, topic_states),
    users=st.frozensets(st.sampled_from([*map(str, TOPOLOGY.principals()), "stranger"])),
    quotas=st.dictionaries(entities, st.dictionaries(st.sampled_from(LIMITS), st.floats(1, 1e9), min_size=1)),
    acls=st.frozensets(foreign_acls | st.sampled_from(sorted(acls(TOPOLOGY)))),
    compatibility=st.sampled_from(["", "NONE", "FULL_TRANSITIVE"]),
    schemas=st.frozensets(st.sampled_from([(each.name, each.fingerprint) for each in SUBJECTS])),
)


@given(actual=servers, prune=st.booleans())
def test_a_plan_carried_out_leaves_no_change(actual: Servers, prune: bool) -> None:
    after = applied(actual, plan(TOPOLOGY, SUBJECTS, actual, prune=prune).changes)
    assert plan(TOPOLOGY, SUBJECTS, after, prune=prune).changes == ()


@given(actual=servers)
def test_afterwards_exactly_the_limits_of_the_topology_hold(actual: Servers) -> None:
    assert applied(actual, plan(TOPOLOGY, SUBJECTS, actual).changes).quotas == quotas(TOPOLOGY)


@given(actual=servers)
def test_afterwards_exactly_the_permissions_of_the_topology_hold(actual: Servers) -> None:
    after = applied(actual, plan(TOPOLOGY, SUBJECTS, actual).changes)
    assert after.acls == acls(TOPOLOGY)


@given(actual=servers, prune=st.booleans())
def test_no_plan_deletes_a_topic_or_changes_its_partitions(actual: Servers, prune: bool) -> None:
    after = applied(actual, plan(TOPOLOGY, SUBJECTS, actual, prune=prune).changes)
    assert {name: after.topics[name].partitions for name in actual.topics} == {
        name: state.partitions for name, state in actual.topics.items()
    }


@given(actual=servers)
def test_what_is_left_to_a_person_is_said(actual: Servers) -> None:
    notices = "\n".join(plan(TOPOLOGY, SUBJECTS, actual).notices)
    assert ("old.topic" in notices) == ("old.topic" in actual.topics)
    assert ("stranger" in notices) == ("stranger" in actual.users)
    assert "__consumer_offsets" not in notices


def test_the_first_plan_makes_everything_and_the_second_nothing() -> None:
    first = plan(TOPOLOGY, SUBJECTS, Servers())
    created = [change for change in first.changes if isinstance(change, CreateTopic)]
    assert len(created) == len(TOPOLOGY.topics)
    assert plan(TOPOLOGY, SUBJECTS, COMPLETE).changes == ()


def test_a_setting_made_by_hand_is_taken_back() -> None:
    ledger = COMPLETE.topics["ledger"]
    drifted = TopicState(
        partitions=ledger.partitions, config={**ledger.config, "cleanup.policy": "compact", "segment.ms": "1"}
    )
    actual = replace(COMPLETE, topics={**COMPLETE.topics, "ledger": drifted})
    change = ConfigureTopic(name="ledger", settings={"cleanup.policy": "delete", "segment.ms": None})
    assert plan(TOPOLOGY, SUBJECTS, actual).changes == (change,)


def test_a_permission_given_by_hand_is_taken_away() -> None:
    extra = Acl(principal="rs-police", resource="topic", name="ledger", pattern="literal", operation="read")
    actual = replace(COMPLETE, acls=COMPLETE.acls | {extra})
    assert plan(TOPOLOGY, SUBJECTS, actual).changes == (RemoveAcl(acl=extra),)


def test_an_unknown_user_goes_only_when_asked() -> None:
    actual = replace(COMPLETE, users=COMPLETE.users | {"stranger"})
    assert plan(TOPOLOGY, SUBJECTS, actual).changes == ()
    assert plan(TOPOLOGY, SUBJECTS, actual, prune=True).changes == (RemoveUser(name="stranger"),)


def test_passwords_are_set_again_when_asked() -> None:
    changes = plan(TOPOLOGY, SUBJECTS, COMPLETE, reset_passwords=True).changes
    assert changes == tuple(AddUser(name=user.name) for user in TOPOLOGY.scram_users())


def test_partitions_that_differ_are_reported_not_changed() -> None:
    actual = replace(COMPLETE, topics={**COMPLETE.topics, "ledger": replace(COMPLETE.topics["ledger"], partitions=3)})
    found = plan(TOPOLOGY, SUBJECTS, actual)
    assert found.changes == ()
    assert "ledger" in found.notices[0]


def test_changes_read_as_sentences() -> None:
    shown = [str(change) for change in plan(TOPOLOGY, SUBJECTS, Servers()).changes]
    assert "create topic ledger with 6 partitions" in shown
    assert "permit: europol may read topic to.europol" in shown
    assert "permit: europol may read group europol.*" in shown
