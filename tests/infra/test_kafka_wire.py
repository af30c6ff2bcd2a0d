"""Single requests to the brokers: whoever of them is there answers."""

from dataclasses import replace

import pytest
from aiokafka.protocol.admin import DescribeClientQuotasRequest

from infra.home import Home
from infra.kafka_wire import BrokerUnreachableError, connected
from infra.topology.credentials import Credentials

pytestmark = pytest.mark.stack

NOBODY = "127.0.0.1:1"


async def test_a_broker_that_is_away_is_passed_over(home: Home) -> None:
    known = Credentials.of(home, "hub-admin")
    async with connected(replace(known, bootstrap=f"{NOBODY},{known.bootstrap}")) as wire:
        answer = await wire.ask(DescribeClientQuotasRequest([], False))
    assert answer.error_code == 0


async def test_when_no_broker_is_there_it_says_why_each_of_them_was_passed_over(home: Home) -> None:
    known = Credentials.of(home, "hub-admin")
    with pytest.raises(BrokerUnreachableError, match=r"ConnectionRefusedError, ConnectionRefusedError"):
        async with connected(replace(known, bootstrap=f"{NOBODY},{NOBODY}")):
            pass
