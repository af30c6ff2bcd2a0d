"""Workers that join and leave without end, a clock that is wrong, and an agency that floods."""

import asyncio
import sys
import time
from pathlib import Path

import pytest

from infra.home import write_atomically
from infra.topology.broker_quotas import observe_quotas, set_quotas
from infra.topology.quotas import SetQuota
from tests.chaos.trial import Trial
from tests.publishing import Agency
from tests.running import Worker, rows, wait_until

pytestmark = [
    *(pytest.mark.stack, pytest.mark.thorough, pytest.mark.xdist_group("chaos"), pytest.mark.timeout(900)),
]

WAVE = 100
STORM_S, TURN_S = 120, 5
JOINED_MIN = 5
"""So many workers said that they were there, at least: a loaded machine starts one in half a minute."""
FLOODING = "rs-counselling"
"""None whose events the trial counts."""
QUOTA_BYTES_S = 20_000
FLOOD = 20
FLOOD_S = 15
WRONG_CLOCK = """
import datetime, pathlib, sys, time
from infra import clock
file, real = pathlib.Path(sys.argv[1]), time.time
def ahead():
    return float(file.read_text() or 0)
class Wrong(clock.SystemClock):
    async def now(self):
        return await super().now() + datetime.timedelta(seconds=ahead())
clock.SystemClock = Wrong
time.time = lambda: real() + ahead()
from infra.home import Home
from streams.worker import run
run(Home.current())
"""
"""A worker whose clock is wrong by what a file says: that of the hub, and that of the libraries.

Its monotonic clock goes on, as on a machine whose clock is set. Those of the brokers and of PostgreSQL are right.
"""
HOUR_S = 3600


def test_workers_that_join_and_leave_every_five_seconds_for_two_minutes(trial: Trial) -> None:
    others: list[Worker] = [trial.running_worker()]
    joined: set[object] = set()
    with trial.sending(WAVE * 4):
        began = time.monotonic()
        while time.monotonic() - began < STORM_S:
            others.append(trial.worker())
            time.sleep(TURN_S)
            joined |= {pid for (pid,) in rows(trial.home, "SELECT pid FROM streams.worker")}
            if len(others) > 2:
                others.pop(1).process.terminate()
        ended = time.monotonic()
    assert len(joined) >= JOINED_MIN, "there was no storm"
    trial.settle("a worker joins or leaves every 5 s for 2 minutes", since=ended)
    trial.stop_workers()


@pytest.mark.parametrize("seconds", [HOUR_S, -HOUR_S])
def test_the_clock_of_a_worker_jumps_by_an_hour_and_back(trial: Trial, tmp_path: Path, seconds: int) -> None:
    trial.stop_workers()
    file = tmp_path / "ahead"
    file.write_text("0")
    worker = trial.worker(command=[sys.executable, "-P", "-c", WRONG_CLOCK, str(file)])
    trial.send(WAVE)
    trial.flows(but=(), seconds=240)
    with trial.sending(WAVE):
        write_atomically(file, str(seconds))
        began = time.monotonic()
        if seconds < 0:  # else what was reported just now would be refused: it would seem to come from the future
            wait_until(lambda: trial.says("waiting", "clock-behind", "intake"), "intake waits and says so", 240)
        time.sleep(STORM_S / 10)
        write_atomically(file, "0")
    way = "ahead" if seconds > 0 else "back"
    trial.settle(f"the clock of the worker jumps an hour {way}, and is put right", since=began)
    assert worker.runs
    worker.stop()


def test_an_agency_that_floods_waits_and_the_others_do_not(trial: Trial) -> None:
    worker = trial.running_worker()
    trial.send(WAVE)
    trial.flows(but=(), seconds=240)
    entity = (("user", FLOODING),)
    before = observe_quotas(trial.home).get(entity, {})
    set_quotas(trial.home, [SetQuota(entity=entity, limits={"producer_byte_rate": QUOTA_BYTES_S})])
    try:
        asyncio.run(_flood_while_others_send(trial))
    finally:
        limit = before.get("producer_byte_rate")
        set_quotas(trial.home, [SetQuota(entity=entity, limits={"producer_byte_rate": limit})])
    assert worker.runs


async def _flood_while_others_send(trial: Trial) -> None:
    async with Agency(trial.home, FLOODING) as agency:
        values = [agency.event()]
        count = QUOTA_BYTES_S * FLOOD * FLOOD_S // len(agency.signed(values[0]))
        values += [agency.event() for _ in range(count - 1)]
        flooding = asyncio.create_task(agency.send_all(values))
        began = time.monotonic()
        await trial.send_prepared(trial.prepared(WAVE))
        await asyncio.to_thread(trial.settle, f"an agency floods at {FLOOD} x its quota", since=began)
        assert not flooding.done(), "who floods waits, and nobody waits for him"
        set_quotas(trial.home, [SetQuota(entity=(("user", FLOODING),), limits={"producer_byte_rate": None})])
        answers = await agency.answers(await flooding, timeout_s=240)
        assert {answer.outcome for answer in answers.values()} == {"ACCEPTED"}
