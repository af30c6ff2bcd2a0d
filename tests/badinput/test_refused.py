"""Bad input through the real broker: refused with field and rule, never the value, and the stream goes on."""

import asyncio
import base64
import datetime as dt
import secrets
import struct
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from connectors.feed import Feed
from connectors.receipts import Receipt
from infra.home import Home
from infra.registry import registry_for
from infra.topology.credentials import Credentials
from infra.workplace import workplace
from schemas.catalogue import hub_contract
from schemas.codec import Codec
from tests.publishing import Agency, invented, now
from tests.running import Stored, records, tables_with

pytestmark = pytest.mark.stack

SENDER = "rs-social-service"
OTHER = "rs-police"
Make = Callable[[Agency, str], bytes]


def changed(**changes: object) -> Make:
    """Return what makes an event with *changes*; the text CANARY in them becomes the test's secret value."""

    def make(agency: Agency, canary: str) -> bytes:
        filled = {path: canary if value == "CANARY" else value for path, value in changes.items()}
        return agency.event(**{"person__full_name": canary, **filled})

    return make


def wire(change: Callable[[bytes], bytes]) -> Make:
    """Return what makes a valid event and then breaks its bytes."""
    return lambda agency, canary: change(agency.event(person__full_name=canary))


def without_last_field(agency: Agency, canary: str) -> bytes:
    """Return an event as a client would write it that forgot the last field of the contract."""
    whole = agency.event(person__full_name=canary, narrative=None)
    return whole[:-1]


def many_persons(agency: Agency, canary: str) -> bytes:
    """Return an event whose lists of lists are wrong in every entry: forty thousand problems."""
    event = invented("InvestigationOpened", agency.name)
    suspect = event["suspects"][0]
    event["suspects"] = [
        {**suspect, "full_name": canary, "person_ref": f"S-{number}", "citizenships": ["??"] * 200}
        for number in range(200)
    ]
    return agency.encode(event, "InvestigationOpened")


def many_documents(agency: Agency, canary: str) -> bytes:
    """Return a small event of so many short values that sealing each would make it too large for the broker."""
    documents = [{"kind": "PASSPORT", "number": f"{number}", "issuing_country": "SRB"} for number in range(200)]
    event = invented("InvestigationOpened", agency.name)
    suspect = event["suspects"][0]
    event["suspects"] = [
        {**suspect, "full_name": canary, "person_ref": f"S-{number}", "identity_documents": documents}
        for number in range(100)
    ]
    return agency.encode(event, "InvestigationOpened")


BAD: dict[str, tuple[Make, str, str]] = {
    "malformed Avro": (wire(lambda value: value[:40]), "$", "malformed-record"),
    "bytes left over": (wire(lambda value: value + b"more"), "$", "malformed-record"),
    "wrong magic byte": (wire(lambda value: b"\x01" + value[1:]), "$", "malformed-record"),
    "unknown schema id": (
        wire(lambda value: value[:1] + struct.pack(">I", 2**31 - 7) + value[5:]),
        "$",
        "unknown-schema",
    ),
    "not Avro at all": (lambda _agency, canary: f'{{"name": "{canary}"}}'.encode(), "$", "malformed-record"),
    "empty value": (lambda _agency, _canary: b"", "$", "malformed-record"),
    "a field left out on the wire": (without_last_field, "$", "malformed-record"),
    "invalid UTF-8": (
        lambda agency, canary: agency.event(person__full_name=f"{canary}xx").replace(
            f"{canary}xx".encode(), canary.encode() + b"\xff\xfe"
        ),
        "$",
        "malformed-record",
    ),
    "event of another agency": (changed(envelope__agency=OTHER), "envelope.agency", "agency-not-owner"),
    "missing mandatory field": (changed(person__person_ref=""), "person.person_ref", "empty"),
    "unknown code": (changed(status="CANARY"), "status", "unknown-code"),
    "unknown code in a list": (changed(person__citizenships=["CANARY"]), "person.citizenships[0]", "unknown-code"),
    "not an event id": (changed(envelope__event_id="CANARY"), "envelope.event_id", "not-a-uuid"),
    "date in the future": (
        lambda agency, canary: agency.event(person__full_name=canary, entry_date=now().date() + dt.timedelta(days=3)),
        "entry_date",
        "in-the-future",
    ),
    "moment in the future": (
        lambda agency, canary: agency.event(
            person__full_name=canary, envelope__recorded_at=now() + dt.timedelta(hours=1)
        ),
        "envelope.recorded_at",
        "in-the-future",
    ),
    "date before 1900": (changed(person__date_of_birth=dt.date(1899, 12, 31)), "person.date_of_birth", "before-1900"),
    "text too long": (changed(narrative="CANARY" + "x" * 500_000), "narrative", "too-long"),
    "more problems than a receipt can list": (many_persons, "$", "more-problems"),
    "more values than can be sealed": (many_documents, "$", "too-many-values"),
    "event type of other kinds of agency": (
        lambda agency, canary: agency.encode(
            invented("ControlFinding", agency.name, establishment__name=canary), "ControlFinding"
        ),
        "$",
        "event-type-not-permitted",
    ),
    "a schema of the hub's own": (
        lambda agency, canary: as_receipt(agency, canary),  # noqa: PLW0108 - defined below
        "$",
        "schema-not-allowed",
    ),
}


