"""The ticker: each day is written once, everywhere, by one of several that could."""

import datetime as dt
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.clock import tick_of
from infra.home import Home
from infra.registry import registry_for
from infra.topology.credentials import Credentials
from infra.topology.model import load_topology
from schemas.codec import Codec
from schemas.names import TopicName
from streams.ticker import TICKS, Ticker
from tests.running import ensure_worker, records, rows, wait_until

FIRST, LAST = dt.datetime(2000, 1, 1), dt.datetime(2100, 1, 1)  # noqa: DTZ001 - Hypothesis adds the zone
STAGES = tuple(TopicName(f"stage.{population.id}") for population in load_topology().populations)


@dataclass
class Standing:
    """A clock that stands where it was set."""

    moment: dt.datetime

    async def now(self) -> dt.datetime:
        return self.moment


def days(home: Home, topic: str) -> list[tuple[int, int]]:
    """Return tick and term of every day on *topic*, in order."""
    registry = registry_for(home)
    codec = Codec(registry)
    found = [codec.decode(stored.value) for stored in records(home, topic)]
    registry.close()
    return [
        (int(str(each.record["tick"])), int(str(each.record["term"])))
        for each in found
        if each.fullname == "hub.v1.DayBegun"
    ]


@given(st.datetimes(timezones=st.just(dt.UTC), min_value=FIRST, max_value=LAST))
def test_a_tick_is_the_day_in_utc(moment: dt.datetime) -> None:
    tick = tick_of(moment)
    assert dt.date(1970, 1, 1) + dt.timedelta(days=tick) == moment.date()
    assert tick_of(moment.astimezone(dt.timezone(dt.timedelta(hours=11)))) == tick


@pytest.mark.stack
async def test_a_day_is_on_the_clock_and_on_every_stage_and_a_second_ticker_waits(home: Home) -> None:
    ensure_worker(home)
    wait_until(lambda: bool(days(home, TICKS)), "the worker has written a day")
    before = {topic: days(home, topic) for topic in (TICKS, *STAGES)}
    for topic, found in before.items():
        assert found, topic
        assert len({tick for tick, _ in found}) == len(found), "each once"
        assert found == sorted(found), "terms and days only grow"
    registry = registry_for(home)
    second = Ticker(
        credentials=Credentials.of(home, "hub-ticker"),
        dsn=home.dsn("hub_streams"),
        clock=Standing(dt.datetime(2099, 1, 1, tzinfo=dt.UTC)),
        codec=Codec(registry),
        stages=STAGES,
    )
    ((term,),) = rows(home, "SELECT term FROM streams.ticker")
    await second.look()
    await second.stop()
    registry.close()
    assert rows(home, "SELECT term FROM streams.ticker") == [(term,)], "it did not begin a term"
    assert {topic: days(home, topic) for topic in before} == before
