"""What is given out of quarantine: the bytes as they were sent, unsealed, and nothing about an erased person."""

import base64
import dataclasses
import os
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from infra.access.quarantine_opening import Gone, QuarantineOpener
from infra.arrival.keys import ArrivalKeys
from infra.arrival.sealed import Session, sealed_event
from infra.home import Home
from infra.vault.holders import holder_of_agency
from infra.vault.vault import Vault
from infra.workplace import workplace
from schemas.errors import Problem, UnreadableSealError
from schemas.names import AgencyId, TopicName
from schemas.sealing import Sealing
from tests.infra.access.test_quarantine_book import held
from tests.publishing import Agency, invented

pytestmark = pytest.mark.stack
SENDER = AgencyId("rs-police")
TOPIC = TopicName("in.rs-police")
EMPTY = held(3)


class Opening:
    """An opener, and what puts records before it as intake would have sealed them."""

    def __init__(self, vault: Vault, arrival: ArrivalKeys, opener: QuarantineOpener) -> None:
        self.vault, self.arrival, self._opener = vault, arrival, opener

    async def of(self, value: bytes, *, place: str = EMPTY.place, **changes: str) -> bytes | Gone:
        key = (await self.vault.keys({holder_of_agency(SENDER): str(SENDER)}))[holder_of_agency(SENDER)]
        sealing = Sealing(event_id=place, schema="hub.v1.Quarantined", keys={}, nonce=lambda: os.urandom(12))
        sealed = sealing.seal("record", base64.b64encode(value).decode(), [key]) | changes
        return await self._opener.opened(dataclasses.replace(EMPTY, sealed=sealed), SENDER)

    async def of_none(self, *problems: Problem) -> bytes | Gone:
        return await self._opener.opened(dataclasses.replace(EMPTY, problems=problems), SENDER)


@asynccontextmanager
async def opening(hub: Home) -> AsyncIterator[Opening]:
    async with workplace(hub) as place, place.pool("hub_vault", 3) as pool:
        vault = place.vault(pool)
        arrival = ArrivalKeys(pool, vault)
        yield Opening(vault, arrival, QuarantineOpener(vault, arrival, place.codec))


async def test_bytes_of_any_kind_come_back_as_they_were_sent(home: Home) -> None:
    async with opening(home) as found, Agency(home, SENDER) as agency:
        whole = agency.event()
        for value in (b"", b"no event", whole, whole[:40], agency.signed(whole), agency.signed(b"no event")):
            assert await found.of(value) == value


async def test_what_intake_never_unsealed_is_unsealed_and_what_is_sealed_to_no_key_of_the_hub_is_left(
    home: Home,
) -> None:
    async with opening(home) as found, Agency(home, SENDER) as agency:
        key, inner = await found.arrival.current(), agency.signed(agency.event())
        writer = agency.codec.writer(f"{TOPIC}-{sealed_event().fullname}", sealed_event().schema)
        sealed = writer.encode(Session(TOPIC, key).seal(inner))
        foreign = writer.encode(Session(TOPIC, dataclasses.replace(key, key_id=str(uuid.uuid4()))).seal(inner))
        other = writer.encode(Session(TopicName("in.bg-police"), key).seal(inner))
        assert await found.of(sealed) == inner
        for value in (foreign, other, sealed[:-3]):
            assert await found.of(value) == value


@pytest.mark.parametrize("signed", [True, False])
async def test_an_event_about_a_person_erased_since_is_not_given(home: Home, *, signed: bool) -> None:
    async with opening(home) as found, Agency(home, SENDER) as agency:
        event = invented("PersonIdentified", SENDER)
        event["person"]["person_ref"] = reference = f"P-{uuid.uuid4().hex[:12]}"
        value = agency.signed(agency.encode(event)) if signed else agency.encode(event)
        assert await found.of(value) == value
        person = (await found.vault.subjects([(SENDER, reference)]))[SENDER, reference]
        assert await found.of(value) == value
        await found.vault.destroy([person])
        assert await found.of(value) == "person-erased"


async def test_what_is_gone_says_why(home: Home) -> None:
    async with opening(home) as found:
        assert await found.of(b"x", kid=str(uuid.uuid4())) == "key-destroyed"
        assert await found.of_none() == "not-kept"
        assert await found.of_none(Problem("$", "person-erased", "")) == "person-erased"


async def test_a_record_that_was_moved_from_another_place_does_not_open(home: Home) -> None:
    async with opening(home) as found:
        with pytest.raises(UnreadableSealError):
            await found.of(b"x", place="in.bg-police:0:3")
