"""A signature checked again on the real ledger: it stands, falls into doubt with its key, and goes with a person."""

import asyncio
import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from typer.testing import CliRunner

from infra.cli import build
from infra.home import Home
from infra.signing.desk import KeyDesk
from infra.signing.keys import Holder, HolderKind
from infra.workplace import workplace
from schemas.names import AgencyId
from streams.ledger_search import UnknownEventError
from streams.signatures.checking import check
from streams.signatures.doubt import recipients
from streams.signatures.verdict import Standing, Verdict
from tests.infra.signing.making import DAY, signer
from tests.interop.foreign import event_on
from tests.publishing import Agency, invented
from tests.running import ensure_worker, rows

pytestmark = pytest.mark.stack
SENDER = "bg-consular-service"
REASON = "asked by a test"


async def verdict(home: Home, event_id: str) -> Verdict:
    async with workplace(home) as place, place.pool("hub_vault", 3, by_statement=True) as pool:
        return await check(place, pool, event_id, REASON)


async def test_a_signature_stands_falls_into_doubt_with_its_key_and_is_gone_with_the_person(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    ensure_worker(home)
    monkeypatch.setattr(Home, "current", lambda: home)
    own = f"P-{uuid.uuid4().hex[:12]}"  # who is erased here is nobody else's
    made, event = signer(), invented("PersonIdentified", SENDER, person__restricted="NO", person__person_ref=own)
    event_id = str(event["envelope"]["event_id"])
    async with workplace(home) as place, KeyDesk(place) as desk:
        await desk.register(Holder(HolderKind.AGENCY, SENDER), made.public_key, "tester")
        async with Agency(home, SENDER) as agency:
            offset = await agency.send_as_it_is(agency.signed(agency.encode(event), signer=made))
            assert (await agency.answers([offset]))[offset].outcome == "ACCEPTED"
        found = await verdict(home, event_id.upper())
        assert (found.standing, found.key_id, found.agency) == (Standing.SIGNED, made.key_id, SENDER)
        shown = await _command("key", "check", event_id, "--reason", REASON, "--json")
        assert shown["standing"] == "signed"
        kept = rows(home, "SELECT reason FROM vault.signature_checked WHERE event_id = %s::uuid", event_id)
        assert kept == [(REASON,)] * 2
        now = await desk.now()
        await desk.revoke(made.key_id, now - DAY, "stolen", "tester")
        assert (await verdict(home, event_id)).standing is Standing.DOUBTFUL
    listed = await _command("key", "doubtful", made.key_id, "--json")
    assert listed["count"] == 1
    assert listed["events"][0]["event_id"] == event_id
    assert listed["events"][0]["recipients"] == []
    async with workplace(home) as place, place.pool("hub_vault", 3, by_statement=True) as pool:
        vault = place.vault(pool)
        subject = await vault.known((AgencyId(SENDER), event["person"]["person_ref"]))
        assert subject is not None
        await vault.destroy({subject})
    assert (await verdict(home, event_id)).standing is Standing.ERASED


async def test_what_the_ledger_does_not_hold_cannot_be_checked(home: Home) -> None:
    for event_id in (str(uuid.uuid4()), "no id"):
        with pytest.raises(UnknownEventError):
            await verdict(home, event_id)


async def _command(*arguments: str) -> dict[str, Any]:
    """Run `hub` with *arguments*, beside the loop of the test, and return the object that it prints."""
    done = await asyncio.to_thread(CliRunner().invoke, build(), list(arguments))
    assert done.exit_code == 0, done.output
    found: dict[str, Any] = json.loads(done.stdout)
    return found


async def test_the_partners_that_got_a_doubtful_event_are_named(home: Home) -> None:
    ensure_worker(home)
    sent = invented("ReferralOffered", "rs-police", to_agency="rs-counselling", envelope__tlp="AMBER")
    event_id = str(sent["envelope"]["event_id"])
    async with Agency(home, "rs-police") as agency:
        offset = await agency.send(agency.encode(sent, "ReferralOffered"))
        assert (await agency.answers([offset]))[offset].outcome == "ACCEPTED"
    await asyncio.to_thread(event_on, home, "rs-counselling", "to.rs-counselling", _has(event_id))
    async with workplace(home) as place:
        told = await recipients(place, {event_id})
    assert "rs-counselling" in told[event_id]
    assert told.keys() == {event_id}


def _has(event_id: str) -> Callable[[dict[str, Any]], bool]:
    return lambda found: found.get("envelope", {}).get("event_id") == event_id
