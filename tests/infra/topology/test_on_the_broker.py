"""The topology on the real broker and registry: applied twice, and the refusals that it promises."""

import time
from collections.abc import Callable
from concurrent.futures import Future
from uuid import uuid4

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from infra.home import Home
from infra.topology.acls import Acl
from infra.topology.apply import apply, plan_for, registry_of
from infra.topology.broker import Broker
from infra.topology.credentials import Credentials
from infra.topology.model import load_topology
from infra.topology.subjects import subjects
from schemas.registry import IncompatibleSchemaError

pytestmark = pytest.mark.stack
TOPOLOGY = load_topology()
OUTSIDERS = sorted(str(name) for name in TOPOLOGY.principals() if name not in TOPOLOGY.superusers())
LET_IN = {KafkaError.NO_ERROR, KafkaError._PARTITION_EOF}  # noqa: SLF001
UNSEEN = KafkaError._NOENT  # noqa: SLF001
TIMEOUT_S = 20.0


def settings_of(home: Home, principal: str) -> dict[str, str | int]:
    lines = Credentials.of(home, principal).text("librdkafka").splitlines()
    return {"log_level": 0, **dict(line.split("=", 1) for line in lines if not line.startswith("#"))}


def outcome_of_writing(home: Home, principal: str, topic: str) -> int:
    """Return the error code of one produced record, NO_ERROR when it was taken."""
    found: list[int] = []

    def delivered(error: KafkaError | None, _message: object) -> None:
        found.append(KafkaError.NO_ERROR if error is None else error.code())

    producer = Producer({**settings_of(home, principal), "enable.idempotence": True})
    producer.produce(topic, b"", on_delivery=delivered)
    producer.flush(TIMEOUT_S)
    return found[0]


def outcome_of_reading(home: Home, principal: str, topic: str, group: str | None = None) -> int:
    """Return the error code of the first answer to a subscriber; one of LET_IN when it may read."""
    consumer = Consumer(
        {
            **settings_of(home, principal),
            "group.id": group or f"{principal}.test-{uuid4()}",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "auto.offset.reset": "earliest",
        }
    )
    try:
        consumer.subscribe([topic])
        message = consumer.poll(TIMEOUT_S)
        assert message is not None
        error = message.error()
        return KafkaError.NO_ERROR if error is None else error.code()
    finally:
        consumer.close()


def code_of(future: Future[None]) -> int:
    """Return the error code of an act of administration, NO_ERROR when it was done."""
    try:
        future.result(TIMEOUT_S)
    except KafkaException as error:
        return int(error.args[0].code())
    return KafkaError.NO_ERROR


def wait_until(holds: Callable[[], bool]) -> None:
    """Wait for a change to be seen, not for ever: another worker's `apply` may undo it first."""
    deadline = time.monotonic() + 3
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.05)


@pytest.fixture(scope="module")
def applied_home(home: Home) -> Home:
    apply(home, TOPOLOGY)
    return home


def test_applied_again_changes_nothing_and_takes_back_what_was_done_by_hand(applied_home: Home) -> None:
    assert plan_for(applied_home, TOPOLOGY).changes == ()
    broker = Broker(applied_home)
    by_hand = Acl(principal="stranger", resource="topic", name="x", pattern="literal", operation="read")
    broker.add_acls([by_hand])
    broker.configure("control.keys", {"cleanup.policy": "compact", "segment.ms": "60000"})
    wait_until(lambda: len(plan_for(applied_home, TOPOLOGY).changes) == 2)
    apply(applied_home, TOPOLOGY)
    assert plan_for(applied_home, TOPOLOGY).changes == ()
    assert by_hand not in broker.acls()


@pytest.mark.parametrize("topic", ["in.bg-police", "ledger", "to.europol", "control.agreements", "anon.open"])
def test_an_agency_may_not_write_any_topic_but_its_own(applied_home: Home, topic: str) -> None:
    assert outcome_of_writing(applied_home, "rs-police", topic) == KafkaError.TOPIC_AUTHORIZATION_FAILED


@pytest.mark.parametrize("topic", ["ledger", "in.rs-police", "receipts.bg-police", "to.europol", "decisions"])
def test_an_agency_may_not_read_what_is_not_addressed_to_it(applied_home: Home, topic: str) -> None:
    assert outcome_of_reading(applied_home, "rs-police", topic) == KafkaError.TOPIC_AUTHORIZATION_FAILED


def test_an_agency_reads_its_receipts(applied_home: Home) -> None:
    assert outcome_of_reading(applied_home, "rs-police", "receipts.rs-police") in LET_IN


