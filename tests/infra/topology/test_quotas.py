"""Quotas: who has which, and on the real broker a flood is slowed down while others are not."""

from dataclasses import replace

import pytest
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.record.default_records import DefaultRecordBatchBuilder

from infra.home import Home
from infra.kafka_wire import Wire, connected
from infra.topology.apply import apply
from infra.topology.broker_quotas import observe_quotas, set_quotas
from infra.topology.credentials import Credentials
from infra.topology.model import Quota, load_topology
from infra.topology.quotas import SetQuota, quota_of, quotas

TOPOLOGY = load_topology()
FLOODER, OTHER = "bg-consular-service", "rs-social-service"
TOO_LARGE = 2_000_000
"""Bytes of a record that the topic does not take: the broker counts them, and nothing is in the topic afterwards."""
FLOOD_MAX = 200


def test_every_organisation_is_limited_and_no_part_of_the_hub() -> None:
    limited = {str(name) for ((_kind, name),) in quotas(TOPOLOGY)}
    outside = {str(each.id) for each in (*TOPOLOGY.agencies, *TOPOLOGY.partners)}
    assert limited == outside


def test_an_agency_that_is_also_a_partner_has_the_wider_limits() -> None:
    kinds = TOPOLOGY.quotas
    found = quota_of(TOPOLOGY, "bg-police")
    assert found.write_bytes_s == kinds.agency.write_bytes_s
    assert found.read_bytes_s == kinds.partner.read_bytes_s


def test_an_exception_stands_for_its_kind() -> None:
    own = Quota(write_bytes_s=2e6, read_bytes_s=2e6, request_percent=10)
    changed = replace(TOPOLOGY, quotas=replace(TOPOLOGY.quotas, exceptions={"rs-police": own}))
    assert quota_of(changed, "rs-police") == own
    assert quota_of(changed, "bg-police") == quota_of(TOPOLOGY, "bg-police")


def batch_of(size: int) -> bytes:
    builder = DefaultRecordBatchBuilder(2, 0, 0, -1, -1, -1, size + 1000)
    builder.append(0, timestamp=0, key=None, value=b"x" * size, headers=[])
    return bytes(builder.build())


async def throttled_ms(wire: Wire, agency: str, value: bytes) -> int:
    """Return for how long the broker says that it holds *agency* back after this."""
    answer = await wire.ask(ProduceRequest(None, 1, 10_000, [(f"in.{agency}", [(0, value)])]))
    ((_topic, ((_partition, code, *_rest),)),) = answer.topics
    assert code
    return int(answer.throttle_time_ms)


@pytest.mark.stack
async def test_an_agency_that_floods_is_held_back_and_another_is_not(home: Home) -> None:
    apply(home, TOPOLOGY)
    async with (
        connected(Credentials.of(home, FLOODER, TOPOLOGY)) as flooding,
        connected(Credentials.of(home, OTHER, TOPOLOGY)) as publishing,
    ):
        flood, held_back, beside = batch_of(TOO_LARGE), 0, []
        for _ in range(FLOOD_MAX):
            held_back = await throttled_ms(flooding, FLOODER, flood)
            beside.append(await throttled_ms(publishing, OTHER, b""))
            if held_back:
                break
        assert held_back > 0
        assert set(beside) == {0}


@pytest.mark.stack
def test_limits_that_were_changed_by_hand_are_put_right(home: Home) -> None:
    apply(home, TOPOLOGY)
    by_hand = (("user", FLOODER), ("client-id", "loophole"))
    set_quotas(home, [SetQuota(entity=by_hand, limits={"producer_byte_rate": 1e12})])
    set_quotas(home, [SetQuota(entity=(("user", "europol"),), limits={"consumer_byte_rate": None})])
    apply(home, TOPOLOGY)
    assert observe_quotas(home) == quotas(TOPOLOGY)
