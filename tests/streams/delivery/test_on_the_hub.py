"""Deliveries on a running hub: published, read, acknowledged; false acknowledgements and limits, each told once."""

import asyncio
import datetime as dt
import os
import re
import shlex
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from connectors.acknowledging import Step
from connectors.feed import Feed, FeedEvent
from infra.clock import now_in
from infra.home import Home
from infra.kafka import append
from infra.registry import registry_for
from infra.topology.credentials import Credentials
from infra.workplace import workplace
from schemas.catalogue import hub_contract
from schemas.codec import Codec
from streams.delivery.looking import clock_of
from streams.delivery.overdue import take_late
from streams.delivery.screens import UnknownDeliveryError, overdue, refused, shown
from tests.publishing import Agency, invented
from tests.running import command, ensure_worker, records, rows, wait_until

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("deliveries")]
POLICE, EUROPOL = "rs-police", "europol"
PAGE = Path(__file__).parents[3] / "docs" / "users" / "liaison-point.md"


@contextmanager
def codec_of(home: Home) -> Iterator[Codec]:
    registry = registry_for(home)
    yield Codec(registry)
    registry.close()


async def relayed(home: Home) -> FeedEvent:
    """Publish an event that Europol gets, and return it as it is on the feed."""
    ensure_worker(home)
    async with Agency(home, POLICE) as agency:
        event = invented("PersonIdentified", POLICE)
        event["envelope"] |= {"purpose": "IDENTIFY", "legal_basis": ["LED:8"], "handling": "H0", "tlp": "AMBER"}
        offset = await agency.send(agency.encode(event))
        answer = (await agency.answers([offset]))[offset]
        assert answer.outcome == "ACCEPTED", answer.problems
    async with Feed(Credentials.of(home, EUROPOL)) as feed:
        async for found in feed.events():
            if found.id == answer.event_id:
                return found
    raise AssertionError("the feed ended")


def told(home: Home, event_id: str) -> list[tuple[str, str]]:
    """Return every step and outcome that was told of *event_id* to Europol."""
    with codec_of(home) as codec:
        found = [codec.decode(each.value).record for each in records(home, "deliveries")]
    return [
        (str(each["step"]), str(each["outcome"]))
        for each in found
        if each.get("id") == event_id and each["recipient"] == EUROPOL
    ]


def ladder(home: Home, event_id: str) -> dict[str, object]:
    """Return Europol's ladder of *event_id*, as a screen shows it."""
    try:
        found = shown(home, event_id)
    except UnknownDeliveryError:
        return {}
    recipients = found["recipients"]
    assert isinstance(recipients, list)
    return next((each for each in recipients if each["recipient"] == EUROPOL), {})


async def say(home: Home, record: dict[str, object], *, topic_of: str = EUROPOL) -> None:
    """Write an acknowledgement as any client of *topic_of* could."""
    contract = hub_contract("Acknowledged")
    with codec_of(home) as codec:
        value = codec.writer(f"acks.{topic_of}-{contract.fullname}", contract.schema).encode(
            {"partner": topic_of, "step": "DELIVERED", "at": dt.datetime.now(dt.UTC)} | record
        )
    await append(Credentials.of(home, topic_of), f"acks.{topic_of}", [value])


def refusals(home: Home, partner: str) -> dict[str, int]:
    return {str(each["rule"]): int(str(each["count"])) for each in refused(home) if each["recipient"] == partner}


async def test_an_event_is_relayed_delivered_and_retrieved_each_told_once(home: Home) -> None:
    event = await relayed(home)
    wait_until(lambda: "relayed_at" in ladder(home, event.id), "it is relayed")
    assert ladder(home, event.id)["delivered_at"] is None
    async with Feed(Credentials.of(home, EUROPOL)) as feed:
        await feed.acknowledge([event])
        await feed.acknowledge([event])
    wait_until(lambda: ladder(home, event.id)["delivered_at"] is not None, "it is delivered")
    assert ladder(home, event.id)["finished_at"] is None
    answer = command(home, "feed-ack", EUROPOL, event.id, "--retrieved")
    assert answer.returncode == 0, answer.stderr
    wait_until(lambda: ladder(home, event.id)["finished_at"] is not None, "it is retrieved")
    wait_until(lambda: len(told(home, event.id)) == 3, "each step is told")
    assert told(home, event.id) == [("RELAYED", "REACHED"), ("DELIVERED", "REACHED"), ("RETRIEVED", "REACHED")]
    screen = command(home, "evidence", "show", event.id)
    assert screen.returncode == 0, screen.stderr
    for word in ("submitted", "accepted", "relayed", "delivered", "retrieved"):
        assert word in screen.stdout
    assert command(home, "evidence", "show", str(uuid.uuid4())).returncode != 0


