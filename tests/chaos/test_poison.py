"""Records that cannot be processed, one by one and all at once: parked and seen, and everything else flows."""

import time

import orjson
import pytest

from infra.home import Home
from streams.pump.caution import STARTS_MAX, TRIES_MAX
from streams.pump.failpoints import EXIT_CODE
from tests.chaos.sabotage import is_parked, parked, unpseudonymised, write_large
from tests.chaos.trial import Trial
from tests.publishing import Agency
from tests.running import Worker, command, records, rows, tables_with, wait_until

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("chaos"), pytest.mark.timeout(300)]

AGENCY = "rs-police"
OTHER = "rs-social-service"
"""None whose events the trial counts."""
POISONED = 8


@pytest.fixture
def worker(trial: Trial) -> Worker:
    """Return the worker that runs; it lives on over all tests that do not stop it."""
    return trial.running_worker()


def discarded(home: Home, name: str) -> None:
    """Discard the record, and see that the command and the audit say so."""
    done = command(home, "parked", "discard", name, "--reason", "Invented for a test")
    assert (done.returncode, done.stdout) == (0, f"{name}: discarded\n"), done.stderr
    offset = name.rpartition("@")[2]
    query = (
        "SELECT action, reason FROM streams.parking_audit WHERE \"offset\" = %s AND action LIKE 'discard%%' ORDER BY at"
    )
    because = "Invented for a test"
    assert rows(home, query, offset)[-2:] == [("discard requested", because), ("discarded", because)]


def test_a_poison_record_each_second_is_parked_while_others_flow(trial: Trial, worker: Worker) -> None:
    cases = [f"poison-{number}" for number in range(POISONED)]
    for case in cases:
        trial.send(1, case, [AGENCY])
    trial.flows(but=())
    held: list[str] = []
    with unpseudonymised(trial.home, [trial.channels.subjects[f"{AGENCY} {case}"] for case in cases]):
        for case in cases:
            held += trial.send(1, case, [AGENCY])
            trial.send(25)
            time.sleep(1)
        wait_until(lambda: is_parked(trial.home, POISONED), "each is parked")
        trial.flows(but=held)
        assert [(code, behind) for _, code, behind in parked(trial.home)] == [("KeyError", 0)] * POISONED
        assert orjson.loads(command(trial.home, "status", "--json").stdout)["parked"] == {"release": POISONED}
        failed = command(trial.home, "parked", "retry", "--all", "--processor", "release")
        assert (failed.returncode, failed.stdout.count("failed again: KeyError")) == (1, POISONED)
    assert command(trial.home, "parked", "retry", "--all").returncode == 0
    trial.settle("a poison record each second")
    assert worker.runs


def test_a_record_at_which_the_process_dies_is_parked_after_a_few_deaths(trial: Trial, worker: Worker) -> None:
    worker.kill()
    doomed = trial.worker(HUB_FAILPOINT="release:after-poll:1")
    (deadly,) = trial.send(1, "deadly", [AGENCY])
    wait_until(lambda: not doomed.runs, "the ledger has it, and release has not")
    trial.channels.read()
    partition, offset = trial.channels.places[deadly]
    trial.send(25)
    deaths = 0
    while not is_parked(trial.home, 1):
        doomed = trial.worker(HUB_FAILPOINT=f"release:at-ledger-{partition}@{offset}:1")
        wait_until(lambda doomed=doomed: not doomed.runs or is_parked(trial.home, 1), "it dies or is cautious")  # type: ignore[misc]  # bound in the loop
        deaths += doomed.process.returncode == EXIT_CODE
        assert deaths <= STARTS_MAX + TRIES_MAX
    trial.flows(but=[deadly])
    name = f"release:ledger-{partition}@{offset}"
    assert parked(trial.home) == [(name, "ends-the-process", 0)]
    doomed.kill()
    trial.working()
    assert command(trial.home, "parked", "retry", name).returncode == 0
    trial.settle(f"a record at which the process dies, {deaths} times")


def test_too_many_failures_halt_the_partition_and_park_nothing_of_that_batch(trial: Trial, worker: Worker) -> None:
    trial.send(1, "bad", [AGENCY])
    trial.flows(but=())
    with unpseudonymised(trial.home, [trial.channels.subjects[f"{AGENCY} bad"]]):
        trial.send_cases(600, "bad", AGENCY)
        wait_until(lambda: trial.says("halted", "too-many-parked", "release"), "release halts")
        halted = rows(
            trial.home,
            "SELECT p.partition FROM streams.partition_state s "
            "JOIN streams.parked p USING (processor, topic, partition) "
            "JOIN streams.checkpoint c USING (processor, topic, partition) "
            "WHERE s.state = 'halted' AND p.\"offset\" >= c.next_offset",
        )
        assert halted == []
        assert "undo the last deployment" in command(trial.home, "status").stdout
    worker.stop()
    trial.working()
    command(trial.home, "parked", "retry", "--all")
    trial.settle("too many failures, put right, worker restarted")


def test_an_output_too_large_for_a_message_is_parked_and_others_flow(trial: Trial, worker: Worker) -> None:
    write_large(trial.home, "rs-prosecution", 5_000_000)
    wait_until(lambda: is_parked(trial.home, 1), "it is parked")
    trial.send(25)
    trial.flows(but=())
    ((name, code, _),) = parked(trial.home)
    assert code == "output-too-large"
    discarded(trial.home, name)
    trial.settle("an output too large for a message")
    assert worker.runs


async def test_what_intake_cannot_process_is_parked_without_its_key_and_answered_when_it_is_discarded(
    trial: Trial, worker: Worker
) -> None:
    async with Agency(trial.home, OTHER) as agency:
        first = agency.event(person__person_ref="P-erased-1")
        offset = await agency.send(first)
        assert (await agency.answers([offset]))[offset].outcome == "ACCEPTED"
        holder = f"subject:{trial_subject(trial.home)}"
        rows(trial.home, "UPDATE vault.data_key SET wrapped = NULL WHERE holder = %s AND recipient = ''", holder)
        bad = await agency.send(agency.event(person__person_ref="P-erased-1"), key=b"Canary-of-a-key")
        good = await agency.send(agency.event(), key=b"Canary-of-a-key")
        assert (await agency.answers([good]))[good].outcome == "ACCEPTED"
        name = f"intake:in.{OTHER}-0@{bad}"
        assert parked(trial.home) == [(name, "KeyError", 0)]
        assert tables_with(trial.home, "Canary-of-a-key") == []
        discarded(trial.home, name)
        answer = (await agency.answers([bad]))[bad]
    assert (answer.outcome, [problem.rule for problem in answer.problems]) == ("REFUSED", ["discarded-by-operator"])
    assert records(trial.home, f"quarantine.{OTHER}")
    assert worker.runs


def trial_subject(home: Home) -> str:
    """Return the person that the vault has made last."""
    ((subject,),) = rows(home, "SELECT subject_id::text FROM vault.subject ORDER BY created_at DESC LIMIT 1")
    return str(subject)