def test_an_agency_may_not_use_transactions(applied_home: Home) -> None:
    producer = Producer({**settings_of(applied_home, "rs-police"), "transactional.id": "rs-police.1"})
    with pytest.raises(KafkaException) as caught:
        producer.init_transactions(TIMEOUT_S)
    assert caught.value.args[0].code() == KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED


@pytest.mark.parametrize("topic", ["to.selec", "ledger", "stage.persons", "decisions"])
def test_a_partner_may_not_read_any_topic_but_its_own(applied_home: Home, topic: str) -> None:
    assert outcome_of_reading(applied_home, "europol", topic) == KafkaError.TOPIC_AUTHORIZATION_FAILED


def test_a_partner_reads_its_own_feed(applied_home: Home) -> None:
    assert outcome_of_reading(applied_home, "europol", "to.europol") in LET_IN


def test_a_partner_may_not_join_a_group_of_another(applied_home: Home) -> None:
    code = outcome_of_reading(applied_home, "europol", "to.europol", group="selec.feed")
    assert code == KafkaError.GROUP_AUTHORIZATION_FAILED


@pytest.mark.parametrize("principal", OUTSIDERS)
def test_nobody_may_delete_what_a_replay_needs(applied_home: Home, principal: str) -> None:
    admin = AdminClient(settings_of(applied_home, principal))
    kept = [topic.name for topic in TOPOLOGY.topics if not topic.deleters]
    records = admin.delete_records([TopicPartition(name, 0, 0) for name in kept], request_timeout=TIMEOUT_S)
    whole = admin.delete_topics(kept, request_timeout=TIMEOUT_S)
    assert {code_of(future) for future in whole.values()} == {KafkaError.TOPIC_AUTHORIZATION_FAILED}
    # A topic that the principal may not even see has no leader for it, and so nobody to send the request to.
    assert {code_of(future) for future in records.values()} <= {KafkaError.TOPIC_AUTHORIZATION_FAILED, UNSEEN}


@pytest.mark.parametrize("principal", ["hub-intake", "hub-release", "hub-projections"])
def test_who_sees_the_ledger_may_not_delete_from_it(applied_home: Home, principal: str) -> None:
    admin = AdminClient(settings_of(applied_home, principal))
    records = admin.delete_records([TopicPartition("ledger", 0, 0)], request_timeout=TIMEOUT_S)
    assert [code_of(future) for future in records.values()] == [KafkaError.TOPIC_AUTHORIZATION_FAILED]


def test_the_truncator_may_delete_what_agencies_published(applied_home: Home) -> None:
    admin = AdminClient(settings_of(applied_home, "hub-truncator"))
    records = admin.delete_records([TopicPartition("in.bg-consular-service", 0, 0)], request_timeout=TIMEOUT_S)
    assert [code_of(future) for future in records.values()] == [KafkaError.NO_ERROR]


@pytest.mark.parametrize("principal", ["rs-police", "hub-intake", "hub-release", "hub-projections"])
def test_nobody_but_the_truncator_may_delete_what_agencies_published(applied_home: Home, principal: str) -> None:
    admin = AdminClient(settings_of(applied_home, principal))
    records = admin.delete_records([TopicPartition("in.rs-police", 0, 0)], request_timeout=TIMEOUT_S)
    assert {code_of(future) for future in records.values()} <= {KafkaError.TOPIC_AUTHORIZATION_FAILED, UNSEEN}


@pytest.mark.parametrize("principal", ["hub-release", "hub-control", "bg-police"])
def test_nobody_but_the_agency_and_intake_may_write_to_its_topic(applied_home: Home, principal: str) -> None:
    assert outcome_of_writing(applied_home, principal, "in.rs-police") == KafkaError.TOPIC_AUTHORIZATION_FAILED


def test_a_wrong_password_and_no_password_are_refused(applied_home: Home) -> None:
    for changes in ({"sasl.password": "guess"}, {"security.protocol": "SSL"}):
        admin = AdminClient({**settings_of(applied_home, "europol"), **changes})
        with pytest.raises(KafkaException):
            admin.list_topics(timeout=2)


def test_the_registry_refuses_a_version_that_old_readers_could_not_read(applied_home: Home) -> None:
    subject = next(each for each in subjects(TOPOLOGY) if each.name == "ledger-hub.ledger.v1.PersonIdentified")
    changed = {**subject.schema, "fields": [{"name": "added", "type": "string"}]}
    with registry_of(applied_home) as registry:
        assert registry.compatibility() == "FULL_TRANSITIVE"
        with pytest.raises(IncompatibleSchemaError):
            registry.register(subject.name, changed)
