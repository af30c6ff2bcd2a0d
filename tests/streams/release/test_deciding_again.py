"""On the real stack: what was withheld is released once, when a consent or signed approvals come."""

import asyncio
import datetime as dt
import time
import uuid
from pathlib import Path
from typing import Any

import pytest

from infra.home import Home
from infra.signing.desk import KeyDesk
from infra.signing.files import write_private
from infra.signing.keys import Holder, HolderKind
from infra.signing.signer import Signer
from infra.workplace import workplace
from schemas.names import PartnerId
from streams.release.approving import ApprovalDesk, ApprovalRefusedError
from tests.publishing import Agency, invented
from tests.running import ensure_worker, records

pytestmark = pytest.mark.stack
POLICE, COUNSELLING = "rs-police", PartnerId("rs-counselling")
WAIT_S = 60.0


def referral(person_ref: str, **changes: Any) -> dict[str, Any]:
    event = invented("ReferralOffered", POLICE, consent_to_referral="NOT_REPORTED", to_agency=str(COUNSELLING))
    event["person"]["person_ref"] = person_ref
    event["envelope"] |= changes
    return event


async def decisions(home: Home, agency: Agency, event_id: str, wanted: int) -> list[dict[str, Any]]:
    """Return what was decided about the event for the counselling centre, *wanted* times at least."""
    deadline, found = time.monotonic() + WAIT_S, []
    while len(found) < wanted and time.monotonic() < deadline:
        values = [each.value for each in await asyncio.to_thread(records, home, "decisions")]
        await agency.codec.learn_aside(values)
        every = [agency.codec.decode(value).record for value in values if event_id.encode() in (value or b"")]
        found = [each for each in every if each["audience"] == COUNSELLING]
        await asyncio.sleep(0.3)
    return found


async def sent(agency: Agency, name: str, event: dict[str, Any]) -> str:
    offset = await agency.send(agency.encode(event, name))
    receipt = (await agency.answers([offset]))[offset]
    assert str(receipt.outcome) == "ACCEPTED", receipt
    return str(event["envelope"]["event_id"])


async def test_a_referral_that_waits_for_consent_is_released_once_when_it_is_given(home: Home) -> None:
    ensure_worker(home)
    person_ref = f"P-{uuid.uuid4().hex[:12]}"
    async with Agency(home, POLICE) as police:
        event_id = await sent(police, "ReferralOffered", referral(person_ref))
        (first,) = await decisions(home, police, event_id, 1)
        assert (first["outcome"], first["because"]) == ("WITHHELD", "FIRST")
        assert "no-consent" in first["reasons"]
        for _ in range(2):
            consent = invented("ConsentGiven", POLICE, recipients=[str(COUNSELLING)], purposes=["REFER"])
            consent |= {
                "consent_id": str(uuid.uuid4()),
                "categories": ["IDENTITY", "CONTACT", "PROFILE", "SERVICES"],
                "valid_to": None,
            }
            consent["person"]["person_ref"] = person_ref
            await sent(police, "ConsentGiven", consent)
        found = await decisions(home, police, event_id, 2)
        assert [each["outcome"] for each in found] == ["WITHHELD", "RELEASED"]
        assert found[1]["because"] == "CONTROL_CHANGED"
        assert found[1]["basis"] != found[0]["basis"]
        feed = [each.value or b"" for each in await asyncio.to_thread(records, home, f"to.{COUNSELLING}")]
        assert sum(event_id.encode() in value for value in feed) == 1


async def officer(home: Home, organisation: str, folder: Path) -> tuple[str, Signer]:
    """Return a new officer of *organisation* with a registered key."""
    name = f"{organisation}/{uuid.uuid4().hex[:12]}"
    signer = Signer(write_private(folder / f"{uuid.uuid4().hex}.pem"))
    async with workplace(home) as place, KeyDesk(place) as desk:
        since = await desk.now() - dt.timedelta(minutes=1)
        await desk.register(Holder(HolderKind.OFFICER, name), signer.public_key, "test", valid_from=since)
    return name, signer


@pytest.mark.parametrize(("handling", "organisations"), [("H2", [POLICE]), ("H3", [POLICE, "hub-operator"])])
async def test_what_its_handling_code_holds_back_is_released_by_signed_approvals(
    home: Home, tmp_path: Path, handling: str, organisations: list[str]
) -> None:
    ensure_worker(home)
    event = referral(f"P-{uuid.uuid4().hex[:12]}", handling=handling, legal_basis=["LED:8"])
    async with Agency(home, POLICE) as police:
        event_id = await sent(police, "ReferralOffered", event)
        (first,) = await decisions(home, police, event_id, 1)
        assert first["outcome"] == "WITHHELD"
        for organisation in organisations:
            name, signer = await officer(home, organisation, tmp_path)
            async with workplace(home) as place, ApprovalDesk(place) as desk:
                with pytest.raises(ApprovalRefusedError):
                    await desk.give(event_id, COUNSELLING, f"{organisation}/another", signer, "asked for")
                await desk.give(event_id, COUNSELLING, name, signer, "asked for")
        found = await decisions(home, police, event_id, 2)
        assert [(each["outcome"], each["reasons"]) for each in found[1:]] == [("RELEASED", ["agreed", "approved"])]
