"""The operators' desk on a real hub: what cannot be processed waits with its case, and leaves once, in order."""

from functools import partial

import orjson
import pytest

from streams.pump.failpoints import EXIT_CODE, RETRIED_IN_SQL
from tests.chaos.sabotage import is_parked, parked, unpseudonymised
from tests.chaos.trial import Trial
from tests.running import Worker, command, rows, tables_with, wait_until

pytestmark = [
    *(pytest.mark.stack, pytest.mark.xdist_group("chaos"), pytest.mark.timeout(300)),
    pytest.mark.usefixtures("workers"),
]

AGENCY = "rs-police"
THOROUGH = partial(pytest.param, marks=pytest.mark.thorough)
AFTER = "the record before it"


@pytest.fixture
def workers(trial: Trial) -> list[Worker]:
    """Return the workers, one at first; it lives on over all tests that do not stop it."""
    return [trial.running_worker()]


def subject_of(trial: Trial, case: str) -> str:
    """Return the person of a new *case* of the agency, after an event that went well."""
    trial.send(1, case, [AGENCY])
    trial.flows(but=())
    return trial.channels.subjects[f"{AGENCY} {case}"]


def audit(trial: Trial, name: str) -> list[tuple[str, str]]:
    offset, partition = name.rpartition("@")[2], name.rpartition("@")[0].rpartition("-")[2]
    query = 'SELECT action, by_whom FROM streams.parking_audit WHERE partition = %s AND "offset" = %s ORDER BY at'
    return [(action, who) for action, who in rows(trial.home, query, partition, offset)]


def ids(trial: Trial, events: list[str]) -> list[str]:
    trial.channels.read()
    return [f"release:ledger-{p}@{o}" for p, o in (trial.channels.places[event] for event in events)]


def test_a_case_waits_behind_its_bad_record_and_leaves_in_order_when_it_is_retried(trial: Trial) -> None:
    subject = subject_of(trial, "parked")
    with unpseudonymised(trial.home, [subject]):
        held = trial.send(4, "parked", [AGENCY])
        wait_until(lambda: is_parked(trial.home, 4), "the case is parked")
        trial.send(25)
        trial.flows(but=held)
        first, second, *_ = names = ids(trial, held)
        assert parked(trial.home) == [(first, "KeyError", 3)]
        refused = command(trial.home, "parked", "retry", second)
        assert (refused.returncode, first in refused.stderr) == (2, True)
        failed = command(trial.home, "parked", "retry", first)
        assert failed.returncode == 1
        assert f"{first}: failed again: KeyError" in failed.stdout
    done = command(trial.home, "parked", "retry", first, "--json")
    assert done.returncode == 0
    (told,) = orjson.loads(done.stdout)["outcomes"]
    assert told["outcome"] == "retried"
    assert told["followed"] == [f"{name} retried" for name in names[1:]]
    trial.settle("a case parked and retried")

    who = audit(trial, first)[1][1]
    assert who
    assert audit(trial, first) == [
        *[("parked", ""), ("retry requested", who), ("failed again", who)],
        *[("retry requested", who), ("retried", who)],
    ]
    assert audit(trial, second) == [("parked", ""), ("retried", AFTER)]
    assert command(trial.home, "parked", "list").stdout == "Nothing is parked.\n"
    assert "no longer parked" in command(trial.home, "parked", "show", first).stdout
    assert command(trial.home, "parked", "show", "release:ledger-0@99999").returncode == 2


@pytest.mark.parametrize(
    "moment", [RETRIED_IN_SQL, THOROUGH("after-produce"), "before-kafka-commit", THOROUGH("after-kafka-commit")]
)
def test_a_worker_that_dies_in_a_retry_delivers_it_once(trial: Trial, workers: list[Worker], moment: str) -> None:
    subject = subject_of(trial, f"retried-{moment}")
    with unpseudonymised(trial.home, [subject]):
        held = trial.send(2, f"retried-{moment}", [AGENCY])
        wait_until(lambda: is_parked(trial.home, 2), "the case is parked")
        trial.flows(but=held)
    workers[0].stop()
    workers.append(trial.worker(HUB_FAILPOINT=f"release:{moment}:1"))
    assert command(trial.home, "parked", "retry", ids(trial, held)[0], "--no-wait").returncode == 0
    wait_until(lambda: not workers[1].runs, f"the worker dies at {moment}")
    assert workers[1].process.returncode == EXIT_CODE
    workers.append(trial.worker())
    trial.settle(f"crash in a retry at {moment}")


def test_a_request_stays_while_no_worker_runs_and_is_done_by_the_next(trial: Trial, workers: list[Worker]) -> None:
    subject = subject_of(trial, "later")
    with unpseudonymised(trial.home, [subject]):
        held = trial.send(1, "later", [AGENCY])
        wait_until(lambda: is_parked(trial.home, 1), "the case is parked")
    workers[0].stop()
    (name,) = ids(trial, held)
    told = command(trial.home, "parked", "retry", name)
    assert told.returncode == 3
    assert "no worker runs" in told.stderr
    shown = command(trial.home, "parked", "show", name)
    assert "asked     retry by" in shown.stdout
    workers.append(trial.worker())
    trial.settle("retry asked for while no worker ran")


def test_nothing_of_an_event_is_in_the_tables_of_parking(trial: Trial) -> None:
    subject = subject_of(trial, "Canary-of-parking")
    with unpseudonymised(trial.home, [subject]):
        trial.send(2, "Canary-of-parking", [AGENCY])
        wait_until(lambda: is_parked(trial.home, 2), "the case is parked")
        assert tables_with(trial.home, "Canary-of-parking") == []
    assert command(trial.home, "parked", "retry", "--all").returncode == 0
    trial.settle("all that was parked retried")
