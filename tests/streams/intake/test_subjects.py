"""Intake with the real vault: whom an event is sealed for, and that nothing passes while no key can be had."""

import uuid
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import pytest
from psycopg_pool import AsyncConnectionPool

from infra.control import ControlState
from infra.home import Home
from infra.topology.model import load_topology
from infra.vault.kek import KekUnavailableError
from infra.vault.keyset_file import KeysetFileKek
from infra.vault.vault import Vault
from schemas.catalogue import contract
from schemas.names import AgencyId, SubjectId, TopicName
from streams.intake.admission import Seen
from streams.intake.chaining import Chaining
from streams.intake.processor import Intake
from streams.pump.records import Inputs, Output, SourceRecord, Transaction
from tests.evidence import HUB, MemoryChains, OneKey
from tests.infra.vault.keks import Site, site
from tests.infra.vault.rotating import empty_database, vault_at
from tests.publishing import invented, now
from tests.schemas.registries import memory_codec

pytestmark = pytest.mark.stack
POLICE, COUNSELLING = AgencyId("rs-police"), AgencyId("rs-counselling")
CODEC = memory_codec()


class Remembered:
    """The memory of intake, in memory."""

    def __init__(self) -> None:
        self.seen: dict[str, Seen] = {}

    async def recall(self, _transaction: Transaction, _agency: AgencyId, ids: Collection[str]) -> dict[str, Seen]:
        return {each: self.seen[each] for each in ids if each in self.seen}

    async def remember(self, _transaction: Transaction, _agency: AgencyId, fresh: Mapping[str, Seen]) -> None:
        self.seen |= fresh


class Desk:
    """Intake of one hub, told batches by hand."""

    def __init__(self, vault: Vault) -> None:
        self.vault = vault
        self.memory = Remembered()
        chaining = Chaining(hub=HUB, codec=CODEC, signer=OneKey(), chains=MemoryChains())
        self._intake = Intake(topology=load_topology(), codec=CODEC, vault=vault, memory=self.memory, chaining=chaining)
        self._offset = 0

    async def take(self, agency: AgencyId, *events: dict[str, Any]) -> Sequence[Output]:
        batch = []
        for event in events:
            name = event["name"]
            writer = CODEC.writer(f"in.{agency}-{name}", contract(name).schema)
            value = writer.encode({key: each for key, each in event.items() if key != "name"})
            batch.append(SourceRecord(TopicName(f"in.{agency}"), 0, self._offset, None, value))
            self._offset += 1
        inputs = Inputs(now=now(), control=ControlState(agreements=(), offset=0), nonce=lambda: uuid.uuid4().bytes[:12])
        return await self._intake.process(batch, inputs, cast("Transaction", None))

    async def subject(self, agency: AgencyId, event: dict[str, Any]) -> SubjectId:
        reference = (agency, event["person"]["person_ref"])
        return (await self.vault.subjects([reference]))[reference]


def event(name: str, agency: AgencyId, person_ref: str | None = None, **changes: object) -> dict[str, Any]:
    made = invented(name, agency, **changes)
    if made.get("person"):
        made["person"] |= {"person_ref": person_ref or f"P-{uuid.uuid4().hex[:12]}", "restricted": "NO"} | {
            key.removeprefix("person__"): value for key, value in changes.items() if key.startswith("person__")
        }
    return made | {"name": name}