async def test_the_acknowledgement_of_the_documentation_by_confluents_client_counts(home: Home) -> None:
    event = await relayed(home)
    wait_until(lambda: "relayed_at" in ladder(home, event.id), "it is relayed")
    (code,) = re.findall(r"<!-- test: acknowledge -->\n```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    lines = Credentials.of(home, EUROPOL).text("env").splitlines()
    variables = dict(shlex.split(line)[0].split("=", 1) for line in lines if not line.startswith("#"))
    call = f"\nacknowledge([({event.offset}, {event.id!r})], 'RETRIEVED')\n"
    how = {"env": {**os.environ, **variables}, "timeout": 60, "check": True}
    await asyncio.to_thread(subprocess.run, [sys.executable, "-c", code + call], **how)  # type: ignore[arg-type]
    wait_until(lambda: ladder(home, event.id)["finished_at"] is not None, "it is retrieved")


async def test_a_false_acknowledgement_moves_nothing_and_is_refused(home: Home) -> None:
    event, other = await relayed(home), await relayed(home)
    wait_until(lambda: ladder(home, other.id) != {}, "both are relayed")
    before, selec = refusals(home, EUROPOL), refusals(home, "selec")
    named = {"feed_offset": event.offset, "id": event.id}
    await say(home, {"partner": "selec", "records": [named]})
    await say(home, {"records": [{**named, "id": other.id}]})
    await say(home, {"records": [{**named, "feed_offset": other.offset + 1_000_000}]})
    await say(home, {"step": "APPLIED", "records": [named]})
    await say(home, {"records": [named]}, topic_of="selec")
    await append(Credentials.of(home, EUROPOL), "acks.europol", [b"no record at all"])

    def more(rule: str) -> int:
        return refusals(home, EUROPOL).get(rule, 0) - before.get(rule, 0)

    for rule in ("another-partner", "another-record", "beyond-the-end", "wrong-step", "unreadable"):
        wait_until(lambda rule=rule: more(rule) >= 1, f"{rule} is refused")  # type: ignore[misc]  # mypy loses the default
    wait_until(lambda: sum(refusals(home, "selec").values()) > sum(selec.values()), "the other partner's is refused")
    assert ladder(home, event.id)["delivered_at"] is None
    assert ladder(home, other.id)["delivered_at"] is None
    assert told(home, event.id) == [("RELAYED", "REACHED")]
    assert "another-record" in command(home, "evidence", "refused-acks").stdout


async def test_limits_that_have_passed_are_told_once_and_shown_as_overdue(home: Home) -> None:
    event = await relayed(home)
    wait_until(lambda: ladder(home, event.id) != {}, "it is relayed")
    past = now_in(home) - dt.timedelta(hours=1)
    rows(
        home,
        "UPDATE streams.delivery SET delivery_warn_at = %s, delivery_breach_at = %s, finish_warn_at = %s, "
        "finish_breach_at = %s WHERE id = %s AND recipient = 'europol'",
        past,
        past,
        past,
        past,
        event.id,
    )
    limits = [("DELIVERED", "WARNED"), ("DELIVERED", "OVERDUE"), ("RETRIEVED", "WARNED"), ("RETRIEVED", "OVERDUE")]
    wait_until(lambda: len(told(home, event.id)) >= 5, "all limits are told", 90)
    assert [each["id"] for each in overdue(home)[EUROPOL] if each["overdue"]].count(event.id) == 1
    assert command(home, "evidence", "overdue").stdout.count(event.id) <= 1
    async with workplace(home) as place, place.pool("hub_streams", 2) as pool:
        await clock_of(place, pool).look()  # once too often
    async with Feed(Credentials.of(home, EUROPOL)) as feed:
        await feed.acknowledge([event], Step.RETRIEVED)
    wait_until(lambda: len(told(home, event.id)) >= 7, "what comes late is told")
    found = told(home, event.id)
    assert sorted(found[1:5]) == sorted(limits)
    assert found[5:] == [("DELIVERED", "LATE"), ("RETRIEVED", "LATE")]
    assert event.id not in {each["id"] for each in overdue(home).get(EUROPOL, [])}


async def test_a_limit_that_was_taken_and_not_committed_is_taken_again_and_then_never_more(home: Home) -> None:
    moment = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)  # before anything else on this hub is due
    async with await psycopg.AsyncConnection.connect(home.dsn("hub_streams")) as connection:
        await connection.execute(
            "INSERT INTO streams.delivery (recipient, id, about, event_type, outcome, decided_at, delivery_warn_at, "
            "delivery_breach_at, finish_warn_at, finish_breach_at) "
            "VALUES ('nobody', %s, 'RECALL', 'Recalled', 'RELEASED', %s, %s, %s, %s, %s)",
            (uuid.uuid4(), moment, moment, moment, moment, moment),
        )
        async with connection.transaction(force_rollback=True):
            lost = await take_late(connection, moment)
        again = await take_late(connection, moment)
        assert lost == again
        assert [(each.step, each.outcome) for each in again] == [
            ("DELIVERED", "WARNED"),
            ("DELIVERED", "OVERDUE"),
            ("APPLIED", "WARNED"),
            ("APPLIED", "OVERDUE"),
        ]
        assert await take_late(connection, moment) == []
        await connection.rollback()