def as_receipt(agency: Agency, canary: str) -> bytes:
    """Return a receipt, which only the hub may write, on the topic of the agency."""
    origin = {"source_topic": agency.topic, "source_partition": 0, "source_offset": 0, "original_offset": None}
    writer = agency.codec.writer(f"receipts.{agency.name}-hub.v1.Receipt", hub_contract("Receipt").schema)
    return writer.encode(
        {"agency": canary, "outcome": "ACCEPTED", "event_id": None, "event_type": None, "received_at": now(), **origin}
    )


@pytest.fixture
def canary() -> str:
    """Return a text that occurs nowhere else, long enough never to occur by chance."""
    return f"Canary{secrets.token_hex(12)}"


@pytest.mark.parametrize("name", BAD)
async def test_is_refused_with_field_and_rule_and_the_stream_goes_on(hub: Home, name: str, canary: str) -> None:
    make, path, rule = BAD[name]
    async with Agency(hub, SENDER) as agency:
        value = make(agency, canary)
        bad = await agency.send(value)
        good = await agency.send(agency.event())
        answers = await agency.answers([bad, good])
    assert answers[bad].outcome == "REFUSED"
    assert (path, rule) in {(problem.path, problem.rule) for problem in answers[bad].problems}
    assert all(problem.advice for problem in answers[bad].problems)
    assert answers[good].outcome == "ACCEPTED"
    sealed = quarantined(hub, SENDER, bad)
    assert_nowhere(hub, canary)
    assert await opened(hub, SENDER, sealed) == value


async def test_a_null_value_is_refused_and_leaves_a_mark_in_quarantine(hub: Home) -> None:
    async with Agency(hub, SENDER) as agency:
        bad = await agency.send(None, key=b"a tombstone needs a key")
        good = await agency.send(agency.event())
        answers = await agency.answers([bad, good])
    assert [problem.rule for problem in answers[bad].problems] == ["malformed-record"]
    assert answers[good].outcome == "ACCEPTED"
    assert quarantined(hub, SENDER, bad)["record"] is None


async def test_keys_and_headers_of_the_sender_change_nothing_and_go_nowhere(hub: Home, canary: str) -> None:
    async with Agency(hub, SENDER) as agency:
        junk = [(canary, b"\xff\x00" * 50), ("traceparent", canary.encode()), ("", b"")]
        offset = await agency.send(agency.event(), key=canary.encode(), headers=junk)
        assert (await agency.answers([offset]))[offset].outcome == "ACCEPTED"
    assert_nowhere(hub, canary)


@pytest.mark.parametrize("compression", ["gzip", "snappy", "lz4", "zstd"])
async def test_a_compressed_batch_of_a_foreign_client_is_read(hub: Home, compression: str) -> None:
    async with Agency(hub, SENDER, compression=compression) as agency:
        offsets = await agency.send_all([agency.event() for _ in range(20)])
        answers = await agency.answers(offsets)
    assert {answer.outcome for answer in answers.values()} == {"ACCEPTED"}


async def test_a_record_that_is_too_large_once_unpacked_is_refused_and_the_stream_goes_on(hub: Home) -> None:
    async with Agency(hub, SENDER, compression="gzip") as agency:
        bad = await agency.send(bytes(3_000_000))  # a few kilobytes for the broker
        good = await agency.send(agency.event())
        answers = await agency.answers([bad, good])
    assert [problem.rule for problem in answers[bad].problems] == ["too-large"]
    assert answers[good].outcome == "ACCEPTED"
    assert quarantined(hub, SENDER, bad)["record"] is None


async def test_the_same_event_again_is_a_duplicate_that_points_at_the_original(hub: Home) -> None:
    async with Agency(hub, SENDER) as agency:
        event = agency.event()
        first = await agency.send(event)
        others = await agency.send_all([agency.event() for _ in range(5)])
        again = await agency.send_all([event, event])
        answers = await agency.answers([first, *others, *again])
    assert answers[first].outcome == "ACCEPTED"
    for offset in again:
        assert (answers[offset].outcome, answers[offset].original_offset) == ("DUPLICATE", first)
        assert answers[offset].event_id == answers[first].event_id
    assert in_ledger(hub, answers[first]) == 1


