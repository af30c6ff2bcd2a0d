"""A value that occurs nowhere else, in every personal field of every event type: no sink holds any spelling of one.

The positive controls: whoever may see them finds all, every spelling is found where it is, and builds of the hub that
leak on purpose are caught, each of them.
"""

import asyncio
import copy
import json
import random
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from connectors.feed_events import opened_content, sealed_event
from connectors.spool import Spool
from schemas.catalogue import contract, contracts
from schemas.derive import Channel, derive
from schemas.field_steps import persons
from schemas.opening import open_record
from schemas.validation import problems
from tests.attacks import access_bodies
from tests.attacks.canaries import Planter, complete
from tests.attacks.hub import (
    NOW,
    ORGANISATION,
    Hub,
    Sent,
    Sinks,
    agency_for,
    agreements_for,
    codec,
    every_text,
    logged,
    published,
)
from tests.attacks.leaks import LEAKS, leaking
from tests.attacks.spellings import Search, batches, spellings
from tests.attacks.test_noninterference import differences

NAMES = tuple(known.name for known in contracts())
UNTIL = "ConsentGiven.valid_to"
"""The one personal value that a topic holds in clear, and one topic alone: release has to know it (design 12.3)."""
PLANTED_LEAST = 300
"""So many fields of valid events take a value of their own; codes, and numbers that have to fit others, do not."""


@cache
def planted() -> tuple[Planter, dict[str, dict[str, Any]]]:
    """Return a valid event of every type, full of canaries, and who made them."""
    planter, events = Planter(1), {}
    for name in NAMES:
        event = complete(name, contract(name))
        agency = agency_for(name)
        event["envelope"] |= {"agency": str(agency)}
        if agreed := agreements_for(name, agency):
            event["envelope"] |= {"purpose": agreed[0].purposes[0], "legal_basis": [agreed[0].legal_bases[-1]]}
            event["envelope"] |= {"handling": "H0", "tlp": "AMBER"}
        if "to_agency" in event:
            event["to_agency"] = ORGANISATION
        assert not problems(event, contract(name), NOW)
        events[name] = planter.planted(contract(name), event, valid_at=NOW)
    return planter, events


def sent(events: dict[str, dict[str, Any]], token: str) -> list[Sent]:
    """Return *events* as they are sent, twice, under a key that names somebody, cut, and with mistakes of all kinds."""
    out = []
    for name, event in events.items():
        agency, value = agency_for(name), published(name, event)
        wrong = copy.deepcopy(event)
        wrong["envelope"] |= {"purpose": token, "on_behalf_of": token, "event_id": token, "agency": token}
        for person in persons(contract(name), wrong).values():
            person |= {"role": token, "group": token, "person_ref": person["full_name"] or token}
        out += [Sent(agency=agency, value=value, key=token.encode()), Sent(agency=agency, value=value)]
        out += [Sent(agency=agency, value=value[:-2]), Sent(agency=agency, value=value + token.encode())]
        out += [Sent(agency=agency, value=published(name, wrong)), Sent(agency=agency, value=token.encode())]
        reused = copy.deepcopy(event)
        reused["envelope"]["officer_ref"] = token
        out.append(Sent(agency=agency, value=published(name, reused)))
    return out


async def attacked(hub: Hub, events: dict[str, dict[str, Any]], token: str) -> Sinks:
    """Return what *hub* leaves behind of all *events*, and of asking its access server for *token*."""
    sinks = await hub.run(sent(events, token))
    with logged() as logs:
        answers = await access_bodies.bodies(hub, token)
    sinks.logs += logs.getvalue() + "".join(map(str, answers.values()))
    return sinks


def found_in(search: Search, sinks: Sinks) -> set[tuple[str, str]]:
    """Return where *search* found which canary."""
    return {(place, name) for place, content in every_text(sinks) for name, _ in search.found(content)}


async def test_no_sink_holds_any_spelling_of_a_personal_value() -> None:
    planter, events = planted()
    token = planter.token()
    search = Search(planter.made | {"token": token})

    sinks = await attacked(Hub(), events, token)

    assert len(sinks.on("ledger")) == len(NAMES)
    assert not sinks.parked
    assert found_in(search, sinks) <= {("value on control.consents", UNTIL)}


