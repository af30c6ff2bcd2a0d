"""One partition on the real broker and database: each record counts once, whatever happens to who folds it."""

import asyncio
from collections.abc import AsyncIterator

import psycopg
import pytest

from infra.home import Home
from infra.workplace import Workplace, workplace
from projections import partition
from projections.decoding import EventReader
from projections.projection import Event, Projection
from projections.skipping import NotSkippedError, skip
from schemas.upcasting import UnknownVersionError
from tests.projections.folding import Scratch, checkpoint, folding, held, receipt, state, until, write, writing

pytestmark = pytest.mark.stack
ACCEPTED = ("ACCEPTED", "rs-police", "PersonIdentified", "", "")
REFUSED = ("REFUSED", "rs-police", "PersonIdentified", "", "")


@pytest.fixture
async def place(home: Home) -> AsyncIterator[Workplace]:
    async with workplace(home) as opened:
        yield opened


def counted(home: Home, projection: Projection) -> dict[object, int]:
    rows = held(home, projection.tables[0])
    return {key: int(str(values[-1])) for key, values in rows.items()}


async def test_transactions_count_when_committed_and_the_end_of_the_log_is_reached(
    home: Home, place: Workplace, own: Scratch
) -> None:
    projection, topic = own
    async with writing(home) as producer, folding(place, projection, topic):
        await write(producer, topic, [receipt(place.codec, "ACCEPTED", n) for n in range(3)])
        await write(producer, topic, [receipt(place.codec, "REFUSED", n) for n in range(5)], abort=True)
        await write(producer, topic, [receipt(place.codec, "ACCEPTED", n) for n in range(2)])
        # 3 + 5 + 2 records and a marker after each transaction
        await until(lambda: checkpoint(home, projection) == 13, "the end of the log")
    assert counted(home, projection) == {ACCEPTED: 5}


async def test_a_fold_that_is_killed_again_and_again_counts_each_record_once(
    home: Home, place: Workplace, own: Scratch, monkeypatch: pytest.MonkeyPatch
) -> None:
    projection, topic = own
    monkeypatch.setattr(partition, "BATCH_RECORDS_MAX", 7)
    async with writing(home) as producer:
        for _ in range(4):
            await write(producer, topic, [receipt(place.codec, "ACCEPTED", n) for n in range(100)])
    lives = 0
    while checkpoint(home, projection) != 404:
        lives += 1
        assert lives < 200, "it never gets to the end"
        async with folding(place, projection, topic):
            reached = checkpoint(home, projection) or 0
            await until(lambda before=reached: (checkpoint(home, projection) or 0) > before, "a step")  # type: ignore[misc]
    assert lives > 1
    assert counted(home, projection) == {ACCEPTED: 400}


async def test_two_that_fold_one_partition_count_each_record_once(
    home: Home, place: Workplace, own: Scratch, monkeypatch: pytest.MonkeyPatch
) -> None:
    projection, topic = own
    monkeypatch.setattr(partition, "BATCH_RECORDS_MAX", 5)
    monkeypatch.setattr(partition, "MOVED_WAIT_S", 0.01)
    async with (
        writing(home) as producer,
        folding(place, projection, topic),
        folding(place, projection, topic),
    ):
        for _ in range(5):
            await write(producer, topic, [receipt(place.codec, "ACCEPTED", n) for n in range(40)])
        await until(lambda: checkpoint(home, projection) == 205, "the end of the log")
    assert counted(home, projection) == {ACCEPTED: 200}


async def test_a_record_that_cannot_be_read_halts_right_before_it(home: Home, place: Workplace, own: Scratch) -> None:
    projection, topic = own
    good = receipt(place.codec, "ACCEPTED", 0)
    async with writing(home) as producer:
        await write(producer, topic, [good, good, b"\x00Ana Petrovic", good])
        async with folding(place, projection, topic) as task:
            await asyncio.wait_for(task, 60)
    assert (state(home, projection), checkpoint(home, projection)) == ("halted", 2)
    assert counted(home, projection) == {ACCEPTED: 2}
    with psycopg.connect(home.dsn("hub_access")) as connection:
        said = connection.execute(
            "SELECT code, advice FROM projections.partition_state WHERE projection = %s", (projection.name,)
        ).fetchone()
    assert said is not None
    assert said[0] == "unreadable-record"
    assert "offset 2" in said[1]
    assert "Petrovic" not in said[1]


