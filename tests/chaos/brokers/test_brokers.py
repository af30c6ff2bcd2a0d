"""One broker of three may be lost and nobody waits for it; without two the hub takes nothing in, and loses nothing."""

import asyncio
import time
from collections.abc import Iterator

import pytest

from connectors.event_ids import new_event_id
from connectors.placing import PublishUnavailableError
from connectors.publisher import Publisher
from infra.topology.credentials import Credentials
from schemas.names import EventId
from tests.chaos.brokers.cluster import NODES, Cluster
from tests.chaos.trial import Trial
from tests.publishing import Agency
from tests.running import Worker, wait_until

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("chaos"), pytest.mark.timeout(900)]

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
    before = trial.channels.acknowledgements
    survivor = cluster.leader(f"in.{OTHER}")
    cluster.kill(*(node for node in NODES if node != survivor))
    asyncio.run(_is_told_so(trial))
    with trial.sending(WAVE):
        time.sleep(STANDSTILL_S)
        assert trial.channels.acknowledgements == before, "nobody is told that what only one broker has is safe"
        began = time.monotonic()
        trial.up()
    trial.settle("two brokers of three killed", since=began)
    asyncio.run(_is_taken(trial))
    assert worker.runs


@pytest.mark.thorough
def test_a_broker_that_stands_still_is_replaced_and_does_no_harm_when_it_wakes(
    trial: Trial, cluster: Cluster, worker: Worker
) -> None:
    with trial.sending(WAVE):
        began = time.monotonic()
        with cluster.frozen(cluster.leader("ledger")):
            time.sleep(STANDSTILL_S)
            trial.settle("one broker of three stopped for longer than its session", since=began)
    cluster.wait_whole()
    trial.send(WAVE)
    trial.settle("the same broker woken again")
    assert worker.runs


@pytest.mark.thorough
def test_leaders_and_coordinators_move_while_events_flow(trial: Trial, cluster: Cluster, worker: Worker) -> None:
    with trial.sending(WAVE):
        began = time.monotonic()
        node = cluster.leader("ledger")
        cluster.stop(node)
        assert cluster.led()[node] == 0
        trial.up()
        cluster.wait_whole()
        cluster.elect_preferred()
        wait_until(lambda: cluster.led()[node] > 0, "it leads again")
    trial.settle("leaders and coordinators moved, and moved back", since=began)
    assert worker.runs


@pytest.mark.thorough
def test_all_brokers_killed_with_work_in_them(trial: Trial, cluster: Cluster, worker: Worker) -> None:
    trial.send(WAVE)
    with trial.sending(WAVE):
        cluster.kill(*NODES)
        began = time.monotonic()
        trial.up()
    trial.settle("all three brokers killed", since=began)
    for node in NODES:  # decision 17: markers of transactions that are dropped would let batches stand twice
        log = (trial.home.logs_dir / f"kafka-{node}.log").read_text(errors="replace")
        assert "these partitions are likely deleted" not in log
    assert worker.runs


async def _is_told_so(trial: Trial) -> None:
    """Fail unless an agency that publishes without a spool is told that the broker did not take the event."""
    with pytest.raises(PublishUnavailableError):
        async with Publisher(Credentials.of(trial.home, OTHER), patience_s=10) as publisher:
            await publisher.send(EventId(new_event_id()), b"nobody may be told that this is safe")


async def _is_taken(trial: Trial) -> None:
    """Fail unless an agency is answered again."""
    async with Agency(trial.home, OTHER) as agency:
        offset = await agency.send(agency.event())
        assert (await agency.answers([offset], timeout_s=240))[offset].outcome == "ACCEPTED"
