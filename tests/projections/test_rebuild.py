"""A rebuild beside the live generation: whole or not seen, equal row by row, and continued after whatever ends it."""

import asyncio
import dataclasses
import datetime as dt
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner

from infra.cli import build
from infra.database import DatabaseUnavailableError
from infra.home import Home
from infra.workplace import Workplace
from projections import building as steps
from projections import generations, logs, reading
from projections.catalogue import PROJECTIONS
from projections.generations import BusyProjectionError, unfinished
from projections.offsets import OffsetsError, moment_of, vector_in
from projections.projection import Countries, Event, Projection
from projections.rebuild import RebuildFailedError
from projections.rows import Row
from tests.projections.folding import (
    Scratch,
    building,
    checkpoint,
    folding,
    held,
    receipt,
    states,
    until,
    write,
    writing,
)
from tests.publishing import Agency
from tests.running import ADMIN, ensure_worker, rows

pytestmark = pytest.mark.stack
OUTCOMES = ("ACCEPTED", "REFUSED", "DUPLICATE", "ACCEPTED")


@pytest.fixture
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "STEP_RECORDS", 10)
    monkeypatch.setattr(steps, "READ_RECORDS", 10)


small = pytest.mark.usefixtures("small_steps")


def seen(home: Home, projection: Projection, schema: str = "projections") -> dict[object, int]:
    """Return the counts of receipts by outcome."""
    return {key[0]: int(str(values[-1])) for key, values in held(home, projection.tables[0], schema).items()}


async def filled(home: Home, place: Workplace, own: Scratch, count: int = 40) -> dict[object, int]:
    """Write *count* receipts in one transaction, let the live generation fold them, and return the counts."""
    projection, topic = own
    async with writing(home) as producer, folding(place, projection, topic):
        values = [receipt(place.codec, OUTCOMES[n % len(OUTCOMES)], n) for n in range(count)]
        await write(producer, topic, values)
        await until(lambda: checkpoint(home, projection) == count + 1, "the end of the log")
    return seen(home, projection)


def failing(projection: Projection, offset: int) -> Projection:
    """Return *projection* with code that fails on one event."""

    def rows_of(event: Event, countries: Countries) -> Iterator[Row]:
        if event.offset == offset:
            raise ValueError(event.record)
        return projection.rows_of(event, countries)

    return dataclasses.replace(projection, rows_of=rows_of)


@small
async def test_readers_never_see_a_half_built_table(home: Home, place: Workplace, own: Scratch) -> None:
    projection, topic = own
    whole = await filled(home, place, own)
    glimpses = []
    with building(home, projection, topic) as made:
        made.report = lambda _doing, _done, _total: glimpses.append(seen(home, projection))
        (outcome,) = await asyncio.to_thread(made.rebuild, [projection])
    assert outcome.state == "switched"
    assert len(glimpses) > 3
    assert all(each == whole for each in glimpses)
    assert seen(home, projection) == whole


@small
async def test_a_rebuild_equals_the_live_one_row_by_row_while_events_flow(
    home: Home, place: Workplace, own: Scratch
) -> None:
    projection, topic = own
    written = 0
    done = asyncio.Event()

    async def flow() -> None:
        nonlocal written
        async with writing(home) as producer:
            while not done.is_set():
                await write(producer, topic, [receipt(place.codec, OUTCOMES[n % 4], n) for n in range(7)])
                written += 7

    async with folding(place, projection, topic):
        flowing = asyncio.create_task(flow())
        await until(lambda: sum(seen(home, projection).values()) > 100, "some events")
        with building(home, projection, topic) as made:
            (outcome,) = await asyncio.to_thread(made.rebuild, [projection])
        assert outcome.state == "switched"
        assert [(each.table, each.is_equal, each.rows) for each in outcome.compared] == [
            (projection.tables[0].name, True, 3)
        ]
        at_the_switch = written
        await until(lambda: written > at_the_switch, "more events")
        done.set()
        await flowing
        await until(lambda: sum(seen(home, projection).values()) == written, "every event, once")


