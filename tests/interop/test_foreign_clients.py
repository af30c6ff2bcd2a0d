"""What the README promises to clients in any language, with clients that are not ours."""

import base64
import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import confluent_kafka
import httpx
import pytest
from confluent_kafka import KafkaError, KafkaException, Producer
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from infra.home import Home
from infra.topology.credentials import Credentials
from schemas.catalogue import contract
from tests.interop.foreign import encoded, event_on, settings_of
from tests.publishing import Agency, invented

pytestmark = pytest.mark.stack
SENDER, PARTNER = "rs-police", "rs-counselling"
FEED = f"to.{PARTNER}"
NAME = "Invented Canary-Interop"


def referral() -> dict[str, Any]:
    return invented("ReferralOffered", SENDER, to_agency=PARTNER, person__full_name=NAME, envelope__tlp="AMBER")


async def accept(hub: Home, value: bytes) -> None:
    async with Agency(hub, SENDER) as agency:
        offset = await agency.send(value)
        answer = (await agency.answers([offset]))[offset]
    assert answer.outcome == "ACCEPTED", answer.problems


def with_id(event: dict[str, Any]) -> Any:
    wanted = event["envelope"]["event_id"]
    return lambda found: found["envelope"]["event_id"] == wanted


async def test_a_partner_reads_its_feed_with_confluents_deserialiser_and_opens_it_in_a_few_lines(hub: Home) -> None:
    sent = referral()
    async with Agency(hub, SENDER) as agency:
        await accept(hub, agency.encode(sent, "ReferralOffered"))
    event = event_on(hub, PARTNER, FEED, with_id(sent))

    person, field = event["person"], event["person"]["full_name"]
    assert NAME.encode() not in field["ct"]
    assert event["release"]["agreement"] == "rs-counselling-referrals"

    key = base64.b64decode(key_of(hub, PARTNER, field["kid"]))
    schema = "hub.feed.personal.v1.ReferralOffered"
    place = f"{event['envelope']['event_id']}|{schema}|person.full_name|{person['subject']}|{field['kid']}".encode()
    assert json.loads(AESGCM(key).decrypt(field["ct"][:12], field["ct"][12:], place)) == NAME
    assert key_of(hub, "europol", field["kid"]) is None


def key_of(hub: Home, partner: str, kid: str) -> Any:
    """Return the key of the id *kid* as the key service gives it to *partner*: base64, or None."""
    mine = Credentials.of(hub, partner)
    answer = httpx.post(
        mine.keys_url, json={"kids": [kid]}, auth=(partner, mine.password), verify=hub.ssl_context(), trust_env=False
    )
    return answer.json()["keys"][kid]


@pytest.mark.parametrize("topic", ["to.europol", "ledger", "stage.persons", "decisions", f"in.{SENDER}"])
def test_the_broker_refuses_a_partner_on_what_is_not_its_feed(hub: Home, topic: str) -> None:
    with pytest.raises(KafkaException) as caught:
        event_on(hub, PARTNER, topic, lambda _event: True)
    assert caught.value.args[0].code() == KafkaError.TOPIC_AUTHORIZATION_FAILED


async def test_an_event_of_confluents_serialiser_is_accepted(hub: Home) -> None:
    sent = referral()
    topic = f"in.{SENDER}"
    schema = json.dumps(contract("ReferralOffered").schema)
    await accept(hub, encoded(hub, SENDER, topic, schema, sent))
    assert event_on(hub, PARTNER, FEED, with_id(sent))["envelope"]["agency"] == SENDER


@pytest.mark.parametrize("compression", ["none", "gzip", "snappy", "lz4", "zstd"])
async def test_a_batch_of_librdkafka_is_accepted_however_it_is_compressed(hub: Home, compression: str) -> None:
    placed: list[int] = []

    def delivered(error: KafkaError | None, message: confluent_kafka.Message) -> None:
        assert error is None
        placed.append(message.offset())

    async with Agency(hub, SENDER) as agency:
        settings = {"compression.type": compression, "linger.ms": 100, "enable.idempotence": True}
        producer = Producer({**settings_of(hub, SENDER), **settings})
        for _ in range(20):
            producer.produce(agency.topic, agency.signed(agency.event()), on_delivery=delivered)
        producer.flush(30)
        answers = await agency.answers(placed)
    assert len(placed) == 20
    assert {answer.outcome for answer in answers.values()} == {"ACCEPTED"}


def kcat(hub: Home, principal: str, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run kcat with a file of `hub credentials`; on the librdkafka of confluent-kafka where its own is too old."""
    program = shutil.which("kcat")
    if program is None:
        pytest.skip("no kcat on this machine")
    conf = folder / f"{principal}.conf"
    Credentials.of(hub, principal).write(conf, "librdkafka")
    return subprocess.run(
        [program, "-F", str(conf), *arguments],
        env={**os.environ, **library_for(program, folder)},
        capture_output=True,
        text=True,
        errors="replace",
        timeout=60,
        check=False,
    )


def library_for(program: str, folder: Path) -> dict[str, str]:
    """Return what makes kcat load a librdkafka that can sign in to Kafka 4 (2.6.1 or newer)."""
    told = subprocess.run([program, "-V"], capture_output=True, text=True, timeout=20, check=True).stdout
    found = re.search(r"librdkafka (\d+)\.(\d+)\.(\d+)", told)
    if found is not None and tuple(map(int, found.groups())) >= (2, 6, 1):
        return {}
    bundled = Path(confluent_kafka.__file__).parent.with_name("confluent_kafka.libs")
    library = next(bundled.glob("librdkafka-*.so*"), None)
    if library is None:
        pytest.skip("kcat's librdkafka cannot sign in to Kafka 4")
    link = folder / "librdkafka.so.1"
    if not link.exists():
        link.symlink_to(library)
    return {"LD_LIBRARY_PATH": str(folder)}


async def test_kcat_reads_a_feed_sealed(hub: Home, tmp_path: Path) -> None:
    sent = referral()
    async with Agency(hub, SENDER) as agency:
        await accept(hub, agency.encode(sent, "ReferralOffered"))
    event_on(hub, PARTNER, FEED, with_id(sent))
    done = kcat(
        hub, PARTNER, tmp_path, "-C", "-t", FEED, "-o", "beginning", "-e", "-q", "-X", "auto.offset.reset=earliest"
    )
    assert done.returncode == 0, done.stderr
    assert sent["envelope"]["event_id"] in done.stdout
    assert NAME not in done.stdout


@pytest.mark.parametrize("topic", ["to.europol", "ledger"])
def test_kcat_is_refused_on_another_topic(hub: Home, tmp_path: Path, topic: str) -> None:
    done = kcat(hub, PARTNER, tmp_path, "-C", "-t", topic, "-o", "beginning", "-e", "-q")
    assert done.returncode != 0
    assert done.stdout == ""
    assert "Topic authorization failed" in done.stderr
