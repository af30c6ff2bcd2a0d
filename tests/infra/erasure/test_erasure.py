"""A person is erased by two operators, for good, whatever is interrupted, and everybody who got data is told."""

import hashlib
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from connectors.acknowledging import Step
from connectors.feed import Feed, FeedEvent
from infra.erasure import orders
from infra.erasure.register import (
    ErasureAskedError,
    LegalHoldError,
    SamePersonError,
    UnknownErasureError,
    UnknownReasonError,
)
from infra.erasure.saga import ErasureDesk, NotApprovedError
from infra.home import Home
from infra.topology.credentials import Credentials
from infra.vault.persons import UnknownSubjectError
from infra.vault.vault import Vault
from infra.workplace import Workplace, workplace
from schemas.names import AgencyId, PartnerId, SubjectId
from streams.delivery.screens import overdue, shown
from tests.publishing import Agency, invented
from tests.running import command, ensure_worker, records, rows, wait_until

pytestmark = pytest.mark.stack
POLICE = AgencyId("rs-police")


@asynccontextmanager
async def desk_of(home: Home) -> AsyncIterator[tuple[Workplace, ErasureDesk]]:
    async with workplace(home) as place, place.pool("hub_vault", 4, by_statement=True) as pool:
        yield place, ErasureDesk(place, pool)


async def published(home: Home, person_ref: str) -> str:
    """Publish an identification that Europol gets, and return the id of the event."""
    async with Agency(home, POLICE) as agency:
        event = invented("PersonIdentified", POLICE, person__person_ref=person_ref)
        event["envelope"] |= {"purpose": "IDENTIFY", "legal_basis": ["LED:8"], "handling": "H0", "tlp": "AMBER"}
        offset = await agency.send(agency.encode(event))
        answer = (await agency.answers([offset]))[offset]
        assert answer.outcome == "ACCEPTED", answer.problems
        return str(answer.event_id)


async def on_feed(home: Home, wanted: str, *, recall: bool = False) -> FeedEvent:
    """Wait for the event (or the recall) *wanted* on Europol's feed."""
    async with Feed(Credentials.of(home, "europol")) as feed:
        async for event in feed.events():
            found = event.content.get("recall_id") if event.view is None else event.content["envelope"]["event_id"]  # type: ignore[index]  # JSON
            if found == wanted and (event.view is None) == recall:
                return event
    raise AssertionError("the feed ended")


async def person(desk: ErasureDesk, reference: str) -> SubjectId:
    found = await desk.vault.known((POLICE, reference))
    assert found is not None
    return found


async def test_after_two_operators_agreed_nobody_reads_the_person_and_partners_are_told(home: Home) -> None:
    ensure_worker(home)
    reference, other = f"P-{uuid.uuid4().hex[:12]}1", f"P-{uuid.uuid4().hex[:12]}2"
    event_id, other_id = await published(home, reference), await published(home, other)
    before = await on_feed(home, event_id)
    await on_feed(home, other_id)
    ledger = {(each.partition, each.offset): each.value for each in records(home, "ledger")}
    async with desk_of(home) as (_, desk):
        subject = await person(desk, reference)
        asked = await desk.ask(subject, "CONSENT_WITHDRAWN", "first")
        assert asked.state == "asked"
        with pytest.raises(ErasureAskedError):
            await desk.ask(subject, "CONSENT_WITHDRAWN", "third")
        with pytest.raises(NotApprovedError):
            await desk.carry_out(asked.erasure_id)
        with pytest.raises(SamePersonError):
            await desk.approve(asked.erasure_id, "first")
        done = await desk.approve(asked.erasure_id, "second")
        assert done.state == "completed"
        assert "europol" in done.partners
        assert await desk.approve(asked.erasure_id, "first") == done, "again changes nothing"
        kids = rows(home, "SELECT kid::text FROM vault.data_key WHERE holder = %s ORDER BY kid", f"subject:{subject}")
        assert done.keys == len(kids)
        assert done.keys_hash == hashlib.sha256("\n".join(sorted(kid for (kid,) in kids)).encode()).hexdigest()

    told = await on_feed(home, done.erasure_id, recall=True)
    assert told.event_type == "Recalled"
    assert told.content["subjects"] == [before.content["person"]["subject"]]  # type: ignore[index]  # JSON
    erased = (await on_feed(home, event_id)).content
    assert erased["status"] == {"erased": True}
    assert (await on_feed(home, other_id)).content["status"] != {"erased": True}
    now = {(each.partition, each.offset): each.value for each in records(home, "ledger")}
    assert now.items() >= ledger.items(), "the ledger is what it was, byte for byte"
    proofs = [each for each in await _told(home) if each == done.erasure_id]
    assert len(proofs) == 1
    wait_until(lambda: done.erasure_id in recalls_not_applied(home), "the recall stands on the partner's ladder")
    async with Feed(Credentials.of(home, "europol")) as feed:
        await feed.acknowledge([told], Step.APPLIED)
    wait_until(lambda: done.erasure_id not in recalls_not_applied(home), "the partner has applied it")
    ladder = [each for each in shown(home, done.erasure_id)["recipients"] if each["recipient"] == "europol"]  # type: ignore[attr-defined]
    assert [(each["about"], each["delivery"], each["finish"]) for each in ladder] == [("RECALL", "reached", "reached")]


