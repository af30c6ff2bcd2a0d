"""Servers that are not as they should be: a topic or a right is gone, a disk is full, a checkpoint is of another log.

Each is seen in `hub status`, nothing is lost or skipped, and it goes on by itself or after what the advice says.
"""

import asyncio
from functools import partial

import pytest

from tests.chaos.sabotage import apply_topology, delete_topic, full_disk, take_rights
from tests.chaos.trial import Trial
from tests.publishing import Agency, invented
from tests.running import Worker, command, records, rows, wait_until

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("chaos"), pytest.mark.timeout(300)]

OTHER = "rs-counselling"
"""None whose events the trial counts."""
THOROUGH = partial(pytest.param, marks=pytest.mark.thorough)
CONTRADICTION = "checkpoint-contradiction"


@pytest.fixture
def worker(trial: Trial) -> Worker:
    """Return the worker that runs; it lives on over all tests that do not stop it."""
    return trial.running_worker()


async def test_a_feed_whose_topic_was_deleted_waits_for_it_and_holds_every_event_once(
    trial: Trial, worker: Worker
) -> None:
    delete_topic(trial.home, "to.interpol")
    async with Agency(trial.home, "bg-prosecution") as agency:
        requests = [invented("ExtraditionRequested", agency.name) for _ in range(3)]
        offsets = await agency.send_all([agency.encode(each, "ExtraditionRequested") for each in requests])
        await agency.answers(offsets)
    await asyncio.to_thread(wait_until, lambda: trial.says("waiting", "topic-missing", "release"), "it says so")
    assert "topic-missing a topic does not exist: `hub topology apply` makes it" in command(trial.home, "status").stdout
    await asyncio.to_thread(apply_topology, trial.home)
    trial.channels.forget("to.interpol")
    await asyncio.to_thread(wait_until, lambda: len(records(trial.home, "to.interpol")) >= 3, "the feed has them")
    await asyncio.to_thread(trial.send, 25)
    await asyncio.to_thread(trial.settle, "the topic of a feed deleted and made again")
    assert len(records(trial.home, "to.interpol")) == 3
    assert worker.runs


async def test_receipts_whose_topic_was_deleted_come_once_it_is_there_again(trial: Trial, worker: Worker) -> None:
    delete_topic(trial.home, f"receipts.{OTHER}")
    await _send(trial, OTHER, 3)
    await asyncio.to_thread(wait_until, lambda: trial.says("waiting", "topic-missing", "intake"), "it says so")
    await asyncio.to_thread(trial.send, 25)
    await asyncio.to_thread(trial.flows, ())
    await asyncio.to_thread(apply_topology, trial.home)
    await asyncio.to_thread(wait_until, lambda: len(records(trial.home, f"receipts.{OTHER}")) >= 3, "the receipts come")
    await asyncio.to_thread(trial.settle, "the topic of receipts deleted and made again")
    assert len(records(trial.home, f"receipts.{OTHER}")) == 3
    assert worker.runs


@pytest.mark.parametrize(
    ("principal", "resource", "name"),
    [
        ("hub-release", "topic", "to.europol"),
        THOROUGH("hub-release", "topic", "ledger"),
        ("hub-release", "transactional_id", "hub.release."),
        ("hub-intake", "topic", "ledger"),
        THOROUGH("hub-intake", "topic", "in.rs-police"),
        THOROUGH("hub-intake", "transactional_id", "hub.intake."),
    ],
)
def test_a_right_that_is_taken_away_is_waited_for(
    trial: Trial, worker: Worker, principal: str, resource: str, name: str
) -> None:
    trial.send(5)
    trial.flows(but=())
    take_rights(trial.home, principal, resource, name)
    trial.send(25)
    processor = principal.removeprefix("hub-")
    try:
        wait_until(lambda: trial.says("waiting", "not-authorised", processor), "the partition says so", 120)
    finally:  # what comes after this test needs the right
        apply_topology(trial.home)
    trial.settle(f"{principal} without its right: {resource} {name}")
    assert worker.runs


def test_a_full_disk_of_postgresql_is_waited_for(trial: Trial, worker: Worker) -> None:
    trial.send(5)
    trial.flows(but=())
    with full_disk(trial.home):
        held = trial.send(25)
        wait_until(lambda: trial.says("waiting", "database-disk-full"), "the partition says so")
        trial.flows(but=held)
    trial.settle("the disk of PostgreSQL full")
    assert worker.runs


def test_a_checkpoint_beyond_the_end_of_the_ledger_halts_release_until_it_is_put_right(
    trial: Trial, worker: Worker
) -> None:
    trial.send(25)
    trial.flows(but=())
    worker.stop()
    move = "UPDATE streams.checkpoint SET next_offset = next_offset + %s WHERE processor = 'release'"
    rows(trial.home, move, 1_000_000)
    second = trial.worker()
    wait_until(lambda: trial.says("halted", CONTRADICTION, "release"), "release halts")
    assert "was the topic made anew?" in command(trial.home, "status").stdout
    trial.send(5)
    second.stop()
    rows(trial.home, move, -1_000_000)
    trial.worker()
    trial.settle("a checkpoint beyond the end of the ledger, put right")


def test_a_source_that_was_made_anew_halts_intake_and_skips_nothing(trial: Trial, worker: Worker) -> None:
    done = _position(trial) + 5
    asyncio.run(_send(trial, OTHER, 5))
    wait_until(lambda: _position(trial) >= done and not _outbox(trial), "intake is done with it")
    delete_topic(trial.home, f"in.{OTHER}")
    apply_topology(trial.home)
    asyncio.run(_send(trial, OTHER, 2))
    wait_until(lambda: trial.says("halted", CONTRADICTION, "intake"), "intake halts on it", 90)
    trial.send(5)
    trial.flows(but=())
    before = len(records(trial.home, f"receipts.{OTHER}"))
    worker.stop()
    rows(trial.home, "DELETE FROM streams.checkpoint WHERE topic = %s", f"in.{OTHER}")
    trial.worker()
    wait_until(lambda: len(records(trial.home, f"receipts.{OTHER}")) == before + 2, "both are answered")
    trial.settle("a source made anew, its checkpoint reset")


def _position(trial: Trial) -> int:
    query = "SELECT coalesce(sum(next_offset), 0) FROM streams.checkpoint WHERE topic = %s"
    return int(rows(trial.home, query, f"in.{OTHER}")[0][0])


def _outbox(trial: Trial) -> int:
    return int(rows(trial.home, "SELECT count(*) FROM streams.outbox WHERE topic = %s", f"in.{OTHER}")[0][0])


async def _send(trial: Trial, name: str, count: int) -> None:
    """Send without waiting for receipts: their topic may be gone."""
    events = [trial.encoded("PersonIdentified", invented("PersonIdentified", name)) for _ in range(count)]
    await trial.send_prepared({name: events})