async def test_a_row_that_differs_is_counted_not_shown_and_nobody_switches_by_itself(
    home: Home, place: Workplace, own: Scratch
) -> None:
    projection, topic = own
    whole = await filled(home, place, own)
    table = f'{generations.schema_of(projection.name, 1)}."{projection.tables[0].name}"'
    rows(home, f"UPDATE {table} SET records = 999 WHERE measure = 'REFUSED'")  # noqa: S608 - a name of the test
    rows(home, f"DELETE FROM {table} WHERE measure = 'DUPLICATE'")  # noqa: S608
    rows(home, f"INSERT INTO {table} VALUES ('ZZ', 'secret-agency', '', '', '', '', 1)")  # noqa: S608
    with building(home, projection, topic) as made:
        (outcome,) = await asyncio.to_thread(made.rebuild, [projection])
        (found,) = outcome.compared
        assert outcome.state == "different"
        assert (found.rows, found.missing, found.added, found.changed) == (3, 1, 1, 1)
        assert "secret-agency" not in str(outcome)
        assert states(home, projection) == {1: "live", 2: "building"}
        assert seen(home, projection)["REFUSED"] == 999
        await asyncio.to_thread(made.switch_to, projection, unfinished(made.owner, projection))
    assert seen(home, projection) == whole


@small
async def test_an_event_that_cannot_be_folded_stops_the_build_right_before_it_and_nothing_else(
    home: Home, place: Workplace, own: Scratch
) -> None:
    projection, topic = own
    whole = await filled(home, place, own)
    with building(home, failing(projection, 17), topic) as made:
        (outcome,) = await asyncio.to_thread(made.rebuild, [projection])
    assert outcome.state == "failed"
    assert outcome.failure is not None
    assert outcome.failure.code == "ValueError"
    assert f"offset 17 of {topic}-0" in outcome.failure.advice
    assert "rs-police" not in str(outcome)
    assert states(home, projection) == {1: "live", 2: "failed"}
    assert seen(home, projection) == whole
    half = seen(home, projection, generations.schema_of(projection.name, 2))
    assert sum(half.values()) == 17
    with building(home, projection, topic) as made:
        (outcome,) = await asyncio.to_thread(made.rebuild, [projection])
    assert (outcome.generation, outcome.state) == (2, "switched")
    assert seen(home, projection) == whole


async def test_a_build_that_fails_while_it_is_switched_to_leaves_readers_where_they_were(
    home: Home, place: Workplace, own: Scratch
) -> None:
    projection, topic = own
    whole = await filled(home, place, own)
    with building(home, failing(projection, 30), topic) as made:
        new = generations.create(made.owner, projection, "building")
        with pytest.raises(RebuildFailedError, match="offset 30"):
            await asyncio.to_thread(made.switch_to, projection, new)
    assert states(home, projection) == {1: "live", 2: "failed"}
    assert seen(home, projection) == whole


async def test_a_rebuild_that_is_killed_is_continued_by_the_same_command(
    home: Home, place: Workplace, own: Scratch
) -> None:
    projection, topic = own
    whole = await filled(home, place, own, 60)
    script = [sys.executable, "-m", "tests.projections.slow_rebuild", str(home.path), projection.name, topic]
    schema = generations.schema_of(projection.name, 2)
    killed = 0
    while states(home, projection).get(2) != "live":
        before = sum(seen(home, projection, schema).values()) if 2 in states(home, projection) else 0
        process = await asyncio.to_thread(_started, script)
        try:
            await until(lambda before=before, p=process: p.poll() is not None or _grew(home, own, before), "a step")  # type: ignore[misc]
        finally:
            if killed < 3:
                process.send_signal(signal.SIGKILL)
                killed += 1
            process.wait(60)
    assert killed == 3
    assert seen(home, projection) == whole
    assert list(states(home, projection)) == [1, 2]


def _started(script: list[str]) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(script, cwd=Path(__file__).parents[2], stdout=subprocess.DEVNULL)


