"""What never gets as far as intake: stopped by the publisher, or by the broker when a client does not ask first."""

import pytest
from aiokafka.errors import KafkaError, MessageSizeTooLargeError, TransactionalIdAuthorizationFailed

from connectors.publisher import EVENT_BYTES_MAX, Publisher
from infra.home import Home
from infra.kafka import producer_for
from infra.topology.credentials import Credentials
from schemas.errors import InvalidEventError
from schemas.examples import example
from tests.publishing import Agency
from tests.running import records

pytestmark = pytest.mark.stack

SENDER = "rs-social-service"
TEN_MEGABYTES = 10_000_000


async def test_the_publisher_refuses_an_event_of_ten_megabytes_with_field_and_rule(hub: Home) -> None:
    async with Publisher(Credentials.of(hub, SENDER)) as publisher:
        with pytest.raises(InvalidEventError) as refused:
            await publisher.publish({**example("PersonIdentified"), "narrative": "x" * TEN_MEGABYTES})
    problems = {(problem.path, problem.rule) for problem in refused.value.problems}
    assert ("narrative", "too-long") in problems
    assert "xxx" not in str(refused.value)


async def test_the_publisher_refuses_an_event_whose_parts_are_right_and_whose_whole_is_too_large(hub: Home) -> None:
    event = example("InvestigationOpened")
    suspect = event["suspects"][0]  # type: ignore[index]  # JSON
    aliases = [f"{'x' * 490}{number}" for number in range(200)]
    event["suspects"] = [{**suspect, "aliases": aliases, "person_ref": f"S-{number}"} for number in range(20)]
    event["envelope"]["agency"] = "rs-prosecution"  # type: ignore[index]  # JSON
    async with Publisher(Credentials.of(hub, "rs-prosecution")) as publisher:
        with pytest.raises(InvalidEventError) as refused:
            await publisher.publish(event)
    assert [(problem.path, problem.rule) for problem in refused.value.problems] == [("$", "too-large")]
    assert str(EVENT_BYTES_MAX) in refused.value.problems[0].advice


async def test_the_broker_refuses_ten_megabytes_of_a_client_that_does_not_ask(hub: Home) -> None:
    producer = producer_for(Credentials.of(hub, SENDER))
    producer._max_request_size = 2 * TEN_MEGABYTES  # noqa: SLF001 - a client that sets no limit of its own
    await producer.start()
    before = len(records(hub, f"in.{SENDER}"))
    try:
        with pytest.raises(MessageSizeTooLargeError):
            await producer.send_and_wait(f"in.{SENDER}", b"x" * TEN_MEGABYTES)
    finally:
        await producer.stop()
    held = records(hub, f"in.{SENDER}")[before:]
    assert all(len(stored.value or b"") < EVENT_BYTES_MAX * 2 for stored in held)
    async with Agency(hub, SENDER) as agency:
        good = await agency.send(agency.event())
        assert (await agency.answers([good]))[good].outcome == "ACCEPTED"


async def test_an_agency_may_not_use_transactions(hub: Home) -> None:
    producer = producer_for(Credentials.of(hub, SENDER), transactional_id=f"{SENDER}.mine")
    with pytest.raises(TransactionalIdAuthorizationFailed):
        await producer.start()
    await producer.stop()


@pytest.mark.parametrize("topic", ["in.rs-police", "ledger", "receipts.rs-social-service", "to.europol"])
async def test_an_agency_writes_to_its_own_topic_alone(hub: Home, topic: str) -> None:
    producer = producer_for(Credentials.of(hub, SENDER))
    await producer.start()
    try:
        with pytest.raises(KafkaError, match="Authorization"):
            await producer.send_and_wait(topic, b"x")
    finally:
        await producer.stop()
