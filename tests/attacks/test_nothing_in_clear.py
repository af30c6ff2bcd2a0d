"""A thief with the disks finds nothing: every byte that the hub keeps is searched for tokens planted in every text.

The topics `in.<agency>` hold what agencies sent in clear until it is truncated (design section 12.4): then they are
the positive control, together with the feeds of partners that may see the tokens; soon after they hold nothing.
"""

import contextlib
import json
import os
import re
import secrets
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx
import pytest

from connectors.feed import Feed
from infra.home import Home
from infra.topology.credentials import Credentials
from infra.topology.model import load_topology
from schemas.catalogue import contract, contracts
from schemas.derive import SEALED, NamedTypes, array_items, fields_of, privacy_of
from schemas.examples import example
from schemas.registry import AvroSchema
from tests.attacks.spellings import Search, batches
from tests.publishing import Agency, invented, people
from tests.running import ensure_worker, records, rows, tables_with, wait_until

pytestmark = pytest.mark.stack

SENDERS: dict[str, str] = {
    known.name: str(example(known.name)["envelope"]["agency"])  # type: ignore[index]  # JSON
    for known in contracts()
}
"""Every event type, published by the agency of its example."""
PERSONAL_FEEDS = {
    "ReferralOffered": "rs-counselling",
    "InvestigationOpened": "europol",
    "ExtraditionRequested": "europol",
    "ControlFinding": "bg-labour-inspectorate",
}
LEFT_OUT = {
    "InvestigationOpened": ("victims", "offences", "narrative"),
    "ExtraditionRequested": ("conditions", "narrative"),
    "ControlFinding": ("narrative",),
}
"""What a partner without need to know of victims does not get: them, and texts, which may speak of them."""
CHUNK_BYTES = 1 << 20
OVERLAP_BYTES = 256
REACHED = "SELECT partition, next_offset FROM streams.checkpoint WHERE processor = %s AND topic = 'ledger'"


class Tokens:
    """Texts that occur nowhere else: the mark of this run and a number."""

    def __init__(self) -> None:
        self.mark = str(10**19 + secrets.randbelow(10**19))  # digits: a reference may not hold a part of a name
        self.of: dict[str, list[str]] = {}
        self.arrived: set[str] = set()
        """Those that were seen on the disk before they were truncated."""

    def new(self, event_type: str) -> str:
        several = self.of.setdefault(event_type, [])
        several.append(f"{self.mark}{list(SENDERS).index(event_type):02}{len(several):03}")
        return several[-1]

    def in_bytes(self, content: bytes) -> set[str]:
        """Return the tokens in *content*."""
        return {found.decode() for found in re.findall(self.mark.encode() + rb"\d{5}", content)}

    @cached_property
    def search(self) -> Search:
        """What finds the mark in every spelling; nothing shorter than eight bytes: a disk holds many."""
        return Search({"mark": self.mark}, shortest=8)


def plant(event_type: str, event: dict[str, Any], tokens: Tokens) -> None:
    """Put a token into every free text of *event* that is sealed at rest, given in the example or not."""
    schema = contract(event_type).schema
    _plant(event_type, schema, event, tokens, NamedTypes(schema))


def _plant(event_type: str, schema: AvroSchema, value: dict[str, Any], tokens: Tokens, types: NamedTypes) -> None:
    for declared in fields_of(schema):
        name, kind = str(declared["name"]), str(privacy_of(declared)["class"])
        items = array_items(declared["type"])
        inner = types.record(items if items is not None else declared["type"])
        if inner is not None:
            several = value.get(name) if items is not None else [value[name]] if value.get(name) else []
            for each in several or ():
                _plant(event_type, inner, each, tokens, types)
        elif (kind in SEALED or kind == "ENTITY") and "codes" not in declared and _is_text(items or declared["type"]):
            token = tokens.new(event_type)
            value[name] = [token] if items is not None else token


def _is_text(declared: object) -> bool:
    return declared == "string" or (isinstance(declared, list) and "string" in declared)


def complete(event: dict[str, Any]) -> dict[str, Any]:
    """Return *event* with a document and a contact for each person that has none: these too hold texts.

    An establishment becomes a sole trader's, which is a person: the name of a company is in clear by design.
    """
    if "establishment" in event:
        trader = invented("ControlFinding", event["envelope"]["agency"])["establishment"]
        event["establishment"] |= {"legal_form": "SOLE_TRADER", "proprietor": trader["proprietor"]}
    for person in people(event):
        person["identity_documents"] = [{"kind": "PASSPORT", "number": "x", "issuing_country": "SRB"}]
        person["contacts"] = [{"kind": "PHONE", "value": "x"}]
    return event


def files_of(home: Home) -> Iterator[Path]:
    """Yield every file of the home."""
    for folder in {home.path, home.postgres_dir.resolve()}:
        for found, _, names in os.walk(folder):  # passes over what is deleted meanwhile, such as another test's topics
            yield from (path for name in names if (path := Path(found, name)).is_file())


def segments_of(home: Home, agency: str = "*") -> list[Path]:
    """Return the files of the topic of *agency*, by default of all agencies, those about to be deleted included."""
    return [path for path in home.kafka_dir.glob(f"data/in.{agency}-0*/*") if path.is_file()]


def content_of(files: list[Path]) -> bytes:
    """Return what is in *files*, but for those that are deleted meanwhile."""
    found = []
    for path in files:
        with contextlib.suppress(FileNotFoundError):
            found.append(path.read_bytes())
    return b"".join(found)


