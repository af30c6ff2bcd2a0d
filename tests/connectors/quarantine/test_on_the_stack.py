"""The way of a refused event through the whole hub: seen, put right, sent again, accepted, and settled."""

import asyncio
import json
import stat
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from connectors.access import Access
from connectors.publisher import Publisher
from connectors.quarantine.commands import quarantine_app
from connectors.quarantine.reading import SEALED, sent_in
from connectors.receipts import Receipts
from infra.arrival.sealed import HubKey, Session, sealed_event
from infra.home import Home
from infra.registry import registry_for
from infra.topology.credentials import Credentials
from schemas.codec import Codec
from schemas.errors import MisuseError
from schemas.names import TopicName
from tests.infra.signing.making import signer
from tests.publishing import Agency
from tests.running import rows

pytestmark = pytest.mark.stack
SENDER, OTHER = "bg-labour-inspectorate", "bg-counselling"


class Desk:
    """The commands, as the agency of the credentials in a file of its own gives them."""

    def __init__(self, hub: Home, who: str, folder: Path) -> None:
        self._file = folder / f"{who}.env"
        Credentials.of(hub, who).write(self._file, "env")

    def run(self, *arguments: str) -> Result:
        return CliRunner().invoke(quarantine_app, [*arguments, "--credentials", str(self._file)])

    def told(self, *arguments: str) -> dict[str, Any]:
        result = self.run(*arguments, "--json")
        assert result.exit_code == 0, result
        found: dict[str, Any] = json.loads(result.output)
        return found

    def name_of(self, source_offset: int) -> str:
        """Return the id of what was sent at *source_offset*."""
        known = [each["id"] for each in self.told("list")["quarantine"]]
        return next(each for each in reversed(known) if self.told("show", each)["source_offset"] == source_offset)


@pytest.fixture
def desk(hub: Home, tmp_path: Path) -> Desk:
    return Desk(hub, SENDER, tmp_path)


def refused(hub: Home, values: Sequence[bytes], *, signed: bool = True) -> list[int]:
    """Let the hub refuse *values* of the sender and return where they are on its topic."""

    async def run() -> list[int]:
        async with Agency(hub, SENDER) as agency:
            send = agency.send if signed else agency.send_as_it_is
            offsets = [await send(value) for value in values]
            answers = await agency.answers(offsets)
        assert {answer.outcome for answer in answers.values()} == {"REFUSED"}
        return offsets

    return asyncio.run(run())


def event(hub: Home, **changes: object) -> bytes:
    return asyncio.run(_event(hub, changes))


async def _event(hub: Home, changes: dict[str, object]) -> bytes:
    async with Agency(hub, SENDER) as agency:
        return agency.event(**changes)


def test_a_wrong_event_is_put_right_sent_again_and_settled(hub: Home, desk: Desk, tmp_path: Path) -> None:
    canary, file = f"Invented{uuid.uuid4().hex}", tmp_path / "event.json"
    wrong = event(hub, status="WRONG", person__citizenships=["??"], person__full_name=canary)
    name = desk.name_of(refused(hub, [wrong])[0])
    shown = desk.run("show", name)
    assert "status: unknown-code" in shown.output
    assert canary not in shown.output
    revealed = desk.told("show", name, "--reveal")
    assert (revealed["state"], revealed["event"]["person"]["full_name"]) == ("open", canary)

    half = desk.run("fix", name, "--output", str(file), "--set", "status=PRESUMED")
    assert half.exit_code == 1
    assert "person.citizenships[0]: unknown-code" in half.output
    assert canary not in half.output
    early = desk.run("resubmit", name, "--from", str(file))
    assert (early.exit_code, desk.told("show", name)["state"]) == (1, "open")
    changes = ("--set", "status=PRESUMED", "--set", "person.citizenships[0]=SRB")
    assert desk.told("fix", name, "--output", str(file), *changes)["problems"] == []
    assert stat.S_IMODE(file.stat().st_mode) == 0o600

    accepted = desk.told("resubmit", name, "--from", str(file))
    assert (accepted["outcome"], accepted["settled"]) == ("ACCEPTED", True)
    assert accepted["event_id"] == revealed["event_id"] == json.loads(file.read_text())["envelope"]["event_id"]
    assert desk.told("resubmit", name, "--from", str(file))["outcome"] == "DUPLICATE"
    assert desk.told("show", name)["state"] == "resubmitted"
    assert name in {each["id"] for each in desk.told("list", "--state", "resubmitted")["quarantine"]}
    assert name not in {each["id"] for each in desk.told("list", "--state", "open")["quarantine"]}
    read = 'SELECT count(*) FROM hub.quarantine_reading WHERE agency = %s AND "offset" = %s'
    assert rows(hub, read, SENDER, int(name.partition("@")[2])) == [(3,)]  # once shown, twice put right


