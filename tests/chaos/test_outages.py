"""A part of the hub is away: everything waits and says so, goes on by itself when it is back, and loses nothing."""

import asyncio
import os
import signal
import struct
from collections.abc import Iterator

import psutil
import pytest

from connectors.access import AccessUnavailableError
from connectors.feed import Feed
from infra.settings import Settings
from infra.stack import process
from infra.stack.registry import Registry
from infra.topology.credentials import Credentials
from tests.chaos.trial import Trial
from tests.publishing import Agency
from tests.running import Worker, wait_until

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("chaos"), pytest.mark.timeout(300)]

WAVE = 100


@pytest.fixture(scope="module")
def worker(hub_trial: Trial) -> Iterator[Worker]:
    """Yield the one worker that lives through every outage of this module."""
    started = hub_trial.worker()
    hub_trial.send(10)
    hub_trial.settle("(no fault)")
    yield started
    started.stop()


@pytest.fixture(autouse=True)
def whole_again(trial: Trial) -> Iterator[None]:
    """Bring every part up again, whatever a test left."""
    yield
    trial.up()


def test_postgresql_killed_while_events_flow(trial: Trial, worker: Worker) -> None:
    with trial.sending(WAVE):
        os.kill(trial.part("postgres"), signal.SIGKILL)
    wait_until(lambda: worker.says("partition_waiting"), "the worker says that it waits")
    trial.up()
    trial.settle("PostgreSQL killed")
    assert worker.runs


def test_kafka_killed_with_work_in_it(trial: Trial, worker: Worker) -> None:
    trial.send(WAVE)
    os.kill(trial.part("kafka"), signal.SIGKILL)
    wait_until(lambda: worker.says("aiokafka"), "the worker says that the broker is away")
    trial.up()
    trial.send(WAVE)
    trial.settle("Kafka killed")
    assert worker.runs
    # Decision 17: a broker that drops markers repeats batches, but only where one was being decided when it died.
    assert "these partitions are likely deleted" not in (trial.home.logs_dir / "kafka.log").read_text(errors="replace")


async def test_the_registry_is_away_and_an_unknown_schema_waits_for_it(trial: Trial, worker: Worker) -> None:
    running = Registry(trial.home, Settings()).process()
    assert running is not None
    async with Agency(trial.home, "rs-counselling") as agency:  # not one whose events the trial counts
        value = agency.event()
        prepared = trial.prepared(WAVE)
        agency.signed(value)  # a client knows the schema of what it signs before the registry goes
        process.stop(running)
        unknown = await agency.send(value[:1] + struct.pack(">I", 2**31 - 11) + value[5:])
        behind = await agency.send(value)
        await asyncio.to_thread(
            wait_until, lambda: trial.says("waiting", "registry-unavailable"), "the partition says so"
        )
        await trial.send_prepared(prepared)
        await asyncio.to_thread(trial.settle, "registry stopped: what is known goes on")
        await asyncio.to_thread(trial.up)
        answers = await agency.answers([unknown, behind])
    assert [problem.rule for problem in answers[unknown].problems] == ["unknown-schema"]
    assert answers[behind].outcome == "ACCEPTED"
    assert worker.runs


def test_the_registry_killed_while_events_flow(trial: Trial, worker: Worker) -> None:
    with trial.sending(WAVE):
        os.kill(trial.part("registry"), signal.SIGKILL)
    trial.settle("registry killed: what is known goes on")
    trial.up()
    trial.send(WAVE)
    trial.settle("registry started again")
    assert worker.runs


async def test_the_access_server_is_away_and_a_partner_is_told_so(trial: Trial, worker: Worker) -> None:
    psutil.Process(trial.part("access")).kill()
    with pytest.raises(AccessUnavailableError):
        async with Feed(Credentials.of(trial.home, "europol")):
            pass
    await asyncio.to_thread(trial.up)
    async with Feed(Credentials.of(trial.home, "europol")) as feed:
        assert [event async for event in feed.events(follow=False)]
    assert worker.runs
