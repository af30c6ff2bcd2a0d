"""The line between a worker and the brokers is cut: nothing is lost or repeated, and another worker takes over."""

import time

import pytest

from tests.chaos.brokers.cluster import Cluster
from tests.chaos.brokers.path import remote_worker
from tests.chaos.trial import Trial

pytestmark = [
    *(pytest.mark.stack, pytest.mark.thorough, pytest.mark.xdist_group("chaos"), pytest.mark.timeout(900)),
]

WAVE = 100
CUT_S = 25
"""Longer than the session of a worker in its group (6 s) and than a transaction may take (10 s)."""


def test_a_worker_that_is_cut_off_from_every_broker_goes_on_when_the_line_is_back(
    trial: Trial, cluster: Cluster
) -> None:
    with remote_worker(trial) as (worker, path):
        trial.send(WAVE)
        trial.settle("(no fault, a worker behind a line)")
        with trial.sending(WAVE), path.cut(trial.home.ports.brokers):
            time.sleep(CUT_S)
        began = time.monotonic()
        trial.settle("network between the worker and all brokers cut", since=began)
        assert worker.runs
        port = cluster.part(cluster.leader("ledger")).port
        with path.cut([port]):
            trial.send(WAVE)
            time.sleep(CUT_S)
        began = time.monotonic()
        trial.settle("network between the worker and one broker cut", since=began)
        assert worker.runs


def test_another_worker_takes_over_from_one_that_is_cut_off_and_writes_nothing_when_it_is_back(trial: Trial) -> None:
    with remote_worker(trial) as (worker, path):
        trial.send(WAVE)
        trial.settle("(no fault, a worker behind a line)")
        with path.cut(trial.home.ports.brokers):
            second = trial.worker()
            began = time.monotonic()
            trial.send(WAVE)
            trial.settle("another worker takes over from one that is cut off", since=began)
        trial.send(WAVE)
        trial.settle("the worker that was cut off is back")
        assert worker.runs
        second.stop()
