"""An event signed with plain OpenSSL, by the very lines of the handbook, written by libraries that are not ours."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer

from infra.home import Home
from infra.signing.desk import KeyDesk
from infra.signing.files import read_public
from infra.signing.keys import Holder, HolderKind
from infra.workplace import workplace
from tests.interop.foreign import encoded, settings_of
from tests.interop.test_sealed import SCHEMA as SEALED_SCHEMA
from tests.interop.test_sealed import hub_key, sealed_in_python
from tests.publishing import Agency
from tests.running import rows

pytestmark = pytest.mark.stack
PROJECT = Path(__file__).parents[2]
SCHEMA = PROJECT / "schemas" / "avro" / "hub" / "signedevent.avsc"
LINES = dict(
    re.findall(
        r"<!-- shell: (\w+) -->\n```sh\n(.*?)```",
        (PROJECT / "docs" / "users" / "agency.md").read_text("utf-8"),
        re.DOTALL,
    )
)
SENDER, SEALER = "rs-police", "bg-border-police"


def run(name: str, folder: Path, agency: str) -> None:
    """Run the documented lines called *name* in *folder*, for *agency* in the place of the one in the handbook."""
    assert shutil.which("openssl"), "these lines need openssl on this machine"
    lines = LINES[name].replace("in.rs-police", f"in.{agency}")
    subprocess.run(["bash", "-euo", "pipefail", "-c", lines], cwd=folder, check=True, capture_output=True, timeout=60)


def signed(folder: Path, event: bytes, agency: str) -> dict[str, Any]:
    """Return *event* signed as the handbook says, as the content of a SignedEvent."""
    (folder / "event").write_bytes(event)
    run("sign", folder, agency)
    return {
        "key_id": (folder / "key-id").read_text().strip(),
        "salt": (folder / "salt").read_bytes(),
        "signature": (folder / "signature").read_bytes(),
        "event": event,
    }


async def with_key(hub: Home, folder: Path, agency: str) -> None:
    """Make a key with OpenSSL in *folder* and have it registered."""
    run("key", folder, agency)
    public_key = read_public(folder / "signing-key.pub")
    async with workplace(hub) as place, KeyDesk(place) as desk:
        made = await desk.register(Holder(HolderKind.AGENCY, agency), public_key, "tester")
    assert made.key_id == (folder / "key-id").read_text().strip()
    assert (folder / "signing-key.pem").stat().st_mode & 0o077 == 0


def published(hub: Home, agency: str, value: bytes) -> int:
    """Return the offset of *value*, sent by librdkafka."""
    placed: list[int] = []
    producer = Producer(settings_of(hub, agency))
    producer.produce(f"in.{agency}", value, on_delivery=lambda _error, message: placed.append(message.offset()))
    assert producer.flush(60) == 0
    return placed[0]


async def test_an_event_signed_with_openssl_is_accepted_as_its_agencys(hub: Home, tmp_path: Path) -> None:
    await with_key(hub, tmp_path, SENDER)
    async with Agency(hub, SENDER) as agency:
        record = signed(tmp_path, agency.event(), SENDER)
        value = encoded(hub, SENDER, agency.topic, SCHEMA.read_text("utf-8"), record)
        offset = published(hub, SENDER, value)
        answer = (await agency.answers([offset]))[offset]
    assert (answer.outcome, answer.problems) == ("ACCEPTED", ())
    (found,) = rows(hub, "SELECT signed_by FROM streams.seen_event WHERE event_id = %s::uuid", str(answer.event_id))
    assert found == (record["key_id"],)


async def test_an_event_signed_with_openssl_for_another_topic_is_refused(hub: Home, tmp_path: Path) -> None:
    await with_key(hub, tmp_path, SENDER)
    async with Agency(hub, SENDER) as agency:
        record = signed(tmp_path, agency.event(), SEALER)
        offset = published(hub, SENDER, encoded(hub, SENDER, agency.topic, SCHEMA.read_text("utf-8"), record))
        answer = (await agency.answers([offset]))[offset]
    assert [problem.rule for problem in answer.problems] == ["signature-wrong"]


async def test_what_openssl_signed_may_be_sealed_around_by_any_client(hub: Home, tmp_path: Path) -> None:
    await with_key(hub, tmp_path, SEALER)
    async with Agency(hub, SEALER) as agency:
        record = signed(tmp_path, agency.event(), SEALER)
        inner = encoded(hub, SEALER, agency.topic, SCHEMA.read_text("utf-8"), record)
        outer = sealed_in_python(hub_key(hub), inner)
        value = encoded(hub, SEALER, agency.topic, SEALED_SCHEMA.read_text("utf-8"), outer)
        offset = published(hub, SEALER, value)
        answer = (await agency.answers([offset]))[offset]
    assert (answer.outcome, answer.problems) == ("ACCEPTED", ())
