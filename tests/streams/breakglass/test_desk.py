"""Break-glass on the real hub: what is seen, what is kept of it, and that nobody can take that away."""

import datetime as dt
import re
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from infra.home import Home
from infra.signing.desk import KeyDesk
from infra.signing.files import write_private
from infra.signing.keys import Holder, HolderKind, SignatureRefusedError
from infra.signing.signer import Signer
from infra.workplace import Workplace, workplace
from streams.breakglass import audit as audits
from streams.breakglass.audit import Audit, AuditUnavailableError, Noted
from streams.breakglass.desk import Desk, Key, SignatureNeededError
from streams.breakglass.rules import BreakGlassRefusedError
from streams.ledger_search import UnknownEventError
from tests.publishing import Agency, invented
from tests.running import command, ensure_worker, records, rows

pytestmark = pytest.mark.stack
AGENCY = "rs-police"


@asynccontextmanager
async def desks(home: Home) -> AsyncIterator[tuple[Workplace, Any]]:
    async with workplace(home) as place, place.pool("hub_vault", 4, by_statement=True) as pool:
        yield place, lambda who: Desk(place, pool, operator=name_of(who))


def name_of(who: str | Key) -> str:
    """Return the name that the owner of a key logs in with, or a new one."""
    return who.officer.removeprefix("hub-operator/") if isinstance(who, Key) else f"{who}-{uuid.uuid4().hex[:6]}"


async def accepted(home: Home, **changes: object) -> str:
    ensure_worker(home)
    async with Agency(home, AGENCY) as agency:
        offset = await agency.send(agency.encode(invented("PersonIdentified", AGENCY, **changes)))
        answer = (await agency.answers([offset]))[offset]
        assert answer.outcome == "ACCEPTED", answer.problems
        return str(answer.event_id)


def about(access_id: str, noted: Sequence[Noted], wrong: Sequence[str]) -> list[str]:
    """Return what is *wrong* with the entries of one access: with those of other tests something may be."""
    numbers = {each.number for each in noted if each.entry.access_id == access_id}
    return [each for each in wrong if numbers & set(map(int, re.findall(r"entry (\d+)", each)))]


@pytest.fixture
async def key(home: Home, tmp_path: Path) -> Key:
    """Return the registered key of a new officer of the operator: once one has a key, all sign."""
    officer, file = f"hub-operator/{uuid.uuid4().hex[:12]}", tmp_path / "officer.pem"
    write_private(file)
    async with workplace(home) as place, KeyDesk(place) as desk:
        since = await desk.now() - dt.timedelta(minutes=1)
        await desk.register(Holder(HolderKind.OFFICER, officer), Signer.of(file).public_key, "test", valid_from=since)
    return Key(officer=officer, file=file)


async def agreed(ask: Desk, agree: Desk, event_id: str, key: Key) -> str:
    entry = await ask.request(event_id, reason="somebody is in danger", ground="GDPR:6.1.d")
    await agree.approve(entry.access_id, knows_restricted=True, key=key)
    return entry.access_id


async def test_an_event_is_seen_by_who_asked_after_another_agreed_and_every_act_is_kept(home: Home, key: Key) -> None:
    canary = f"Break {uuid.uuid4().hex[:8]}"
    event_id = await accepted(home, person__full_name=canary)
    async with desks(home) as (_, desk):
        ana, bo = desk("ana"), desk(key)
        access_id = await agreed(ana, bo, event_id, key)
        seen = await ana.open(access_id)
        assert seen.content["person"]["full_name"] == canary
        assert canary not in repr(seen)
        with pytest.raises(BreakGlassRefusedError):
            await bo.open(access_id)
        await bo.review(access_id, finding="JUSTIFIED", note="it was needed")
        with pytest.raises(BreakGlassRefusedError):
            await ana.open(access_id)
        noted, wrong = await bo.verify()
        assert about(access_id, noted, wrong) == []
    acts = [each.entry.act for each in noted if each.entry.access_id == access_id]
    assert acts == ["REQUESTED", "APPROVED", "OPENED", "REVIEWED"]
    assert not [each for each in records(home, "audit") if canary.encode() in (each.value or b"")]
    listed = command(home, "breakglass", "list", "--json")
    assert access_id in listed.stdout
    assert canary not in listed.stdout


async def test_nothing_is_shown_when_the_look_cannot_be_told(
    home: Home, key: Key, monkeypatch: pytest.MonkeyPatch
) -> None:
    event_id = await accepted(home)
    async with desks(home) as (_, desk):
        ana, bo = desk("ana"), desk(key)
        access_id = await agreed(ana, bo, event_id, key)

        async def away(*_arguments: object) -> None:
            raise OSError

        with monkeypatch.context() as without:
            without.setattr(audits, "append", away)
            with pytest.raises(AuditUnavailableError):
                await ana.open(access_id)
        seen = await ana.open(access_id)
        assert seen.content["envelope"]["event_id"] == event_id
        noted, wrong = await bo.verify()
        assert about(access_id, noted, wrong) == []
        assert [each.entry.act for each in noted if each.entry.access_id == access_id].count("OPENED") == 2


