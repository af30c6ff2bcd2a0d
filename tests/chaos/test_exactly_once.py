"""Workers that die, freeze and come back: every event once, in the order of its case, in the ledger and every feed."""

import os
import signal
from collections.abc import Iterator
from typing import get_args

import pytest

from streams.pump.failpoints import EXIT_CODE, Moment
from tests.chaos.trial import AGENCIES, Trial
from tests.running import Worker, wait_until

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("chaos"), pytest.mark.timeout(300)]

EVENTS = int(os.environ.get("HUB_CHAOS_EVENTS", "6000"))
"""So many flow while workers are killed; `hub chaos` takes ten times as many."""
KILLS = 10
WAVE = 250
"""Events of each agency around another fault."""


@pytest.fixture
def workers(trial: Trial) -> Iterator[list[Worker]]:
    """Yield a list of running workers; those that still run at the end are stopped."""
    yield []
    trial.stop_workers()


def test_what_was_there_before_the_first_worker_is_not_lost(trial: Trial, workers: list[Worker]) -> None:
    trial.send(WAVE)  # a group without a committed offset would begin at the end of a topic, or lose its first record
    workers.append(trial.worker())
    trial.settle("first start on topics that hold records")


@pytest.mark.timeout(1800)
def test_two_workers_killed_ten_times_while_a_third_comes_and_goes(trial: Trial, workers: list[Worker]) -> None:
    workers += [trial.worker(), trial.worker()]
    third: Worker | None = None
    before = trial.progress()
    with trial.sending(EVENTS // len(AGENCIES)):
        for turn in range(KILLS):
            enough = before + EVENTS * (turn + 1) // (KILLS + 1)
            wait_until(lambda enough=enough: trial.progress() >= enough, "intake is at work", 180)  # type: ignore[misc]  # bound in the loop
            workers[turn % 2].kill()
            workers[turn % 2] = trial.worker()
            if third is None:
                third = trial.worker()
                workers.append(third)
            elif turn % 3 == 0:
                third.stop()
                third = None
    trial.settle(f"kill -9 of a worker, {KILLS} times, {EVENTS} events", 600)


def test_a_worker_that_stood_still_writes_nothing_when_it_wakes(trial: Trial, workers: list[Worker]) -> None:
    workers += [trial.worker(), trial.worker()]
    before = trial.progress()
    with trial.sending(WAVE):
        wait_until(lambda: trial.progress() >= before + WAVE // 2, "intake is at work", 60)
        os.kill(workers[0].process.pid, signal.SIGSTOP)
    trial.settle("a worker stopped for longer than its session")
    os.kill(workers[0].process.pid, signal.SIGCONT)
    trial.send(WAVE)
    trial.settle("the same worker woken again")
    assert workers[0].runs


@pytest.mark.parametrize("moment", get_args(Moment))
@pytest.mark.parametrize("processor", ["intake", pytest.param("release", marks=pytest.mark.thorough)])
def test_a_crash_at_the_worst_moment(trial: Trial, workers: list[Worker], processor: str, moment: str) -> None:
    doomed = trial.worker(HUB_FAILPOINT=f"{processor}:{moment}:2")
    workers.append(doomed)
    trial.send(25)
    wait_until(lambda: not doomed.runs, f"the worker dies at {processor} {moment}", 60)
    assert doomed.process.returncode == EXIT_CODE
    workers.append(trial.worker())
    trial.settle(f"crash at {processor} {moment}")