async def test_who_may_see_them_finds_every_canary() -> None:
    planter, events = planted()
    search = Search(planter.made)
    hub = Hub()
    sinks = await attacked(hub, events, "token")
    secrets = {kid: secret for kid, _, secret in hub.vault.data_keys.values()}

    opened = []
    for each in sinks.on("ledger"):
        record = codec().decode(each.value).record
        name = codec().decode(each.value).fullname.rsplit(".", 1)[-1]
        opened.append(open_record(contract(name), Channel.LEDGER, record, secrets.get))  # type: ignore[arg-type]
    assert len(planter.made) >= PLANTED_LEAST
    assert planter.made.keys() - search.names(str(json.dumps(each, default=str)).encode() for each in opened) == set()

    feeds = [sealed_event(codec(), each.value) for each in sinks.stored if each.topic.startswith("to.")]
    contents = {view: [] for view in (Channel.PERSONAL, Channel.PSEUDONYMOUS)}
    for feed in feeds:
        contents[feed.view].append(json.dumps(opened_content(feed, secrets.get), default=str).encode())  # type: ignore[arg-type]
    seen = {view: search.names(several) for view, several in contents.items()}
    assert any(name.endswith("full_name") for name in seen[Channel.PERSONAL])
    assert not any(
        name.endswith(("full_name", "number", "narrative", "person_ref")) for name in seen[Channel.PSEUDONYMOUS]
    )


def test_every_spelling_is_found_wherever_it_stands() -> None:
    planter, _ = planted()
    noise = random.Random(3).randbytes  # noqa: S311 - the same in every run
    for name, value in list(planter.made.items())[::7]:
        search = Search({name: value})
        for way, form in spellings(value):
            if len(form) >= 4:
                assert name in search.names([noise(50) + form + noise(50)]), f"{name} as {way}"


@pytest.mark.parametrize("codec_name", ["gzip", "snappy", "lz4", "zstd"])
def test_a_canary_in_a_compressed_batch_of_kafka_is_found(codec_name: str) -> None:
    from aiokafka.record.default_records import DefaultRecordBatchBuilder

    number = {"gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}[codec_name]
    token = Planter(5).token()
    builder = DefaultRecordBatchBuilder(
        magic=2, compression_type=number, is_transactional=0, producer_id=-1, producer_epoch=-1, base_sequence=-1,
        batch_size=1 << 20,
    )  # fmt: skip
    for offset in range(50):  # or it would not pay to compress them
        builder.append(offset, 0, None, token.encode() * 9, [])
    segment = bytes(builder.build())

    assert Search({"it": token}).names(batches(segment + segment)) == {"it"}
    assert len(list(batches(segment + segment + bytes(999)))) == 2


@pytest.mark.parametrize("way", LEAKS)
def test_a_build_that_leaks_is_caught(way: str) -> None:
    planter, events = planted()
    few = {name: events[name] for name in ("PersonIdentified", "ReferralOffered", "SuspectArrested")}
    build = leaking(LEAKS[way])
    search = Search(planter.made)
    sinks = asyncio.run(attacked(Hub(release=build, project=False), few, "token"))
    by_canaries = search.names(content for _, content in every_text(sinks))
    assert by_canaries or differs(few, build), "nobody saw it"


def differs(events: dict[str, dict[str, Any]], build: Any) -> bool:
    """Whether noninterference sees that *build* leaks, by the same events about somebody with another name."""
    other = copy.deepcopy(events)
    for name, event in other.items():
        for person in persons(contract(name), event).values():
            person["full_name"] = f"{person['full_name']}x"
    runs = [asyncio.run(Hub(release=build, project=False).run(sent(each, "token"))) for each in (events, other)]
    return bool(differences(*runs))


def test_the_spool_of_an_agency_holds_no_spelling_of_a_personal_value(tmp_path: Path) -> None:
    planter, events = planted()
    values = [published(name, event) for name, event in events.items()]
    spool = Spool(tmp_path / "spool", key_file=tmp_path / "spool.key", owner="rs-police")
    spool.open()
    try:
        spool.append(values)
    finally:
        spool.close()
    kept = [path for path in (tmp_path / "spool").rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in kept) > sum(map(len, values))
    search = Search(planter.made)
    assert search.names(values), "the search would find them"
    assert search.names(path.read_bytes() for path in kept) == set()
    assert derive(contract("PersonIdentified"), Channel.LEDGER).fullname.encode() not in b"".join(values)
