"""Workers that die, freeze and come back: every event once, in the order of its case, in the ledger and every feed."""

import os
import signal
from collections.abc import Iterator

import pytest

from streams.pump.failpoints import EXIT_CODE
from tests.chaos.trial import Trial
from tests.running import Worker, wait_until

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("chaos"), pytest.mark.timeout(300)]

WAVE = 250
"""Events of each agency between two faults."""


@pytest.fixture
def workers() -> Iterator[list[Worker]]:
    """Yield a list of running workers; those that still run at the end are stopped."""
    running: list[Worker] = []
    yield running
    for each in running:
        if each.runs:
            os.kill(each.process.pid, signal.SIGCONT)
            each.stop()


def test_what_was_there_before_the_first_worker_is_not_lost(trial: Trial, workers: list[Worker]) -> None:
    trial.send(WAVE)  # a group without a committed offset would begin at the end of a topic, or lose its first record
    workers.append(trial.worker())
    trial.settle("first start on topics that hold records")


def test_two_workers_killed_five_times_in_the_middle_of_their_work(trial: Trial, workers: list[Worker]) -> None:
    workers += [trial.worker(), trial.worker()]
    for turn in range(5):
        before = trial.progress()
        with trial.sending(WAVE):
            wait_until(lambda seen=before: trial.progress() >= seen + WAVE // 2, "intake is at work", 60)  # type: ignore[misc]  # bound in the loop
            workers[turn % 2].kill()
            workers[turn % 2] = trial.worker()
    trial.settle("kill -9 of a worker, five times")


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


@pytest.mark.parametrize(
    "failpoint",
    [
        "intake:after-poll:2",
        "intake:after-sql-commit:2",
        "intake:before-kafka-commit:2",
        "intake:after-kafka-commit:2",
        "release:after-sql-commit:2",
        "release:before-kafka-commit:2",
        "release:after-kafka-commit:2",
    ],
)
def test_a_crash_at_the_worst_moment(trial: Trial, workers: list[Worker], failpoint: str) -> None:
    doomed = trial.worker(HUB_FAILPOINT=failpoint)
    workers.append(doomed)
    trial.send(25)
    wait_until(lambda: not doomed.runs, f"the worker dies at {failpoint}", 60)
    assert doomed.process.returncode == EXIT_CODE
    workers.append(trial.worker())
    trial.settle(f"crash at {failpoint}")