@pytest.mark.parametrize("statement", ["UPDATE vault.breakglass SET reason = ''", "DELETE FROM vault.breakglass"])
@pytest.mark.parametrize("role", ["hub_vault", "hub_admin"])
async def test_nobody_changes_the_audit_in_passing(home: Home, role: str, statement: str) -> None:
    event_id = await accepted(home)
    async with desks(home) as (_, desk):
        await desk("ana").request(event_id, reason="r", ground="GDPR:6.1.d")
    before = rows(home, "SELECT count(*) FROM vault.breakglass")
    with psycopg.connect(home.dsn(role)) as connection, pytest.raises(psycopg.Error):
        connection.execute(statement)
    assert rows(home, "SELECT count(*) FROM vault.breakglass") == before


async def test_a_restricted_person_is_seen_only_by_who_knows_it(home: Home, key: Key) -> None:
    event_id = await accepted(home, person__restricted="YES")
    async with desks(home) as (_, desk):
        entry = await desk("ana").request(event_id, reason="r", ground="GDPR:6.1.d")
        with pytest.raises(BreakGlassRefusedError, match="restricted"):
            await desk(key).approve(entry.access_id, key=key)
        assert (await desk(key).approve(entry.access_id, knows_restricted=True, key=key)).restricted


async def test_an_event_that_is_not_there_cannot_be_asked_for(home: Home) -> None:
    async with desks(home) as (_, desk):
        for unknown in (str(uuid.uuid4()), "Milica Petrovic"):
            with pytest.raises(UnknownEventError) as refused:
                await desk("ana").request(unknown, reason="r", ground="GDPR:6.1.d")
            assert "Milica" not in str(refused.value)


async def test_officers_with_keys_sign_what_they_agree_to(home: Home, key: Key, tmp_path: Path) -> None:
    event_id = await accepted(home)
    async with desks(home) as (_, desk):
        entry = await desk("ana").request(event_id, reason="r", ground="GDPR:6.1.d")
        with pytest.raises(SignatureNeededError):
            await desk("bo").approve(entry.access_id, knows_restricted=True)
        write_private(tmp_path / "another.pem")
        forged = Key(officer=key.officer, file=tmp_path / "another.pem")
        with pytest.raises(SignatureRefusedError):
            await desk(key).approve(entry.access_id, knows_restricted=True, key=forged)
        signed = await desk(key).approve(entry.access_id, knows_restricted=True, key=key)
        assert signed.key_id == Signer.of(key.file).key_id
        noted, wrong = await desk("cy").verify()
        assert about(entry.access_id, noted, wrong) == []


async def test_who_asks_cannot_agree_with_a_key_of_their_own_from_another_account(home: Home, key: Key) -> None:
    event_id = await accepted(home)
    async with desks(home) as (_, desk):
        entry = await desk(key).request(event_id, reason="r", ground="GDPR:6.1.d")
        with pytest.raises(SignatureNeededError):
            await desk("service-account").approve(entry.access_id, knows_restricted=True, key=key)


async def test_a_key_that_is_revoked_after_it_agreed_opens_nothing_more_and_verify_says_so(
    home: Home, key: Key
) -> None:
    event_id = await accepted(home)
    async with desks(home) as (place, desk):
        ana = desk("ana")
        access_id = await agreed(ana, desk(key), event_id, key)
        async with KeyDesk(place) as keys:
            await keys.revoke(Signer.of(key.file).key_id, await keys.now(), "stolen", "test")
        with pytest.raises(BreakGlassRefusedError, match="does not hold"):
            await ana.open(access_id)
        noted, wrong = await ana.verify()
        assert any("does not hold" in each for each in about(access_id, noted, wrong))


async def test_an_act_that_the_topic_tells_of_in_advance_lets_nothing_be_shown(
    home: Home, key: Key, monkeypatch: pytest.MonkeyPatch
) -> None:
    event_id = await accepted(home)
    async with desks(home) as (_, desk):
        ana = desk("ana")
        access_id = await agreed(ana, desk(key), event_id, key)
        told = Audit.told

        async def forged(audit: Audit) -> dict[int, Any]:
            known = await told(audit)
            return known | {max(known) + 1: {"digest": b"of a harmless act"}}

        with monkeypatch.context() as patched:
            patched.setattr(Audit, "told", forged)
            with pytest.raises(AuditUnavailableError, match="does not know"):
                await ana.open(access_id)
        noted, _ = await ana.verify()
        assert [each.entry.act for each in noted if each.entry.access_id == access_id].count("OPENED") == 0