async def test_other_content_under_the_same_id_is_refused(hub: Home, canary: str) -> None:
    async with Agency(hub, SENDER) as agency:
        event = invented("PersonIdentified", SENDER)
        first = await agency.send(agency.encode(event))
        event["person"]["full_name"] = canary
        other = await agency.send(agency.encode(event))
        answers = await agency.answers([first, other])
    assert answers[first].outcome == "ACCEPTED"
    assert [(problem.path, problem.rule) for problem in answers[other].problems] == [
        ("envelope.event_id", "event-id-reused")
    ]
    assert in_ledger(hub, answers[first]) == 1
    assert_nowhere(hub, canary)


async def test_a_refused_event_is_put_right_under_its_id(hub: Home) -> None:
    async with Agency(hub, SENDER) as agency:
        event = invented("PersonIdentified", SENDER, status="WRONG")
        bad = await agency.send(agency.encode(event))
        good = await agency.send(agency.encode({**event, "status": "PRESUMED"}))
        answers = await agency.answers([bad, good])
    assert (answers[bad].outcome, answers[good].outcome) == ("REFUSED", "ACCEPTED")


async def test_an_event_about_many_persons_with_a_text_about_all_is_accepted_and_reaches_the_feed(hub: Home) -> None:
    async with Agency(hub, "rs-prosecution") as agency:
        event = invented("InvestigationOpened", agency.name)
        person = event["suspects"][0]
        event["suspects"] = [{**person, "person_ref": f"S-{number}"} for number in range(200)]
        event["victims"] = []
        offset = await agency.send(agency.encode(event, "InvestigationOpened"))
        assert (await agency.answers([offset]))[offset].outcome == "ACCEPTED"
    async with asyncio.timeout(60), Feed(Credentials.of(hub, "europol")) as feed:
        async for found in feed.events():
            if found.view is None:
                continue  # a recall, of a person whom another test erased
            if found.content["envelope"]["event_id"] == event["envelope"]["event_id"]:  # type: ignore[index]  # JSON
                break
    assert len(found.content["suspects"]) == 200  # type: ignore[arg-type]  # JSON


async def test_every_record_has_exactly_one_answer(hub: Home) -> None:
    async with Agency(hub, SENDER) as agency:
        event = agency.event()
        sent = await agency.send_all([event, b"bad", event, agency.event(status="WRONG"), agency.event()])
        await agency.answers(sent)
    codec = Codec(registry_for(hub))
    receipts = [_decoded(codec, stored) for stored in records(hub, f"receipts.{SENDER}")]
    answered = [receipt["source_offset"] for receipt in receipts]
    assert answered == sorted(set(answered))
    assert set(sent) <= set(answered)
    outcomes = [receipt["outcome"] for receipt in receipts]
    counted = {outcome: outcomes.count(outcome) for outcome in ("ACCEPTED", "REFUSED", "DUPLICATE")}
    assert sum(counted.values()) == len(receipts)
    assert len(records(hub, f"quarantine.{SENDER}")) >= counted["REFUSED"]


def _decoded(codec: Codec, stored: Stored) -> dict[str, Any]:
    codec.learn([stored.value])
    return codec.decode(stored.value).record


def quarantined(hub: Home, agency: str, offset: int) -> dict[str, Any]:
    """Return what quarantine holds for the record at *offset*."""
    codec = Codec(registry_for(hub))
    held = [_decoded(codec, stored) for stored in records(hub, f"quarantine.{agency}")]
    (found,) = [record for record in held if record["source_offset"] == offset]
    return found


def in_ledger(hub: Home, receipt: Receipt) -> int:
    """Return how often the ledger holds the event of *receipt*."""
    codec = Codec(registry_for(hub))
    events = [_decoded(codec, stored) for stored in records(hub, "ledger")]
    return sum(event["envelope"]["event_id"] == receipt.event_id for event in events)


async def opened(hub: Home, agency: str, record: dict[str, Any]) -> bytes:
    """Return the record in quarantine as it was sent, opened with the key of its agency."""
    sealed = record["record"]
    async with workplace(hub) as place, place.pool("hub_vault", 2) as pool:
        key = (await place.vault(pool).open([sealed["kid"]]))[sealed["kid"]]
    assert key is not None
    place_of = f"{record['source_topic']}:{record['source_partition']}:{record['source_offset']}"
    bound_to = f"{place_of}|hub.v1.Quarantined|record|{agency}|{sealed['kid']}".encode()
    return base64.b64decode(orjson.loads(AESGCM(key).decrypt(sealed["ct"][:12], sealed["ct"][12:], bound_to)))


def assert_nowhere(hub: Home, canary: str) -> None:
    """Fail when *canary* is in a receipt, in quarantine, in the ledger, in a log, or in a row of the database."""
    needle = canary.encode()
    for topic in (f"receipts.{SENDER}", f"quarantine.{SENDER}", "ledger"):
        assert not any(needle in (stored.value or b"") + (stored.key or b"") for stored in records(hub, topic)), topic
    for log in hub.logs_dir.iterdir():
        assert needle not in log.read_bytes(), log.name
    assert not tables_with(hub, canary)