async def test_a_record_that_nobody_can_read_is_passed_over_when_an_operator_says_so(
    home: Home, place: Workplace, own: Scratch
) -> None:
    projection, topic = own
    good = receipt(place.codec, "ACCEPTED", 0)
    with psycopg.connect(home.dsn("hub_admin"), autocommit=True) as owner:
        async with writing(home) as producer:
            await write(producer, topic, [good, b"\x00Ana Petrovic", good])
            with pytest.raises(NotSkippedError):
                skip(owner, f"{topic}-0@0", "not one that anybody stands still at")
            async with folding(place, projection, topic) as task:
                await asyncio.wait_for(task, 60)
            with pytest.raises(NotSkippedError):
                skip(owner, f"{topic}-0@1", " ")
            skip(owner, f"{topic}-0@1", "written by hand in a test")
            async with folding(place, projection, topic):
                await until(lambda: checkpoint(home, projection) == 4, "the end of the log")
        owner.execute("DELETE FROM projections.skipped WHERE topic = %s", (topic,))
    assert counted(home, projection) == {ACCEPTED: 2}


async def test_a_version_of_a_later_release_halts_and_says_which_is_needed(
    home: Home, place: Workplace, own: Scratch, monkeypatch: pytest.MonkeyPatch
) -> None:
    def later(*_arguments: object) -> Event:
        raise UnknownVersionError("install the release that wrote it")

    projection, topic = own
    monkeypatch.setattr(EventReader, "event", later)
    async with writing(home) as producer:
        await write(producer, topic, [receipt(place.codec, "ACCEPTED", 0)])
        async with folding(place, projection, topic) as task:
            await asyncio.wait_for(task, 60)
    with psycopg.connect(home.dsn("hub_access")) as connection:
        said = connection.execute(
            "SELECT state, code, advice FROM projections.partition_state WHERE projection = %s", (projection.name,)
        ).fetchone()
    assert said == ("halted", "unknown-schema-version", "install the release that wrote it")


async def test_a_topic_made_anew_halts_with_advice(home: Home, place: Workplace, own: Scratch) -> None:
    projection, topic = own
    with psycopg.connect(home.dsn("hub_admin")) as connection:
        connection.execute(
            "INSERT INTO projections.checkpoint (projection, generation, topic, partition, next_offset) "
            "VALUES (%s, 1, %s, 0, 9)",
            (projection.name, topic),
        )
    async with folding(place, projection, topic) as task:
        await asyncio.wait_for(task, 60)
    assert state(home, projection) == "halted"
    assert checkpoint(home, projection) == 9


async def test_a_database_that_ends_every_connection_is_waited_for(
    home: Home, place: Workplace, own: Scratch, monkeypatch: pytest.MonkeyPatch
) -> None:
    projection, topic = own
    monkeypatch.setenv("PGAPPNAME", projection.name)
    monkeypatch.setattr(partition, "BATCH_RECORDS_MAX", 3)
    async with writing(home) as producer, folding(place, projection, topic):
        for _ in range(6):
            await write(producer, topic, [receipt(place.codec, "ACCEPTED", n) for n in range(10)])
            await asyncio.to_thread(end_connections, home, projection.name)
        await until(lambda: checkpoint(home, projection) == 66, "the end of the log")
        await until(lambda: state(home, projection) == "running", "the state that a lost connection held back")
    assert counted(home, projection) == {ACCEPTED: 60}


def end_connections(home: Home, name: str) -> None:
    with psycopg.connect(home.dsn("hub_admin")) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE application_name = %s AND pid <> pg_backend_pid()",
            (name,),
        )
