"""Events sealed on the way, by the SDK and by clients that share no code with it: none is in clear on a disk."""

import asyncio
import base64
import json
import os
import secrets
import shutil
import ssl
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from confluent_kafka import Producer
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from connectors.access import Access
from connectors.placing import Sent
from connectors.publisher import Publisher
from connectors.receipts import Receipts
from infra.home import Home
from infra.topology.credentials import Credentials
from tests.interop.foreign import encoded, settings_of
from tests.publishing import Agency, invented
from tests.running import rows

pytestmark = pytest.mark.stack
AGENCY = "bg-border-police"
TOPIC = f"in.{AGENCY}"
SCHEMA = Path(__file__).parents[2] / "schemas" / "avro" / "hub" / "sealedevent.avsc"
NODE = Path(__file__).with_name("seal.mjs")


def files_with(home: Home, token: str) -> list[Path]:
    found = []
    for file in sorted((home.path / "kafka" / "data").rglob("*")):
        try:
            if file.is_file() and token.encode() in file.read_bytes():
                found.append(file)
        except FileNotFoundError:
            continue
    return found


def hub_key(home: Home) -> Mapping[str, str]:
    """Return the hub's public key as any HTTP client gets it."""
    credentials = Credentials.of(home, AGENCY)
    answer = httpx.get(
        f"{credentials.access_url}/arrival-key",
        auth=(AGENCY, credentials.password),
        verify=ssl.create_default_context(cafile=str(credentials.ca_file)),
    )
    return dict(answer.json())


def sealed_in_python(key: Mapping[str, str], event: bytes) -> dict[str, Any]:
    """Seal as the handbook of agencies says, with nothing of the hub."""
    bound = f"hub.v1.SealedEvent|{TOPIC}|{key['key_id']}".encode()
    session_key, nonce = os.urandom(32), os.urandom(12)
    public_key = X25519PublicKey.from_public_bytes(base64.b64decode(key["public_key"]))
    suite = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
    return {
        "key_id": key["key_id"],
        "sealed_key": suite.encrypt(session_key, public_key, bound),
        "ct": nonce + AESGCM(session_key).encrypt(nonce, event, bound),
    }


def sealed_in_node(key: Mapping[str, str], event: bytes) -> dict[str, Any]:
    """Seal with Node's own cryptography, which knows nothing of HPKE: the steps of RFC 9180 one by one."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("no Node.js on this machine")
    asked = json.dumps({**key, "topic": TOPIC, "event": base64.b64encode(event).decode()})
    done = subprocess.run([node, str(NODE)], input=asked, capture_output=True, text=True, check=True, timeout=60)
    answer = json.loads(done.stdout)
    return {**answer, "sealed_key": base64.b64decode(answer["sealed_key"]), "ct": base64.b64decode(answer["ct"])}


def test_the_hubs_key_is_the_same_for_everybody_and_for_nobody_without_a_password(hub: Home) -> None:
    assert hub_key(hub) == hub_key(hub)
    credentials = Credentials.of(hub, AGENCY)
    url = f"{credentials.access_url}/arrival-key"
    tls = ssl.create_default_context(cafile=str(credentials.ca_file))
    assert httpx.get(url, auth=(AGENCY, "guess"), verify=tls).status_code == 401


async def test_the_sdk_seals_so_that_the_name_is_on_no_disk_of_the_broker_at_any_time(hub: Home) -> None:
    token = f"Invented{secrets.token_hex(8)}"
    event = {"event_type": "PersonIdentified", **invented("PersonIdentified", AGENCY, person__full_name=token)}
    credentials = Credentials.of(hub, AGENCY)
    async with Receipts(credentials) as receipts, Publisher(credentials) as publisher:
        _, inner = publisher.encode(event)
        assert token.encode() in inner
        first, again = await publisher.publish(event), await publisher.publish(event)
        assert isinstance(first, Sent)
        assert isinstance(again, Sent)
        assert files_with(hub, token) == []
        offsets = [first.offset, again.offset]
        found = {receipt.source_offset: receipt async for receipt in receipts.until(offsets, 60)}
        assert [found[offset].outcome for offset in offsets] == ["ACCEPTED", "DUPLICATE"]
        assert found[again.offset].original_offset == first.offset
        assert files_with(hub, token) == []
    async with Agency(hub, AGENCY) as agency:  # and the same event in clear is the same event
        offset = await agency.send(inner)
        assert (await agency.answers([offset]))[offset].outcome == "DUPLICATE"


@pytest.mark.parametrize("seal", [sealed_in_python, sealed_in_node])
async def test_an_event_that_another_client_sealed_is_accepted(
    hub: Home, seal: Callable[[Mapping[str, str], bytes], dict[str, Any]]
) -> None:
    async with Agency(hub, AGENCY) as agency:
        record = await asyncio.to_thread(seal, hub_key(hub), agency.signed(agency.event()))
        value = encoded(hub, AGENCY, TOPIC, SCHEMA.read_text(encoding="utf-8"), record)
        placed: list[int] = []
        producer = Producer(settings_of(hub, AGENCY))
        producer.produce(TOPIC, value, on_delivery=lambda _error, message: placed.append(message.offset()))
        assert producer.flush(60) == 0
        answered = (await agency.answers(placed))[placed[0]]
        assert (answered.outcome, answered.problems) == ("ACCEPTED", ())


async def test_a_refused_sealed_event_is_in_quarantine_under_the_key_of_its_agency_and_nowhere_in_clear(
    hub: Home,
) -> None:
    token = f"Invented{secrets.token_hex(8)}"
    async with Agency(hub, AGENCY) as agency:
        event = agency.event(person__full_name=token, person__role="HERO")
        record = sealed_in_python(hub_key(hub), agency.signed(event))
        value = encoded(hub, AGENCY, TOPIC, SCHEMA.read_text(encoding="utf-8"), record)
        offset = await agency.send_as_it_is(value)
        answered = (await agency.answers([offset]))[offset]
    assert {problem.path for problem in answered.problems} == {"person.role"}
    assert files_with(hub, token) == []


async def test_a_rotated_key_still_opens_what_was_sealed_to_it_and_the_next_one_is_another(hub: Home) -> None:
    old = hub_key(hub)
    rows(hub, "UPDATE vault.arrival_key SET made_at = made_at - interval '40 days' WHERE key_id = %s", old["key_id"])
    new = hub_key(hub)
    assert new["key_id"] != old["key_id"]
    assert new["public_key"] != old["public_key"]
    async with Agency(hub, AGENCY) as agency:
        offsets = []
        for key in (old, new):
            record = sealed_in_python(key, agency.signed(agency.event()))
            value = encoded(hub, AGENCY, TOPIC, SCHEMA.read_text(encoding="utf-8"), record)
            offsets.append(await agency.send_as_it_is(value))
        assert [each.outcome for each in (await agency.answers(offsets)).values()] == ["ACCEPTED", "ACCEPTED"]


def test_what_a_spooling_agency_remembers_of_the_hub_is_enough_to_seal(hub: Home, tmp_path: Path) -> None:
    access = Access(Credentials.of(hub, AGENCY), memory=tmp_path)
    try:
        known = access.arrival_key()
    finally:
        access.close()
    (file,) = tmp_path.rglob("arrival-key.json")
    assert json.loads(file.read_text())["key_id"] == known.key_id
