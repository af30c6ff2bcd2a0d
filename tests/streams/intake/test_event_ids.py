"""An event id is one event's in the whole hub: approvals, ladders and audits name events by it alone."""

import asyncio

import pytest

from infra.home import Home
from tests.publishing import Agency, invented
from tests.running import ensure_worker, rows

pytestmark = pytest.mark.stack
ONE, OTHER = "rs-border-police", "bg-border-police"


async def answered(home: Home, name: str, event_id: str) -> tuple[str, list[str]]:
    """Publish an event of *name* under *event_id*, and return outcome and rules of its receipt."""
    async with Agency(home, name) as agency:
        event = invented("PersonIdentified", name)
        event["envelope"]["event_id"] = event_id
        offset = await agency.send(agency.encode(event))
        receipt = (await agency.answers([offset]))[offset]
    return receipt.outcome, [problem.rule for problem in receipt.problems]


async def test_an_id_that_another_agency_has_used_is_refused(home: Home) -> None:
    ensure_worker(home)
    event_id = invented("PersonIdentified", ONE)["envelope"]["event_id"]
    assert await answered(home, ONE, event_id) == ("ACCEPTED", [])
    assert await answered(home, OTHER, event_id) == ("REFUSED", ["event-id-reused"])


async def test_of_two_agencies_that_use_an_id_at_once_one_is_accepted_and_neither_is_parked(home: Home) -> None:
    ensure_worker(home)
    event_id = invented("PersonIdentified", ONE)["envelope"]["event_id"]
    found = await asyncio.gather(answered(home, ONE, event_id), answered(home, OTHER, event_id))
    assert sorted(outcome for outcome, _ in found) == ["ACCEPTED", "REFUSED"]
    query = "SELECT count(*) FROM streams.parked WHERE processor = 'intake' AND topic = ANY(%s)"
    assert rows(home, query, [f"in.{ONE}", f"in.{OTHER}"]) == [(0,)]
