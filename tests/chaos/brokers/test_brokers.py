"""One broker of three may be lost and nobody waits for it; without two the hub takes nothing in, and loses nothing."""

import asyncio
import threading
import time
from collections.abc import Iterator

import pytest

from connectors.placing import PublishUnavailableError
from connectors.publisher import Publisher
from infra.kafka import discard, producer_for
from infra.topology.credentials import Credentials
from tests.chaos.brokers.cluster import NODES, Cluster
from tests.chaos.trial import Trial
from tests.publishing import Agency, invented
from tests.running import Worker, records, wait_until

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("brokers"), pytest.mark.timeout(900)]

WAVE = 100
"""Events of each agency around a fault."""
OTHER = "rs-counselling"
"""None whose events the trial counts."""
STANDSTILL_S = 25
"""Longer than the broker's session with the controllers (9 s), the workers' with it (6 s) and a transaction (10 s)."""


@pytest.fixture(scope="module")
def worker(hub_trial: Trial) -> Iterator[Worker]:
    """Yield the one worker that lives through every fault of this module."""
    started = hub_trial.worker()
    hub_trial.send(10)
    hub_trial.settle("(no fault, three brokers)")
    yield started
    started.stop()


def test_one_broker_killed_nobody_waits_for_it(trial: Trial, cluster: Cluster, worker: Worker) -> None:
    doomed = cluster.leader("ledger")
    with trial.sending(WAVE):
        began = time.monotonic()
        cluster.kill(doomed)
    trial.settle("one broker of three killed", since=began)
    trial.send(WAVE)
    trial.settle("one broker of three is away")
    trial.up()
    cluster.wait_whole()
    trial.send(WAVE)
    trial.settle("the broker that was killed is back")
    assert worker.runs


def test_two_brokers_killed_nothing_is_taken_in_and_nothing_is_lost(
    trial: Trial, cluster: Cluster, worker: Worker
) -> None:
    trial.send(WAVE)
    survivor = cluster.leader(f"in.{OTHER}")
    cluster.kill(*(node for node in NODES if node != survivor))
    assert not asyncio.run(_is_acknowledged(trial)), "nobody is told that an event is safe which only one broker has"
    stopped = len(trial.channels.sent)
    with trial.sending(WAVE):
        time.sleep(STANDSTILL_S)
        began = time.monotonic()
        trial.up()
        cluster.wait_whole()
    assert len(trial.channels.sent) > stopped
    trial.settle("two brokers of three killed", since=began)
    assert worker.runs


async def _is_acknowledged(trial: Trial) -> bool:
    """Whether a broker takes a record of an agency for good within ten seconds."""
    producer = producer_for(Credentials.of(trial.home, OTHER))
    try:
        async with asyncio.timeout(10):
            await producer.start()
            await producer.send_and_wait(f"in.{OTHER}", b"nobody may be told that this is safe")
    except TimeoutError:
        return False
    finally:
        await discard(producer)
    return True