def _grew(home: Home, own: Scratch, before: int) -> bool:
    projection, _ = own
    if 2 not in states(home, projection):
        return False
    return sum(seen(home, projection, generations.schema_of(projection.name, 2)).values()) > before


async def test_a_second_rebuild_at_the_same_time_is_refused_with_advice(home: Home, own: Scratch) -> None:
    projection, topic = own
    refused = pytest.raises(BusyProjectionError, match="wait until it has ended")
    with building(home, projection, topic), refused, building(home, projection, topic):
        pass
    with building(home, projection, topic):
        pass


@small
async def test_a_database_that_ends_connections_stops_the_build_and_the_next_one_goes_on(
    home: Home, place: Workplace, own: Scratch, monkeypatch: pytest.MonkeyPatch
) -> None:
    projection, topic = own
    whole = await filled(home, place, own)
    monkeypatch.setenv("PGAPPNAME", projection.name)
    ended = False

    def end(_doing: str, done: int, _total: int) -> None:
        nonlocal ended
        if done >= 20 and not ended:
            ended = True
            rows(
                home,
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE application_name = %s AND usename = 'hub_projections'",
                projection.name,
            )

    with building(home, projection, topic) as made:
        made.report = end
        with pytest.raises(DatabaseUnavailableError, match="same command again"):
            await asyncio.to_thread(made.rebuild, [projection])
    assert ended
    assert states(home, projection) == {1: "live", 2: "building"}
    with building(home, projection, topic) as made:
        (outcome,) = await asyncio.to_thread(made.rebuild, [projection])
    assert (outcome.generation, outcome.state) == (2, "switched")
    assert seen(home, projection) == whole


async def test_a_checkpoint_beyond_the_log_is_nothing_to_compare_with(
    home: Home, place: Workplace, own: Scratch
) -> None:
    projection, topic = own
    whole = await filled(home, place, own)
    rows(home, "UPDATE projections.checkpoint SET next_offset = 900 WHERE projection = %s", projection.name)
    with building(home, projection, topic) as made:
        (outcome,) = await asyncio.to_thread(made.rebuild, [projection])
    assert (outcome.state, outcome.compared) == ("switched", ())
    assert (seen(home, projection), checkpoint(home, projection)) == (whole, 41)


async def test_a_build_as_of_offsets_or_of_a_time_equals_a_fold_by_hand_and_is_never_live(
    home: Home, place: Workplace, own: Scratch
) -> None:
    projection, topic = own
    await filled(home, place, own)
    await asyncio.sleep(0.05)
    moment = dt.datetime.now(dt.UTC)
    await asyncio.sleep(0.05)
    async with writing(home) as producer:
        await write(producer, topic, [receipt(place.codec, "REFUSED", n) for n in range(5)])
    by_time = logs.at_time(home, [(topic, 0)], moment, ADMIN)
    by_hand = {}
    with building(home, projection, topic) as made:
        for vector in ({(topic, 0): 10}, by_time):
            (at,) = vector.values()
            outcome = await asyncio.to_thread(made.build_as_of, projection, vector)
            by_hand[at] = {name: sum(OUTCOMES[n % 4] == name for n in range(min(at, 40))) for name in set(OUTCOMES)}
            assert outcome.state == "built"
            assert seen(home, projection, generations.schema_of(projection.name, outcome.generation)) == by_hand[at]
            again = await asyncio.to_thread(made.build_as_of, projection, vector)
            assert again.generation == outcome.generation
    assert sorted(by_hand) == [10, 41]
    assert states(home, projection) == {1: "live", 2: "as-of", 3: "as-of"}
    assert seen(home, projection) == by_hand[41]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "JSON"),
        ('{"ledger": {"0": "x"}}', "JSON"),
        ('{"ledger": {"0": 5}}', "ledger-1 is not in the file"),
        ('{"ledger": {"0": 5, "1": 99}}', "ledger-1 does not reach"),
        ('{"ledger": {"0": 5, "1": 5, "7": 1}}', "ledger-7 is not read"),
    ],
)
def test_offsets_that_do_not_fit_the_log_are_refused(tmp_path: Path, content: str, said: str) -> None:
    file = tmp_path / "offsets.json"
    file.write_text(content)
    bounds = {("ledger", 0): (0, 9), ("ledger", 1): (2, 9), ("ledger", 2): (0, 0)}
    with pytest.raises(OffsetsError, match=said):
        vector_in(file, bounds)


