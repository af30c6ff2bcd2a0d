"""The authorisation matrix: as the permissions say, every cell tried on the real broker, differences found."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from uuid import uuid4

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.home import Home
from infra.topology.acls import Acl, acls
from infra.topology.apply import apply, no_progress
from infra.topology.broker import Broker
from infra.topology.credentials import Credentials
from infra.topology.matrix import CLUSTER_OPERATIONS, TOPIC_OPERATIONS, Cell, cells, cells_of, counts_of
from infra.topology.model import Topology, group_prefix, load_topology
from infra.topology.plan import CreateTopic
from infra.topology.probes import NOBODY, PROBES
from infra.topology.trying import Outcome, Tried, outcome_of, try_all

TOPOLOGY = load_topology()
PRINCIPALS = st.sets(st.sampled_from(TOPOLOGY.principals()), max_size=3).map(lambda some: tuple(sorted(some)))


def permits(permissions: Sequence[Acl], cell: Cell) -> bool:
    """Decide as Kafka does: any matching permission is enough, and one to use a thing is one to see it."""
    name = group_prefix(cell.name) if cell.resource == "group" else cell.name
    return any(
        acl.resource == cell.resource
        and (acl.operation == cell.operation or (cell.operation == "describe" and acl.operation in ("read", "write")))
        and (acl.name == name if acl.pattern == "literal" else name.startswith(acl.name))
        for acl in permissions
    )


@settings(deadline=None)  # every cell of a large matrix: how long that takes is no claim
@given(writers=PRINCIPALS, readers=PRINCIPALS, deleters=PRINCIPALS, chosen=st.sampled_from(TOPOLOGY.topics))
def test_the_matrix_and_the_permissions_agree_whoever_writes_reads_and_deletes(
    writers: tuple[str, ...], readers: tuple[str, ...], deleters: tuple[str, ...], chosen: object
) -> None:
    topics = tuple(
        replace(topic, writers=writers, readers=readers, deleters=deleters) if topic == chosen else topic
        for topic in TOPOLOGY.topics
    )
    changed = replace(TOPOLOGY, topics=topics)
    permissions = acls(changed)
    for principal in {*writers, *readers, *deleters} - changed.superusers():
        own = [acl for acl in permissions if acl.principal == principal]
        wrong = [cell for cell in cells_of(changed, principal) if permits(own, cell) != cell.allowed]
        assert not wrong


def test_every_principal_has_a_cell_for_every_operation_on_every_topic_and_on_the_cluster() -> None:
    found = cells(TOPOLOGY)
    assert len(set(found)) == len(found)
    for principal in TOPOLOGY.principals():
        own = [cell for cell in found if cell.principal == principal]
        tried = {(cell.name, cell.operation) for cell in own if cell.resource == "topic"}
        assert tried == {(topic.name, operation) for topic in TOPOLOGY.topics for operation in TOPIC_OPERATIONS}
        assert {cell.operation for cell in own if cell.resource == "cluster"} == set(CLUSTER_OPERATIONS)
        assert {cell.name for cell in own if cell.resource == "group"} == set(TOPOLOGY.principals())
    assert {(cell.resource, cell.operation) for cell in found} == PROBES.keys()


def test_nobody_but_the_administrator_may_do_anything_to_the_cluster_or_change_a_topic() -> None:
    changing = {"create", "alter", "describe_configs", "alter_configs"}
    held = [
        cell.principal
        for cell in cells(TOPOLOGY)
        if cell.allowed and (cell.resource == "cluster" or (cell.resource == "topic" and cell.operation in changing))
    ]
    assert set(held) == {"hub-admin"}


def tried_on(home: Home, topology: Topology, some: Sequence[Cell]) -> tuple[Tried, ...]:
    return asyncio.run(try_all(some, lambda principal: Credentials.of(home, principal, topology), no_progress))


@pytest.mark.stack
def test_the_broker_lets_through_every_allowed_cell_and_refuses_every_forbidden_one(home: Home) -> None:
    apply(home, TOPOLOGY)
    found = cells(TOPOLOGY)
    counts = counts_of(found)
    outcome = outcome_of(tried_on(home, TOPOLOGY, found))
    assert outcome == Outcome(
        tried=counts.cells, went_through=counts.allowed, refused_by_broker=counts.forbidden, differences=()
    )


@pytest.mark.stack
def test_what_the_broker_allows_beyond_the_topology_and_what_it_refuses_is_found(home: Home) -> None:
    apply(home, TOPOLOGY)
    feeds = {
        "to.europol": ("observer",),  # whoever has the feed may not read it here, and another one may
        "in.rs-police": ("hub-intake",),
    }
    topics = tuple(
        replace(topic, readers=feeds[topic.name], writers=()) if topic.name in feeds else topic
        for topic in TOPOLOGY.topics
    )
    claimed = replace(TOPOLOGY, topics=topics)
    asked = [cell for cell in cells(claimed) if cell.principal in ("observer", "europol", "rs-police")]
    found = {str(each) for each in outcome_of(tried_on(home, claimed, asked)).differences}
    assert found == {
        "observer may read topic to.europol: refused",
        "observer may describe topic to.europol: refused",
        "europol may not read topic to.europol: went through",
        "europol may not describe topic to.europol: went through",
        "rs-police may not write topic in.rs-police: went through",
        "rs-police may not describe topic in.rs-police: went through",
    }


@pytest.mark.stack
def test_whoever_cannot_sign_in_proves_nothing(home: Home) -> None:
    apply(home, TOPOLOGY)
    asked = cells_of(TOPOLOGY, "observer")
    wrong = replace(Credentials.of(home, "observer", TOPOLOGY), password="guess")
    found = outcome_of(asyncio.run(try_all(asked, lambda _principal: wrong, no_progress)))
    assert len(found.differences) == found.tried == len(asked)


@pytest.mark.stack
def test_a_topic_that_does_not_exist_proves_nothing(home: Home) -> None:
    apply(home, TOPOLOGY)
    ghost = replace(TOPOLOGY.topics[0], name="ghost", readers=("hub-admin",))
    asked = [cell for cell in cells_of(replace(TOPOLOGY, topics=(ghost,)), "hub-admin") if cell.resource == "topic"]
    unclear = [each.cell.operation for each in tried_on(home, TOPOLOGY, asked) if each.answer == "unclear"]
    assert {"write", "read", "describe", "delete", "alter"} <= set(unclear)


@pytest.mark.stack
def test_trying_changes_nothing_even_for_who_may_do_everything(home: Home) -> None:
    apply(home, TOPOLOGY)
    name = f"scratch-{uuid4()}"
    broker = Broker(home)
    settings = Credentials.of(home, "hub-admin", TOPOLOGY).librdkafka()
    broker.create_topics([CreateTopic(name=name, partitions=1, config={"retention.ms": "-1"})])
    try:
        producer = Producer({**settings, "log_level": 0})
        producer.produce(name, b"stays")
        assert producer.flush(20) == 0
        before = broker.topics()[name]
        scratch = replace(TOPOLOGY.topics[0], name=name, writers=("hub-admin",))
        outcome = outcome_of(tried_on(home, TOPOLOGY, cells_of(replace(TOPOLOGY, topics=(scratch,)), "hub-admin")))
        assert outcome.differences == ()
        assert outcome.went_through == outcome.tried
        assert broker.topics()[name] == before
        assert NOBODY not in broker.users()
        assert not [acl for acl in broker.acls() if acl.principal == NOBODY]
        consumer = Consumer({**settings, "group.id": "hub-admin.matrix-test", "log_level": 0})
        assert consumer.get_watermark_offsets(TopicPartition(name, 0), timeout=20) == (0, 1)
        consumer.close()
    finally:
        admin = AdminClient(settings)
        admin.delete_topics([name])[name].result(20)
