"""Clients of Kafka: what one of them takes to end holds nobody up."""

import asyncio
from typing import Any

import pytest
from aiokafka.errors import KafkaConnectionError

from infra.kafka import let_go


class Consumer:
    """A consumer whose connections end as they are told to."""

    def __init__(self, end: Any) -> None:
        self._end = end
        self.stopped = False

    async def stop(self) -> None:
        self.stopped = True
        await self._end()


async def never() -> None:
    await asyncio.Event().wait()


async def at_once() -> None:
    return


async def broken() -> None:
    raise KafkaConnectionError


@pytest.mark.parametrize("end", [never, at_once, broken])
async def test_a_connection_that_does_not_end_holds_nobody_up(end: Any) -> None:
    consumer: Any = Consumer(end)
    async with asyncio.timeout(30):
        await let_go(consumer, patience_s=0.01)
    assert consumer.stopped