def test_a_time_without_a_zone_is_utc_and_nonsense_is_refused() -> None:
    assert moment_of("2026-03-01T12:00:00") == moment_of("2026-03-01T13:00:00+01:00") == moment_of("2026-03-01T12:00Z")
    with pytest.raises(OffsetsError):
        moment_of("yesterday")


async def test_commands_rebuild_everything_beside_a_worker_and_show_the_past(
    home: Home, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ensure_worker(home)
    monkeypatch.setattr(Home, "current", lambda: home)
    reading.wait_for(home, timeout_s=60)
    app, runner = build(), CliRunner()
    done = runner.invoke(app, ["projection", "rebuild", "--all", "--json", "--processes", "1"])
    assert done.exit_code == 0, done.output
    outcomes = json.loads(done.stdout)["outcomes"]
    assert {each["projection"]: each["state"] for each in outcomes} == {each.name: "switched" for each in PROJECTIONS}
    assert all(not (t["missing"] or t["added"] or t["changed"]) for each in outcomes for t in each["compared"])
    listed = json.loads(runner.invoke(app, ["projection", "list", "--json"]).stdout)["projections"]
    found = next(each for each in listed if each["name"] == "pipeline")
    (tmp_path / "offsets.json").write_text(json.dumps(found["offsets"]))
    for when in (["--offsets", str(tmp_path / "offsets.json")], ["--at", "2020-01-01T00:00:00Z"]):
        built = json.loads(runner.invoke(app, ["projection", "rebuild", "pipeline", "--json", *when]).stdout)
        (outcome,) = built["outcomes"]
        number = str(outcome["generation"])
        shown = runner.invoke(app, ["projection", "show", "pipeline", "--json", "--generation", number])
        assert bool(json.loads(shown.stdout)["pipeline_by_agency"]) is (when[0] == "--offsets")
        assert runner.invoke(app, ["projection", "drop", "pipeline", number]).exit_code == 0
    assert runner.invoke(app, ["projection", "rollback", "pipeline"]).exit_code == 0
    assert runner.invoke(app, ["projection", "list"]).exit_code == 0
    reading.wait_for(home, timeout_s=60)
    assert {each["state"] for each in reading_report(home).values()} == {"running"}
    listed = json.loads(runner.invoke(app, ["projection", "list", "--json"]).stdout)["projections"]
    live = next(each["generation"] for each in listed if each["name"] == "pipeline")
    assert live != found["generation"]
    assert runner.invoke(app, ["projection", "drop", "pipeline", str(live)]).exit_code != 0


def reading_report(home: Home) -> dict[str, dict[str, str]]:
    """Return what `hub status` says of the projections."""
    from projections.status import report

    found = report(home)["projections"]
    assert isinstance(found, dict)
    return found


async def test_who_waits_for_an_event_is_told_when_it_is_there(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    ensure_worker(home)
    monkeypatch.setattr(reading, "LOOK_S", 600.0)
    async with Agency(home, "bg-consular-service") as agency:
        reading.wait_for(home, timeout_s=60)
        waited = {}
        end = logs.bounds(home, [("receipts.bg-consular-service", 0)])
        positions = {place: end + 1 for place, (_, end) in end.items()}
        waiting = asyncio.create_task(asyncio.to_thread(reading.wait_for, home, positions, 60))
        await asyncio.sleep(0.5)
        await agency.answers(await agency.send_all([agency.event()]))
        await waiting
        waited["read"] = True
    assert waited == {"read": True}
    with psycopg.connect(home.dsn("hub_access")) as connection:
        assert connection.execute("SELECT count(*) FROM projections.pipeline_count").fetchone() is not None