def referral(**person: object) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return an offer of the police to the counselling centre, and its answer, in references of their own."""
    identifier = str(uuid.uuid4())
    changes = {f"person__{key}": value for key, value in person.items()}
    return (
        event("ReferralOffered", POLICE, referral_id=identifier, to_agency=str(COUNSELLING), **changes),
        event("ReferralAnswered", COUNSELLING, referral_id=identifier, to_agency=str(POLICE)),
    )


def in_ledger(outputs: Sequence[Output]) -> list[dict[str, Any]]:
    return [CODEC.decode(each.value).record for each in outputs if each.topic == "ledger"]


def receipts(outputs: Sequence[Output]) -> list[tuple[str, list[str]]]:
    found = [CODEC.decode(each.value).record for each in outputs if each.topic.startswith("receipts.")]
    return [(each["outcome"], [problem["rule"] for problem in each["problems"]]) for each in found]


@asynccontextmanager
async def desk(home: Home) -> AsyncIterator[Desk]:
    async with AsyncConnectionPool(home.dsn("hub_vault"), min_size=1, max_size=4, open=False) as pool:
        yield Desk(Vault(pool, KeysetFileKek.create_if_missing(home.secrets_dir / "kek.json")))


async def test_the_answer_itself_is_sealed_under_the_shared_persons_key(home: Home) -> None:
    offered, answered = referral()
    async with desk(home) as hub:
        (first,) = in_ledger(await hub.take(POLICE, offered))
        (second,) = in_ledger(await hub.take(COUNSELLING, answered))
        assert second["person"]["subject"] == first["person"]["subject"]
        assert second["person"]["person_ref"]["kid"] == first["person"]["person_ref"]["kid"]
        more = event("ServiceProvided", COUNSELLING, answered["person"]["person_ref"])
        (third,) = in_ledger(await hub.take(COUNSELLING, more))
        assert third["person"]["subject"] == first["person"]["subject"]


@pytest.mark.parametrize("answer_first", [True, False])
async def test_a_batch_that_is_tried_again_changes_nothing(home: Home, answer_first: bool) -> None:
    offered, answered = referral()
    steps = [(POLICE, offered), (COUNSELLING, answered)]
    async with desk(home) as hub:
        found = set()
        for _ in range(2):
            for agency, each in reversed(steps) if answer_first else steps:
                hub.memory.seen.clear()  # as after a rollback of the batch's own transaction
                await hub.take(agency, each)
        for agency, each in steps:
            found.add(await hub.subject(agency, each))
        assert len(found) == 1


async def test_the_number_of_a_restricted_note_is_not_carried_on(home: Home) -> None:
    for side in (0, 1):
        both = referral()
        both[side]["person"]["restricted"] = "YES"
        async with desk(home) as hub:
            for agency, each in zip((POLICE, COUNSELLING), both, strict=True):
                assert receipts(await hub.take(agency, each)) == [("ACCEPTED", [])]
            assert await hub.subject(POLICE, both[0]) != await hub.subject(COUNSELLING, both[1])


async def test_a_restricted_note_anywhere_in_the_batch_keeps_a_person_from_being_carried_on(home: Home) -> None:
    offered, answered = referral()
    noted = event("PersonIdentified", POLICE, offered["person"]["person_ref"], person__restricted="YES")
    async with desk(home) as hub:
        await hub.take(POLICE, offered, noted)
        await hub.take(COUNSELLING, answered)
        assert await hub.subject(POLICE, offered) != await hub.subject(COUNSELLING, answered)


async def test_an_offer_that_is_refused_carries_nobody_on(home: Home) -> None:
    offered, answered = referral()
    offered["urgency"] = "NO_SUCH_URGENCY"
    async with desk(home) as hub:
        assert receipts(await hub.take(POLICE, offered))[0][0] == "REFUSED"
        await hub.take(COUNSELLING, answered)
        assert await hub.subject(POLICE, offered) != await hub.subject(COUNSELLING, answered)


async def test_an_event_about_an_erased_person_is_refused_kept_nowhere_and_not_remembered(home: Home) -> None:
    first = event("PersonIdentified", POLICE)
    again = event("PersonIdentified", POLICE, first["person"]["person_ref"])
    other = event("PersonIdentified", POLICE)
    async with desk(home) as hub:
        await hub.take(POLICE, first)
        await hub.vault.destroy([await hub.subject(POLICE, first)])
        outputs = await hub.take(POLICE, again, other, again)
        refused = ("REFUSED", ["person-erased"])
        assert receipts(outputs) == [refused, ("ACCEPTED", []), refused]
        assert len(in_ledger(outputs)) == 1
        kept = [CODEC.decode(each.value).record for each in outputs if each.topic.startswith("quarantine.")]
        assert [each["record"] for each in kept] == [None, None]
        assert again["envelope"]["event_id"] not in hub.memory.seen
        assert receipts(await hub.take(POLICE, first))[0][0] == "DUPLICATE"


@pytest.mark.parametrize("kind", ["file", "transit"])
async def test_while_the_key_store_is_away_intake_waits_and_nothing_passes(
    home: Home, tmp_path: Path, kind: str
) -> None:
    with empty_database(home) as database, site(kind, tmp_path) as place:
        first, second = event("PersonIdentified", POLICE), event("PersonIdentified", POLICE)
        async with vault_at(home, database, place) as vault:
            await Desk(vault).take(POLICE, first)
        await _waits(home, database, place, second)


async def _waits(home: Home, database: str, place: Site, published: dict[str, Any]) -> None:
    async with vault_at(home, database, place) as vault:
        hub = Desk(vault)
        place.leave()
        for _ in range(2):
            with pytest.raises(KekUnavailableError):
                await hub.take(POLICE, published)
            assert not hub.memory.seen
        place.come_back()
        (sealed,) = in_ledger(await hub.take(POLICE, published))
        assert sealed["person"]["person_ref"]["ct"]
