"""Reads and sets the broker's quotas, which confluent-kafka has no calls for."""

import asyncio
from collections.abc import Coroutine, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from aiokafka.protocol.admin import DescribeClientQuotasRequest

from infra.home import Home
from infra.kafka_wire import BrokerUnreachableError, alter_quotas, connected
from infra.topology.credentials import Credentials
from infra.topology.quotas import Entity, SetQuota
from schemas.names import PrincipalId

T = TypeVar("T")
ADMIN = PrincipalId("hub-admin")


def observe_quotas(home: Home) -> dict[Entity, Mapping[str, float]]:
    """Return every quota of the broker of *home*, also those that the topology could not have set."""
    return _run(_observe(home))


def set_quotas(home: Home, changes: Iterable[SetQuota]) -> None:
    """Carry *changes* out."""
    _run(_set(home, list(changes)))


async def _observe(home: Home) -> dict[Entity, Mapping[str, float]]:
    async with connected(_administrator(home)) as wire:
        answer = await wire.ask(DescribeClientQuotasRequest([], False))
    if answer.error_code:
        raise BrokerUnreachableError(f"the broker did not tell its quotas (Kafka's error code {answer.error_code})")
    return {tuple((kind, name) for kind, name in entity): dict(values) for entity, values in answer.entries or ()}


async def _set(home: Home, changes: list[SetQuota]) -> None:
    entries = [
        (list(change.entity), [(key, value or 0.0, value is None) for key, value in change.limits.items()])
        for change in changes
    ]
    async with connected(_administrator(home)) as wire:
        answer: Any = await wire.ask(alter_quotas(entries))
    wrong = sorted({code for code, _message, _entity in answer.entries if code})
    if wrong:
        raise BrokerUnreachableError(f"the broker did not take the quotas (Kafka's error codes {wrong})")


def _administrator(home: Home) -> Credentials:
    endpoints = home.endpoints()
    return Credentials(
        principal=ADMIN,
        password=home.password(ADMIN),
        bootstrap=endpoints.bootstrap,
        ca_file=home.ca_file,
        access_url=endpoints.access_url,
    )


def _run(work: Coroutine[Any, Any, T]) -> T:
    """Run *work* in a thread of its own: the caller may itself be called by a loop."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        return pool.submit(lambda: asyncio.run(work)).result()
