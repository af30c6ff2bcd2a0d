"""The quarantine desk: to each agency its own, bounded, and nothing is given that was not written down before."""

import base64
from typing import Any, cast

import httpx
import psycopg
import pytest
from fastapi import FastAPI

from infra.access.quarantine import Desk, router
from infra.access.quarantine_book import OPEN
from infra.access.quarantine_log import Held
from infra.home import Home
from infra.topology.credentials import Credentials
from tests.infra.access.test_quarantine_book import held
from tests.publishing import Agency
from tests.running import rows

pytestmark = pytest.mark.stack
SENDER, OTHER = "rs-border-police", "bg-border-police"
CANARY = "canary-Milica"


def ask(hub: Home, who: str, method: str, path: str, **body: Any) -> httpx.Response:
    url = Credentials.of(hub, "europol").access_url
    with httpx.Client(verify=hub.ssl_context(), auth=(who, hub.password(who)), trust_env=False, timeout=60) as client:
        return client.request(method, url + path, **body)


async def refused(hub: Home, sender: str, value: bytes) -> int:
    """Let the hub refuse *value* and return its number in quarantine."""
    async with Agency(hub, sender) as agency:
        offset = await agency.send(value)
        assert (await agency.answers([offset]))[offset].outcome == "REFUSED"
    return next(each["offset"] for each in everything(hub, sender) if source_of(hub, sender, each["offset"]) == offset)


def everything(hub: Home, who: str, limit: int = 100) -> list[dict[str, Any]]:
    """Return all that *who* has in quarantine, newest first, asked for by so many at once."""
    found, after = [], -1
    while after is not None:
        page = ask(hub, who, "GET", f"/quarantine?after={after}&limit={limit}").json()
        assert len(page["entries"]) <= limit
        found += page["entries"]
        after = page["next"]
    return found[::-1]


def source_of(hub: Home, who: str, offset: int) -> int:
    return int(ask(hub, who, "GET", f"/quarantine/{offset}").json()["source_offset"])


async def test_a_record_is_given_to_its_sender_as_it_was_sent_and_the_reading_is_in_the_database(hub: Home) -> None:
    number = await refused(hub, SENDER, b"no event, " + CANARY.encode())
    path = f"/quarantine/{number}"
    assert CANARY not in ask(hub, SENDER, "GET", path).text
    query = 'SELECT principal FROM hub.quarantine_reading WHERE agency = %s AND "offset" = %s'
    assert rows(hub, query, SENDER, number) == []
    given = ask(hub, SENDER, "GET", f"{path}/record").json()
    assert base64.b64decode(given["record"]) == b"no event, " + CANARY.encode()
    assert rows(hub, query, SENDER, number) == [(SENDER,)]


@pytest.mark.parametrize("tail", ["", "/record"])
async def test_nobody_else_is_told_even_whether_there_is_a_record(hub: Home, tail: str) -> None:
    number = await refused(hub, SENDER, b"no event")
    unknown = ask(hub, OTHER, "GET", f"/quarantine/{10**12}{tail}")
    foreign = ask(hub, "bg-consular-service", "GET", f"/quarantine/{number}{tail}")
    assert (foreign.status_code, foreign.json()) == (unknown.status_code, unknown.json())
    assert foreign.status_code == httpx.codes.NOT_FOUND
    for who in ("europol", "hub-admin", "hub-intake"):
        answers = [ask(hub, who, "GET", f"/quarantine/{each}{tail}") for each in (number, 10**12)]
        assert {answer.status_code for answer in answers} == {httpx.codes.FORBIDDEN}


async def test_pages_are_bounded_and_together_are_everything(hub: Home) -> None:
    for _ in range(3):
        await refused(hub, SENDER, b"no event")
    by_one = everything(hub, SENDER, limit=1)
    assert len(by_one) >= 3
    offsets = [each["offset"] for each in by_one]
    assert offsets == sorted(set(offsets), reverse=True)
    assert set(offsets) <= {each["offset"] for each in everything(hub, SENDER)}
    assert ask(hub, SENDER, "GET", f"/quarantine?after={2**63 - 2}").json() == {"entries": [], "next": None}
    for query in ("limit=101", "limit=0", "after=-2", f"after={2**63}", f"limit={CANARY}"):
        odd = ask(hub, SENDER, "GET", f"/quarantine?{query}")
        assert odd.status_code == httpx.codes.UNPROCESSABLE_ENTITY
        assert CANARY not in odd.text


async def test_what_was_not_accepted_settles_nothing(hub: Home) -> None:
    async with Agency(hub, SENDER) as agency:
        before = await agency.send(agency.event())
        accepted = (await agency.answers([before]))[before]
    number = await refused(hub, SENDER, b"no event")
    for event_id, offset in ((accepted.event_id, before), (accepted.event_id, before + 10**6), (str(number), 0)):
        told = {"event_id": event_id, "accepted_offset": offset}
        assert ask(hub, SENDER, "POST", f"/quarantine/{number}/outcome", json=told).is_client_error
    assert ask(hub, SENDER, "GET", f"/quarantine/{number}").json()["state"] == "open"


async def test_a_record_is_discarded_once_with_a_reason_that_is_text(hub: Home) -> None:
    number = await refused(hub, SENDER, b"no event")
    path = f"/quarantine/{number}/discard"
    for reason in ("", "  ", "x" * 201, f"{CANARY}\0", f"{CANARY}\u202e"):
        odd = ask(hub, SENDER, "POST", path, json={"reason": reason})
        assert odd.status_code == httpx.codes.UNPROCESSABLE_ENTITY
        assert CANARY not in odd.text
    assert ask(hub, SENDER, "POST", path, json={"reason": "a  test"}).json() == {"state": "discarded"}
    assert ask(hub, SENDER, "POST", path, json={"reason": "again"}).status_code == httpx.codes.CONFLICT
    found = ask(hub, SENDER, "GET", f"/quarantine/{number}").json()
    assert (found["state"], found["reason"]) == ("discarded", "a test")


class Broken:
    """Plays topic, book and opener at once; the book cannot write."""

    def __init__(self) -> None:
        self.opens = 0

    async def at(self, _agency: str, _offset: int) -> Held:
        return held(3)

    async def fates(self, _agency: str, several: list[Held]) -> dict[int, object]:
        return {0: OPEN, several[0].offset: OPEN}

    async def expect(self) -> None:
        pass

    async def note_reading(self, _agency: str, _offset: int, _principal: str) -> None:
        raise psycopg.OperationalError

    async def opened(self, _held: Held, _agency: str) -> bytes:
        self.opens += 1
        return b"secret"


async def test_nothing_is_opened_when_the_reading_cannot_be_written_down() -> None:
    broken: Any = Broken()
    app = FastAPI()
    app.include_router(router(lambda: "rs-police"))
    app.state.desk = Desk(broken, broken, broken, broken)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://desk") as client:
        with pytest.raises(psycopg.OperationalError):
            await client.get("/quarantine/5/record")
    assert cast("Broken", broken).opens == 0
