"""Questions of auditors to the running hub: why, who could have, who did, does it stand, what a draft would change."""

import asyncio
import datetime as dt
import json
import time
import uuid
from pathlib import Path
from typing import Any

import pytest

from infra.home import Home
from tests.publishing import Agency, invented
from tests.running import command, ensure_worker, records, rows

pytestmark = pytest.mark.stack
AGENCY = "rs-police"
WAIT_S = 60.0


async def published(home: Home, **changes: Any) -> tuple[str, str]:
    """Publish an identification, wait until it was decided about Europol, and return the ids of event and person."""
    ensure_worker(home)
    event = invented("PersonIdentified", AGENCY, person__person_ref=f"P-{uuid.uuid4().hex[:12]}1")
    event["envelope"] |= {"purpose": "IDENTIFY", "legal_basis": ["LED:8"], "handling": "H0", "tlp": "AMBER", **changes}
    async with Agency(home, AGENCY) as agency:
        offset = await agency.send(agency.encode(event))
        assert (await agency.answers([offset]))[offset].outcome == "ACCEPTED"
        event_id = str(event["envelope"]["event_id"])
        deadline = time.monotonic() + WAIT_S
        while time.monotonic() < deadline:
            decided = [each.value for each in await asyncio.to_thread(records, home, "decisions")]
            if any(event_id.encode() in (value or b"") for value in decided):
                break
            await asyncio.sleep(0.3)
        ledger = [each.value for each in await asyncio.to_thread(records, home, "ledger")]
        (value,) = [value for value in ledger if event_id.encode() in (value or b"")]
        await agency.codec.learn_aside([value])
        person: Any = agency.codec.decode(value).record["person"]
        return event_id, str(person["subject"])


def answer(home: Home, *words: str, code: int = 0) -> Any:
    done = command(home, *words, "--json")
    assert done.returncode == code, done.stderr
    return json.loads(done.stdout)


async def test_who_gets_an_event_and_who_does_not_is_explained_in_plain_words(home: Home) -> None:
    released, _ = await published(home)
    found = await asyncio.to_thread(answer, home, "explain", released, "--audience", "europol")
    assert (found["outcome"], found["view"]) == ("RELEASED", "pseudonymous")
    assert [each["outcome"] for each in found["decisions"]] == ["RELEASED"]
    held, _ = await published(home, handling="H2")
    withheld = await asyncio.to_thread(answer, home, "explain", held, "--audience", "europol", code=1)
    assert withheld["reasons"] == ["needs-permission-of-owner"]
    shown = await asyncio.to_thread(command, home, "explain", held, "--audience", "europol")
    assert "Handling code H2" in shown.stdout
    assert "hub approval give" in shown.stdout


async def test_who_could_have_seen_a_person_and_who_did_is_a_replay(home: Home) -> None:
    before = dt.datetime(2020, 1, 1, tzinfo=dt.UTC).strftime("%Y-%m-%dT%H:%M:%S")
    event_id, subject = await published(home)
    for about in (event_id, subject):
        could = (await asyncio.to_thread(answer, home, "audit", "could-have-seen", about))["could_have_seen"]
        assert ("europol", "pseudonymous") in {(each["audience"], each["view"]) for each in could}
        did = (await asyncio.to_thread(answer, home, "audit", "did-see", about))["did_see"]
        assert "europol" in {each["audience"] for each in did}
        early = await asyncio.to_thread(answer, home, "audit", "could-have-seen", about, "--at", before)
        assert early == {"could_have_seen": []}, "no agreement was told yet"
    since = dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S")
    await asyncio.sleep(1)  # so that the next one is received in a later second
    later, _ = await published(home)
    assert await asyncio.to_thread(answer, home, "audit", "could-have-seen", later, "--at", since) == {
        "could_have_seen": []
    }, "the agreement held, and the event was not there yet"
    asked = rows(home, "SELECT question FROM vault.audit_asked WHERE about = %s", subject)
    assert {question for (question,) in asked} == {"could-have-seen", "did-see"}


async def test_every_decision_that_was_made_stands_when_it_is_made_again(home: Home) -> None:
    event_id, _ = await published(home)
    one = await asyncio.to_thread(answer, home, "audit", "replay", event_id)
    assert one["verdicts"] == {"same": one["decisions"]}
    assert one["decisions"] > 0
    every = await asyncio.to_thread(answer, home, "audit", "replay")
    assert every["other"] == []
    assert every["verdicts"]["same"] >= one["decisions"]


async def test_a_draft_is_decided_against_what_was_and_a_wrong_one_is_refused(home: Home, tmp_path: Path) -> None:
    await published(home)
    draft = tmp_path / "draft.toml"
    text = """
id = "observer-identified-persons"
version = 1
title = "A draft"
basis = "C.4.2: a draft of a test."
event_types = ["PersonIdentified"]
purposes = ["IDENTIFY"]
roles = ["PRESUMED_VICTIM", "VICTIM"]
view = "pseudonymous"
legal_bases = ["LED:8"]
valid_from = 2020-01-01
valid_until = 2035-12-31
retention_days = 30
onward_sharing = false
[parties]
partner = "observer"
senders = { agencies = ["rs-police"] }
"""
    draft.write_text(text, encoding="utf-8")
    found = await asyncio.to_thread(answer, home, "agreement", "check", str(draft), "--since", "30d")
    assert found["partner"] == "observer"
    assert found["newly_visible"]["PersonIdentified"] >= 1
    assert found["newly_hidden"] == {}
    assert found["persons_newly_visible"] >= 1
    await asyncio.to_thread(
        answer, home, "agreement", "check", str(draft), "--since", "30d", "--fail-on-newly-visible", code=1
    )
    for wrong, rule in (('partner = "observer"', "known-parties"), ('"IDENTIFY"', "known-codes")):
        draft.write_text(text.replace(wrong, wrong.replace("observer", "nobody").replace("IDENTIFY", "GOSSIP")))
        refused = await asyncio.to_thread(command, home, "agreement", "check", str(draft))
        assert refused.returncode != 0
        assert rule in refused.stdout + refused.stderr


def test_a_draft_that_begins_later_is_not_taken_for_one_that_changes_nothing(home: Home, tmp_path: Path) -> None:
    asyncio.run(published(home))
    text = Path("infra/topology/agreements/europol-identified-persons.toml").read_text("utf-8")
    begins = (dt.datetime.now(dt.UTC).date() + dt.timedelta(days=30)).isoformat()
    draft = tmp_path / "draft.toml"
    draft.write_text(
        text.replace("version = 1", "version = 2")
        .replace("valid_from = 2020-01-01", f"valid_from = {begins}")
        .replace("retention_days", 'handling = ["H1"]\nretention_days')
    )
    found = answer(home, "agreement", "check", str(draft), "--since", "30d")
    assert found["newly_hidden"]["PersonIdentified"] >= 1
    changed = answer(home, "agreement", "diff", "europol-identified-persons", "--draft", str(draft), code=1)
    assert [each["term"] for each in changed["changes"]] == ["valid_from", "handling"]
    (told,) = answer(home, "agreement", "show", "europol-identified-persons")["versions"]
    assert (told["version"], told["withdrawn"], told["handling"]) == (1, False, None)


def test_agreements_are_listed_as_they_were(home: Home) -> None:
    ids = {each["id"] for each in answer(home, "agreement", "list")["agreements"]}
    assert "europol-identified-persons" in ids
    assert answer(home, "agreement", "list", "--at", "2020-01-01T00:00:00")["agreements"] == []
