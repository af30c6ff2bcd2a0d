"""What agencies published in clear is gone from the broker's disk soon after intake has it, and nothing is lost."""

import asyncio
import secrets
import time
from pathlib import Path

import pytest

from infra.home import Home
from streams.truncation.marker import PREFIX
from tests.publishing import Agency
from tests.running import ensure_worker, rows, wait_until

pytestmark = pytest.mark.stack
AGENCY = "rs-social-service"
SECONDS = 90


@pytest.fixture
def hub(home: Home) -> Home:
    ensure_worker(home)
    return home


def files_with(home: Home, token: str) -> list[Path]:
    """Return every file of the broker, of whatever kind and about to be deleted or not, that holds *token*."""
    found = []
    for file in sorted((home.path / "kafka" / "data").rglob("*")):
        try:
            if file.is_file() and token.encode() in file.read_bytes():
                found.append(file)
        except FileNotFoundError:  # deleted meanwhile, as it should be
            continue
    return found


def new_token() -> str:
    return f"Invented{secrets.token_hex(8)}"


async def test_names_that_a_foreign_client_sent_in_clear_leave_the_disk_of_the_broker(hub: Home) -> None:
    token = new_token()
    async with Agency(hub, AGENCY) as agency:
        offset = await agency.send(agency.event(person__full_name=f"Milica {token}"))
        assert files_with(hub, token), "the search finds nothing at all"
        answered = (await agency.answers([offset]))[offset]
        began = time.monotonic()
        assert answered.outcome == "ACCEPTED"
        await asyncio.to_thread(wait_until, lambda: not files_with(hub, token), "the plaintext is gone", SECONDS)
        print(f"gone from every file {time.monotonic() - began:.1f} s after the receipt")  # noqa: T201
        again = await agency.send(agency.event())
        assert (await agency.answers([again]))[again].outcome == "ACCEPTED"


async def test_the_marker_is_no_record_of_the_agency_and_gets_no_receipt(hub: Home) -> None:
    async with Agency(hub, AGENCY) as agency:
        offset = await agency.send(agency.event())
        await agency.answers([offset])

        def marked() -> list[int]:
            query = "SELECT marked_end FROM streams.truncation WHERE topic = %s AND marked_end > %s"
            return [int(row[0]) for row in rows(hub, query, agency.topic, offset)]

        await asyncio.to_thread(wait_until, lambda: bool(marked()), "a marker was written", SECONDS)
        following = await agency.send(b"no event")
        assert following >= marked()[0]
        answers = await agency.answers([following])  # receipts come in order: one of the marker would come before
        assert set(answers) == {following}


@pytest.mark.parametrize("value", [None, b"", PREFIX, PREFIX + b"\0" * 32])
async def test_what_an_agency_sends_instead_of_a_marker_is_refused_with_a_receipt(
    hub: Home, value: bytes | None
) -> None:
    async with Agency(hub, AGENCY) as agency:
        offset = await agency.send(value, key=b"k")
        answered = (await agency.answers([offset]))[offset]
    assert answered.outcome == "REFUSED"
    assert [problem.rule for problem in answered.problems] == ["malformed-record"]
