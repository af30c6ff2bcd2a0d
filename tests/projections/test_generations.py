"""Generations on the real database: readers see a whole one, switched in one go, and only the live one has effects."""

import asyncio
import dataclasses

import psycopg
import pytest
from psycopg import sql

from infra.home import Home
from infra.workplace import Workplace
from projections import generations
from projections.generations import NoGenerationError, OutdatedGenerationError, previous, unfinished
from projections.projection import Projection
from projections.rebuild import Workshop
from projections.store import CHANNEL
from tests.projections.folding import (
    Scratch,
    building,
    checkpoint,
    folding,
    held,
    receipt,
    state,
    states,
    until,
    write,
    writing,
)
from tests.running import rows

pytestmark = pytest.mark.stack
ACCEPTED = ("ACCEPTED", "rs-police", "PersonIdentified", "", "")


def seen(home: Home, projection: Projection) -> int:
    """Return how many accepted events readers see."""
    return sum(int(str(values[-1])) for values in held(home, projection.tables[0]).values())


def notified(projection: Projection, listening: "psycopg.Connection[tuple[object, ...]]") -> int:
    """Return how often *projection* has told those who wait."""
    return sum(each.payload == projection.name for each in listening.notifies(timeout=0.5))


def rebuilt(made: Workshop, projection: Projection) -> str:
    (outcome,) = made.rebuild([projection])
    return outcome.state


async def filled(home: Home, place: Workplace, own: Scratch, count: int, expected: int) -> None:
    """Write *count* receipts and let the live generation fold them; *expected* is where its checkpoint gets."""
    projection, topic = own
    async with writing(home) as producer, folding(place, projection, topic):
        await write(producer, topic, [receipt(place.codec, "ACCEPTED", n) for n in range(count)])
        await until(lambda: checkpoint(home, projection) == expected, "the end of the log")


async def test_the_worker_goes_on_with_the_new_generation_and_a_rollback_loses_nothing(
    home: Home, place: Workplace, own: Scratch
) -> None:
    projection, topic = own
    async with writing(home) as producer, folding(place, projection, topic):
        await write(producer, topic, [receipt(place.codec, "ACCEPTED", n) for n in range(5)])
        await until(lambda: checkpoint(home, projection) == 6, "the end of the log")
        with building(home, projection, topic) as made:
            assert await asyncio.to_thread(rebuilt, made, projection) == "switched"
        assert states(home, projection) == {1: "previous", 2: "live"}
        await write(producer, topic, [receipt(place.codec, "ACCEPTED", n) for n in range(3)])
        await until(lambda: checkpoint(home, projection) == 10, "the worker follows the switch")
        assert seen(home, projection) == 8
        assert held(home, projection.tables[0], generations.schema_of(projection.name, 1)) == {
            ACCEPTED: ("identification", 5)
        }
        with building(home, projection, topic) as made:
            await asyncio.to_thread(made.switch_to, projection, previous(made.owner, projection))
        assert states(home, projection) == {1: "live", 2: "previous"}
        assert seen(home, projection) == 8
        await write(producer, topic, [receipt(place.codec, "ACCEPTED", 0)])
        await until(lambda: seen(home, projection) == 9, "the worker follows the rollback")
        with building(home, projection, topic) as made:
            assert await asyncio.to_thread(rebuilt, made, projection) == "switched"
    assert states(home, projection) == {1: "previous", 3: "live"}, "one previous generation is kept"


async def test_only_the_live_generation_tells_those_who_wait(home: Home, place: Workplace, own: Scratch) -> None:
    projection, topic = own
    with psycopg.connect(home.dsn("hub_access"), autocommit=True) as listening:
        listening.execute(f"LISTEN {CHANNEL}")
        await filled(home, place, own, 5, 6)
        assert await asyncio.to_thread(notified, projection, listening) > 0
        with building(home, projection, topic) as made:
            new = generations.create(made.owner, projection, "building")
            await asyncio.to_thread(made.build_as_of, projection, {(topic, 0): 3})
            await asyncio.to_thread(made.rebuild, [projection])
        assert states(home, projection)[new.number] == "live"
        assert await asyncio.to_thread(notified, projection, listening) == 0


async def test_other_code_does_not_fold_into_tables_that_were_not_made_for_it(
    home: Home, place: Workplace, own: Scratch
) -> None:
    projection, topic = own
    await filled(home, place, own, 5, 6)
    newer = dataclasses.replace(projection, version=projection.version + 1)
    async with writing(home) as producer, folding(place, newer, topic):
        await until(lambda: state(home, projection) == "outdated", "it says so")
        await write(producer, topic, [receipt(place.codec, "ACCEPTED", 0)])
        said = rows(home, "SELECT advice FROM projections.partition_state WHERE projection = %s", projection.name)
        assert f"hub projection rebuild {projection.name}" in said[0][0]
        assert (seen(home, projection), checkpoint(home, projection)) == (5, 6)
        with building(home, newer, topic) as made:
            (outcome,) = await asyncio.to_thread(made.rebuild, [newer])
            assert (outcome.state, outcome.compared) == ("switched", ())
        await until(lambda: state(home, projection) == "running", "it goes on")
        assert seen(home, projection) == 6
        with building(home, newer, topic) as made, pytest.raises(OutdatedGenerationError, match="hub projection"):
            made.switch_to(newer, previous(made.owner, newer))


async def test_views_follow_when_their_columns_change_and_go_when_they_are_no_more(
    home: Home, place: Workplace, own: Scratch
) -> None:
    projection, topic = own
    await filled(home, place, own, 5, 6)
    prefix = projection.name
    table = projection.tables[0].name
    definition = (
        "CREATE TABLE COUNTS (measure text, agency text, event_type text, partner text, code text, "
        "records bigint NOT NULL, family text NOT NULL, PRIMARY KEY (measure, agency, event_type, partner, code));"
        "CREATE VIEW SUMMED AS SELECT sum(records)::int AS records FROM COUNTS;"
    )
    definition = definition.replace("COUNTS", table).replace("SUMMED", f"{prefix}_new")
    newer = dataclasses.replace(projection, definition=definition)
    with building(home, newer, topic) as made:
        await asyncio.to_thread(made.rebuild, [newer])
    there = rows(
        home, "SELECT viewname FROM pg_views WHERE schemaname = 'projections' AND viewname LIKE %s", f"{prefix}%"
    )
    assert sorted(name for (name,) in there) == [table, f"{prefix}_new"]
    with psycopg.connect(home.dsn("hub_access")) as connection:
        query = sql.SQL("SELECT records FROM {}").format(sql.Identifier("projections", f"{prefix}_new"))
        assert connection.execute(query).fetchone() == (5,)


def test_there_is_nothing_to_switch_or_roll_back_to_at_first(home: Home, own: Scratch) -> None:
    projection, topic = own
    with building(home, projection, topic) as made:
        with pytest.raises(NoGenerationError, match="rebuild"):
            unfinished(made.owner, projection)
        with pytest.raises(NoGenerationError, match="previous"):
            previous(made.owner, projection)
        with pytest.raises(NoGenerationError, match="there are: 1"):
            generations.generation(made.owner, projection.name, 9)


def test_the_worker_may_neither_make_nor_switch_generations(home: Home, own: Scratch) -> None:
    projection, _ = own
    for statement in ("CREATE SCHEMA projection_mine_1", "UPDATE projections.generation SET state = 'old'"):
        with psycopg.connect(home.dsn("hub_projections")) as connection:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement.encode())
            connection.rollback()
    assert states(home, projection) == {1: "live"}