def test_an_event_put_right_without_the_desk_settles_its_record_as_well(hub: Home, desk: Desk) -> None:
    event_id = str(uuid.uuid4())
    name = desk.name_of(refused(hub, [event(hub, status="WRONG", envelope__event_id=event_id)])[0])
    right = event(hub, envelope__event_id=event_id)

    async def send() -> str:
        async with Agency(hub, SENDER) as agency:
            offset = await agency.send(right)
            return (await agency.answers([offset]))[offset].outcome

    assert asyncio.run(send()) == "ACCEPTED"
    assert desk.told("show", name)["state"] == "resubmitted"


def test_bytes_that_cannot_be_read_are_said_to_be_so_and_written_as_they_are(
    hub: Home, desk: Desk, tmp_path: Path
) -> None:
    raw, right, file = b"\xff no event at all", event(hub), tmp_path / "raw"
    name = desk.name_of(refused(hub, [raw])[0])
    shown = desk.run("show", name, "--output", str(file))
    assert "cannot be read: the record is not in the Confluent wire format" in shown.output
    assert (file.read_bytes(), stat.S_IMODE(file.stat().st_mode)) == (raw, 0o600)
    assert isinstance(desk.run("fix", name, "--output", str(file)).exception, MisuseError)

    told = sent_in(right, Codec(registry_for(hub))).event
    file.write_text(json.dumps(told))  # what was meant, written anew, settles it under whatever id it has
    assert desk.told("resubmit", name, "--from", str(file))["settled"]
    assert desk.told("show", name)["state"] == "resubmitted"


def test_a_forged_signature_and_a_broken_seal_are_told_apart_from_the_event(hub: Home, desk: Desk) -> None:
    whole = event(hub)
    topic = TopicName(f"in.{SENDER}")

    async def wrapped() -> list[bytes]:
        async with Agency(hub, SENDER) as agency:
            writer = agency.codec.writer(f"{topic}-{sealed_event().fullname}", sealed_event().schema)
            key = Access(Credentials.of(hub, SENDER)).arrival_key()
            unknown = HubKey(key_id=str(uuid.uuid4()), public_key=key.public_key)
            forged, twice = agency.signed(whole, signer=signer()), agency.signed(agency.signed(whole))
            return [forged, twice, writer.encode(Session(topic, unknown).seal(whole))]

    forged, twice, sealed = map(desk.name_of, refused(hub, asyncio.run(wrapped()), signed=False))
    for name in (forged, twice):
        found = desk.told("show", name, "--reveal")
        assert found["event"]["envelope"]["agency"] == SENDER
        assert len(found["signed_by"]) == 64
    found = desk.told("show", sealed, "--reveal")
    assert (found["event"], found["unreadable"]) == (None, SEALED)


def test_what_the_sdk_signed_and_sealed_is_shown_as_the_event_inside(hub: Home, desk: Desk) -> None:
    value = event(hub, status="WRONG")

    async def send() -> int:
        credentials = Credentials.of(hub, SENDER)
        async with Receipts(credentials) as receipts, Publisher(credentials) as publisher:
            sent = await publisher.send(_id_in(hub, value), value)
            async for _ in receipts.until([sent.offset], 60):
                return sent.offset
            raise AssertionError("a receipt comes, or an error")

    assert desk.told("show", desk.name_of(asyncio.run(send())), "--reveal")["event"]["status"] == "WRONG"


def _id_in(hub: Home, value: bytes) -> Any:
    told = sent_in(value, Codec(registry_for(hub))).event
    assert told is not None
    envelope: Any = told["envelope"]
    return envelope["event_id"]


def test_a_discarded_record_stays_discarded_and_nobody_else_sees_it(hub: Home, desk: Desk, tmp_path: Path) -> None:
    name = desk.name_of(refused(hub, [b"no event"])[0])
    assert desk.run("discard", name, "--reason", "invented for a test").exit_code == 0
    found = desk.told("show", name)
    assert (found["state"], found["reason"]) == ("discarded", "invented for a test")
    file = tmp_path / "event.json"
    file.write_text("{}")
    assert isinstance(desk.run("resubmit", name, "--from", str(file)).exception, MisuseError)
    foreign = Desk(hub, OTHER, tmp_path)
    assert isinstance(foreign.run("show", name).exception, MisuseError)
    assert not [each for each in foreign.told("list")["quarantine"] if not each["id"].startswith(f"{OTHER}@")]
