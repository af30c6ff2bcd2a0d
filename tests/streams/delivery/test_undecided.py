"""An event that was accepted and stays undecided is told of: nothing else would, for it has no ladder."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import cast

import pytest
from confluent_kafka import Consumer

from infra.home import Home
from infra.topology.clocks import ClocksFile, Limit, load_clocks
from schemas.errors import UnavailableError
from streams.delivery.undecided import _read, undecided
from tests.running import command, ensure_worker, records, rows
from tests.streams.delivery.test_on_the_hub import codec_of, relayed

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("deliveries")]
AT_ONCE = Limit(warn_hours=1e-9, breach_hours=1e-9)


def impatient() -> ClocksFile:
    """Return clocks by which everything is to be relayed at once."""
    return ClocksFile(clocks=tuple(replace(each, relay=AT_ONCE) for each in load_clocks().clocks))


@contextmanager
def parked(home: Home, event_id: str) -> Iterator[None]:
    """Let release have parked the event while the block runs, as far as the database knows."""
    with codec_of(home) as codec:
        place = next(
            (each.partition, each.offset)
            for each in records(home, "ledger")
            if each.value is not None and codec.decode(each.value).record["envelope"]["event_id"] == event_id  # type: ignore[index]
        )
    where = "processor = 'release' AND topic = 'ledger' AND partition = %s AND \"offset\" = %s"
    rows(
        home,
        'INSERT INTO streams.parked (processor, topic, partition, "offset", sequence_key, code, advice) '
        "VALUES ('release', 'ledger', %s, %s, '', 'invented', 'for a test')",
        *place,
    )
    try:
        yield
    finally:
        rows(home, f"DELETE FROM streams.parked WHERE {where}", *place)  # noqa: S608 - ours


async def test_what_release_has_parked_is_overdue_and_what_it_has_decided_is_not(home: Home) -> None:
    ensure_worker(home)
    event, other = await relayed(home), await relayed(home)
    with parked(home, event.id):
        found = {each["id"]: each for each in undecided(home, impatient())}
        assert (found[event.id]["why"], found[event.id]["standing"]) == ("parked", "overdue")
        assert other.id not in found
        assert event.id not in {each["id"] for each in undecided(home)}, "it has an hour by the real clocks"
        assert command(home, "evidence", "overdue").returncode == 0
    assert event.id not in {each["id"] for each in undecided(home, impatient())}


def test_a_broker_that_is_away_is_not_taken_for_an_end() -> None:
    class Silent:
        def assign(self, _places: object) -> None: ...

        def poll(self, _seconds: float) -> None:
            return None

    with pytest.raises(UnavailableError):
        list(_read(cast("Consumer", Silent()), 0, 0, 1))
