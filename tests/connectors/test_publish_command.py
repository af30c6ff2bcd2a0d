"""`hub publish` and `hub spool` as an agency runs them, against a running hub."""

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from connectors.avro_file import write_avro
from connectors.event_ids import new_event_id
from connectors.placing import Sent
from connectors.sync_publisher import SyncPublisher
from infra.home import Home
from infra.topology.credentials import Credentials
from schemas.errors import InvalidEventError, MisuseError
from schemas.examples import example
from tests.publishing import invented
from tests.running import ensure_worker
from tests.test_docs import examples

pytestmark = pytest.mark.stack

AGENCY = "bg-border-police"
NAME = "PersonIdentified"


@pytest.fixture(scope="module")
def hub(home: Home) -> Home:
    """Return the home of a hub that works."""
    ensure_worker(home)
    return home


@pytest.fixture
def credentials(hub: Home, tmp_path: Path) -> Path:
    """Return the file of credentials that an agency on another machine has."""
    path = tmp_path / "agency.env"
    Credentials.of(hub, AGENCY).write(path, "env")
    return path


def call(credentials: Path, *arguments: str, code: int = 0) -> dict[str, Any]:
    """Return the object that the command writes."""
    done = subprocess.run(
        [sys.executable, "-c", "from infra.cli import main; main()", *arguments, "--json"],
        env={"PATH": os.environ["PATH"], "HUB_CREDENTIALS": str(credentials)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == code, done.stderr
    assert "Invented" not in done.stdout + done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def in_json(**changes: object) -> dict[str, Any]:
    found = example(NAME)
    envelope = found["envelope"]
    assert isinstance(envelope, dict)
    own: Mapping[str, object] = {"agency": AGENCY, "event_id": new_event_id()}
    return {**found, "envelope": {**envelope, **own}, **changes}


def test_an_avro_file_is_published_and_its_wrong_record_is_named(credentials: Path, tmp_path: Path) -> None:
    file = tmp_path / "events.avro"
    records = [invented(NAME, AGENCY) for _ in range(3)]
    records[1]["status"] = "LADY"
    with file.open("wb") as target:
        write_avro(target, NAME, records)

    first = call(credentials, "publish", str(file), code=1)
    again = call(credentials, "publish", str(file), code=1)

    assert (first["read"], first["accepted"], first["duplicates"], first["refused"]) == (3, 2, 0, 1)
    assert [(row["record"], row["path"], row["rule"]) for row in first["problems"]] == [(2, "status", "unknown-code")]
    assert (again["accepted"], again["duplicates"], again["refused"]) == (0, 2, 1)


def test_events_wait_in_the_spool_while_the_broker_is_away_and_arrive_when_it_is_back(
    credentials: Path, tmp_path: Path
) -> None:
    file = tmp_path / "events.jsonl"
    file.write_text(json.dumps(in_json()) + "\n")
    assert call(credentials, "publish", str(file), "--spool")["accepted"] == 1
    file.write_text("".join(json.dumps(in_json()) + "\n" for _ in range(3)) + "broken\n")
    there = credentials.read_text()
    with socket.socket() as closed:  # bound, and nobody listens
        closed.bind(("127.0.0.1", 0))
        away = f"HUB_BOOTSTRAP=127.0.0.1:{closed.getsockname()[1]}"
        credentials.write_text(re.sub("HUB_BOOTSTRAP=.*", away, there))
        kept = call(credentials, "publish", str(file), "--spool", code=3)
        waiting = call(credentials, "spool", "status")
    credentials.write_text(there)
    drained = call(credentials, "spool", "drain")

    assert (kept["read"], kept["sent"], kept["spooled"], kept["refused"]) == (4, 0, 3, 1)
    assert (waiting["waiting"], waiting["in_use"]) == (3, False)
    assert (drained["sent"], drained["accepted"], drained["refused"], drained["left"]) == (3, 3, 0, 0)
    assert call(credentials, "spool", "status")["waiting"] == 0


def test_a_wrong_password_is_no_absent_broker(credentials: Path, tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    file.write_text(json.dumps(in_json()) + "\n")
    credentials.write_text(re.sub("HUB_PASSWORD=.*", "HUB_PASSWORD=wrong", credentials.read_text()))
    done = subprocess.run(
        [sys.executable, "-c", "from infra.cli import main; main()", "publish", str(file), "--spool", "--json"],
        env={"PATH": os.environ["PATH"], "HUB_CREDENTIALS": str(credentials)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, "access-refused" in done.stderr) == (1, True), done.stderr


def test_a_program_without_asyncio_publishes_in_order(hub: Home) -> None:
    publisher = SyncPublisher(Credentials.of(hub, AGENCY))
    with publisher:
        one = publisher.publish(in_json())
        many = publisher.publish_many(in_json() if number else in_json(status="LADY") for number in range(4))
        with pytest.raises(InvalidEventError):
            publisher.publish(in_json(status="LADY"))
    assert isinstance(one, Sent)
    offsets = [each.offset for each in many if isinstance(each, Sent)]
    assert isinstance(many[0], InvalidEventError)
    assert offsets == sorted(offsets)
    assert len(offsets) == 3
    with pytest.raises(MisuseError):
        publisher.publish(in_json())


def test_the_ten_lines_of_the_documentation_publish(
    credentials: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code = dict(examples())["publish-python"]
    assert len([line for line in code.splitlines() if line.strip()]) <= 10
    monkeypatch.chdir(credentials.parent)
    credentials.rename(credentials.with_name("rs-police.env"))
    Path("event.json").write_text(json.dumps(in_json()))

    exec(code, {})  # noqa: S102 - our own page

    assert "Sent(" in capsys.readouterr().out