def holds(path: Path, search: Search) -> bool:
    """Whether the file at *path* holds a spelling, across the parts in which it is read and in compressed batches."""
    try:
        with path.open("rb") as file:
            rest = b""
            while part := file.read(CHUNK_BYTES):
                if search.finds(rest + part):
                    return True
                rest = part[-OVERLAP_BYTES:]
        return path.suffix == ".log" and "-" in path.parent.name and any(map(search.finds, batches(path.read_bytes())))
    except FileNotFoundError:  # a log of the database that was recycled meanwhile
        return False


def asked_of_access(home: Home, mark: str) -> bytes:
    """Return what the access server answers to somebody who puts *mark* wherever one can."""
    base = home.endpoints().access_url
    answers = []
    with httpx.Client(verify=home.ssl_context(), trust_env=False, timeout=30) as client:
        own = ("europol", home.password("europol"))
        for method, path, who in (
            *(
                ("GET", f"/{mark}", own),
                ("GET", f"/registry/subjects/{mark}/versions", own),
                ("GET", "/feed", (mark, mark)),
            ),
            *(("POST", f"/keys?{mark}", own), ("GET", f"/registry/{mark}", own), ("GET", "/feed", ("europol", mark))),
        ):
            answer = client.request(method, base + path, auth=who, json={"kids": mark}, headers={"X-Name": mark})
            answers.append(repr(answer.headers).encode() + answer.content)
    return b"".join(answers)


async def published(home: Home, tokens: Tokens) -> tuple[Mapping[str, str], Mapping[str, set[str]]]:
    """Publish a valid and several invalid events of each type, all full of tokens.

    Return of the valid ones the id and the tokens that the partner may see.
    """
    ids, visible = {}, {}
    for event_type, sender in SENDERS.items():
        async with Agency(home, sender) as agency:
            event = complete(invented(event_type, sender))
            plant(event_type, event, tokens)
            whole = agency.encode(event, event_type)
            left_out = LEFT_OUT.get(event_type, ())
            shown = {name: value for name, value in event.items() if name not in left_out}
            visible[event_type] = tokens.in_bytes(json.dumps(shown, default=str).encode())
            good = await agency.send(whole)
            again = await agency.send(whole)
            event["envelope"]["purpose"] = tokens.new(event_type)
            wrong_code = await agency.send(agency.encode(event, event_type))
            cut = await agency.send(whole[: len(whole) // 2])
            keyed = await agency.send(whole, key=tokens.mark.encode(), headers=[(tokens.mark, tokens.mark.encode())])
            answers = await agency.answers([good, again, wrong_code, cut, keyed])
            tokens.arrived |= tokens.in_bytes(content_of(segments_of(home, sender)))
        outcomes = [answers[offset].outcome for offset in (good, again, wrong_code, cut, keyed)]
        assert outcomes == ["ACCEPTED", "DUPLICATE", "REFUSED", "REFUSED", "DUPLICATE"], answers[good].problems
        ids[event_type] = str(answers[good].event_id)
    return ids, visible


async def on_feed(home: Home, partner: str, event_id: str) -> str | None:
    """Return the event *event_id* as *partner* reads it, as text; None while it is not there."""
    async with Feed(Credentials.of(home, partner)) as feed:
        async for event in feed.events(follow=False):
            if event.view is None:
                continue  # a recall, of a person whom another test erased
            if event.content["envelope"]["event_id"] == event_id:  # type: ignore[index]  # JSON
                return json.dumps(event.content)
    return None


async def test_no_byte_at_rest_holds_a_personal_text(home: Home) -> None:
    ensure_worker(home)
    tokens = Tokens()
    ids, visible = await published(home, tokens)
    wait_until(release_has_read(home), "release has decided about every event")

    for event_type, partner in PERSONAL_FEEDS.items():  # first: who may see the tokens sees them
        seen = await on_feed(home, partner, ids[event_type])
        assert seen is not None, f"{event_type} did not reach {partner}"
        assert visible[event_type]
        assert tokens.in_bytes(seen.encode()) == visible[event_type], f"{partner} and {event_type}"
    pseudonymous = await on_feed(home, "europol", ids["PersonIdentified"])
    assert pseudonymous is not None
    assert len(tokens.in_bytes(pseudonymous.encode())) < len(tokens.of["PersonIdentified"]) / 2

    assert tokens.arrived == {token for several in tokens.of.values() for token in several}
    wait_until(lambda: not any(holds(path, tokens.search) for path in segments_of(home)), "in.* is truncated", 90)

    assert not tokens.search.finds(asked_of_access(home, tokens.mark)), "no answer repeats what was asked"
    rows(home, "CHECKPOINT")
    searched = list(files_of(home))
    assert len([path for path in searched if path.parent.name.startswith("ledger-")]) >= 6, "the search sees segments"
    assert any(path.suffix == ".log" and path.parent == home.logs_dir for path in searched), "the search sees logs"
    assert [str(path) for path in searched if holds(path, tokens.search)] == []


async def test_no_record_and_no_row_holds_a_personal_text(home: Home) -> None:
    ensure_worker(home)
    tokens = Tokens()
    await published(home, tokens)
    wait_until(release_has_read(home), "release has decided about every event")
    for topic in load_topology().topics:  # through a client: a compressed batch would hide it from a search of files
        if not topic.name.startswith("in."):
            for stored in records(home, topic.name):
                content = (stored.key or b"") + (stored.value or b"")
                assert not tokens.search.finds(content), f"{topic.name} {stored.offset}"
    assert tables_with(home, tokens.mark) == []


def release_has_read(home: Home) -> Callable[[], bool]:
    """Return the question whether release has read all that the ledger holds now."""
    last = {stored.partition: stored.offset for stored in records(home, "ledger")}

    def asked() -> bool:
        reached = {int(number): int(offset) for number, offset in rows(home, REACHED, "release")}
        return all(reached.get(number, 0) > offset for number, offset in last.items())

    return asked