def recalls_not_applied(home: Home) -> set[object]:
    """Return the recalls that Europol has not said to have applied."""
    return {each["id"] for each in overdue(home).get("europol", []) if each["about"] == "RECALL"}


async def _told(home: Home) -> list[str]:
    async with workplace(home) as place:
        found = await orders.read(place.credentials("hub-control"), place.codec)
    return list(found.completed)


async def test_a_person_who_is_held_is_not_erased_until_the_hold_is_ended(home: Home) -> None:
    ensure_worker(home)
    reference = f"P-{uuid.uuid4().hex[:12]}3"
    await published(home, reference)
    async with desk_of(home) as (_, desk):
        subject = await person(desk, reference)
        await desk.register.hold(subject, "trial", "first")
        with pytest.raises(LegalHoldError, match="unhold"):
            await desk.ask(subject, "UNLAWFUL", "first")
        assert await desk.register.end_hold({subject}, "trial over", "first") == 1
        asked = await desk.ask(subject, "UNLAWFUL", "first")
        await desk.register.hold(subject, "another trial", "third")
        with pytest.raises(LegalHoldError):
            await desk.approve(asked.erasure_id, "second")
        assert await desk.vault.erased([subject]) == frozenset()
        await desk.register.end_hold({subject}, "trial over", "third")
        assert (await desk.approve(asked.erasure_id, "second")).state == "completed"
        assert await desk.vault.erased([subject]) == {subject}


async def test_what_cannot_be_is_refused(home: Home) -> None:
    async with desk_of(home) as (_, desk):
        with pytest.raises(UnknownSubjectError):
            await desk.ask(SubjectId(str(uuid.uuid4())), "UNLAWFUL", "first")
        subject = (await desk.vault.subjects([(POLICE, f"P-{uuid.uuid4().hex}4")])).popitem()[1]
        with pytest.raises(UnknownReasonError):
            await desk.ask(subject, "BECAUSE", "first")
        for wrong in (str(uuid.uuid4()), "no id"):
            with pytest.raises(UnknownErasureError):
                await desk.approve(wrong, "first")


STEPS = ("order", "destroy", "complete", "proof")


@pytest.mark.parametrize("step", STEPS)
async def test_an_erasure_that_is_interrupted_goes_on_where_it_was(
    home: Home, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with desk_of(home) as (place, desk):
        subject = (await desk.vault.subjects([(POLICE, f"P-{uuid.uuid4().hex}5")])).popitem()[1]
        key = next(iter((await desk.vault.keys({f"subject:{subject}": "name"}, PartnerId("interpol"))).values()))
        asked = await desk.ask(subject, "UNLAWFUL", "first")
        with monkeypatch.context() as broken:
            _break(broken, desk, step)
            with pytest.raises(ConnectionError):
                await desk.approve(asked.erasure_id, "second")
        done = await desk.approve(asked.erasure_id, "second")
        assert done.state == "completed"
        assert (await desk.vault.open([key.kid], PartnerId("interpol")))[key.kid] is None
        told = await orders.read(place.credentials("hub-control"), place.codec)
        assert done.erasure_id in told.completed
        assert len([each for each in told.orders if each.erasure_id == done.erasure_id]) == 1


def _break(broken: pytest.MonkeyPatch, desk: ErasureDesk, step: str) -> None:
    write = orders.write

    async def fails(*_given: object, **_named: object) -> None:
        raise ConnectionError

    async def writes(credentials: object, codec: object, name: str, several: object) -> None:
        if (name == "SubjectErased") == (step == "order"):
            raise ConnectionError
        await write(credentials, codec, name, several)  # type: ignore[arg-type]  # as it was called

    if step == "destroy":
        broken.setattr(Vault, "destroy", fails)
    elif step == "complete":
        broken.setattr(desk.register, "complete", fails)
    else:
        broken.setattr(orders, "write", writes)


async def test_an_alias_goes_with_the_person(home: Home) -> None:
    async with desk_of(home) as (place, desk):
        pair = list((await desk.vault.subjects([(POLICE, f"P-{uuid.uuid4().hex}{n}") for n in (6, 7)])).values())
        keys = await desk.vault.keys({f"subject:{each}": str(each) for each in pair})
        await desk.vault.same_person(*pair)
        asked = await desk.ask(pair[1], "UNLAWFUL", "first")
        done = await desk.approve(asked.erasure_id, "second")
        assert set((await desk.vault.open([key.kid for key in keys.values()])).values()) == {None}
        told = await orders.read(place.credentials("hub-control"), place.codec)
        (order,) = [each for each in told.orders if each.erasure_id == done.erasure_id]
        assert set(order.subject_ids) == set(pair)


def test_the_commands_ask_hold_and_show(home: Home) -> None:
    subject = str(uuid.uuid4())
    refused = command(home, "subject", "erase", subject, "--reason", "UNLAWFUL")
    assert refused.returncode != 0
    assert "unknown-subject" in refused.stderr
    wrong = command(home, "subject", "erase", "P-7", "--reason", "UNLAWFUL")
    assert wrong.returncode != 0
    assert "P-7" not in wrong.stderr
    assert command(home, "subject", "list", "--json").returncode == 0
