"""How many events a second go into all projections: live, as the worker folds them, and rebuilt from the beginning.

An event is one of the ledger, sealed, of the types and in the shares of `hub scenario`, with its receipt and the decisions
about it. Some thousand different ones are sealed for real; then they are repeated with other ids. For each size of the
ledger: the missing events are written, all projections are rebuilt (fold and switch), some more events are folded live
on top, and all projections are rebuilt again, this time compared with the live ones row by row.

It needs a hub without a worker, and one that nobody needs: its ledger is filled.
"""

import sys

sys.path.pop(0)  # this folder: the file is called like the room that it measures

import argparse
import asyncio
import datetime as dt
import itertools
import json
import os
import platform
import re
import resource
import signal
import subprocess
import time
import uuid
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from confluent_kafka import Producer

from connectors.scenario.stream import Scenario
from infra.home import Home
from infra.registry import registry_for
from infra.topology.credentials import Credentials
from infra.topology.model import load_topology
from infra.workplace import workplace
from projections import logs
from projections.runner import services
from schemas.catalogue import contract, hub_contract
from schemas.codec import Codec
from schemas.derive import Channel, derive
from schemas.field_steps import AGENCY, persons
from schemas.json_form import from_json
from schemas.names import KeyId
from schemas.sealing import DataKey, Sealing, seal

DIFFERENT = 4_000
LIVE_MAX = 30_000
"""Events folded live for each size."""
ID = re.compile(rb"[0-9a-f]{8}(?=-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})")
SPREAD = 2_654_435_761
NOW = dt.datetime(2026, 1, 5, 8, tzinfo=dt.UTC)


@dataclass(frozen=True, slots=True)
class Template:
    """One record, and where its ids begin."""

    topic: str
    key: bytes | None
    value: bytes
    places: tuple[tuple[int, int], ...]
    """Position of each id, and its first 32 bits."""

    def again(self, turn: int) -> tuple[str, int, bytes | None, bytes]:
        """Return topic, partition, key and value with other ids; the same ids in one turn stay the same."""
        mask = turn * SPREAD & 0xFFFFFFFF
        value = bytearray(self.value)
        for position, start in self.places:
            value[position : position + 8] = b"%08x" % (start ^ mask)
        if self.key is None:
            return self.topic, 0, None, bytes(value)
        key = b"%08x" % (int(self.key[:8], 16) ^ mask) + self.key[8:]
        return self.topic, zlib.crc32(key) % 6, key, bytes(value)


def templates(home: Home) -> list[list[Template]]:
    """Return each event with its receipts and decisions."""
    registry = registry_for(home)
    codec = Codec(registry)
    audiences = [str(partner.id) for partner in load_topology().partners]
    found = []
    for number, act in enumerate(itertools.islice(Scenario(seed=7).events(DIFFERENT * 2), DIFFERENT * 2)):
        if act.repeated or len(found) == DIFFERENT:
            continue
        name = str(act.event["event_type"])
        record, wrong = from_json(act.event, contract(name))
        if wrong:
            continue
        envelope: Any = record["envelope"]
        envelope |= {"agency": act.agency, "recorded_at": NOW}
        envelope.setdefault("event_id", str(uuid.uuid5(uuid.NAMESPACE_OID, f"event|{number}")))
        found.append(_records(codec, record, name, act.agency, number, audiences))
    registry.close()
    return found


def _records(
    codec: Codec, record: dict[str, Any], name: str, agency: str, number: int, audiences: list[str]
) -> list[Template]:
    event_id = record["envelope"]["event_id"]
    common = {"event_id": event_id, "event_type": name, "agency": agency}
    receipt = {**common, "received_at": NOW, "source_topic": f"in.{agency}", "source_partition": 0}
    problem = {"path": "$", "rule": "unknown-code", "advice": "Use one of the codes of the list."}
    out = [_ledger(codec, record, name, agency)]
    for outcome, share in (("ACCEPTED", 1), ("DUPLICATE", 25), ("REFUSED", 60)):
        if number % share == 0:
            answer = {**receipt, "outcome": outcome, "source_offset": number}
            answer["problems"] = [problem] if outcome == "REFUSED" else []
            out.append(_of_the_hub(codec, f"receipts.{agency}", "Receipt", answer))
    for turn in range(2 if number % 7 == 0 else 1):
        released = number % 2 == 0
        decision = {
            **common,
            "audience": audiences[(number + turn) % len(audiences)],
            "outcome": "RELEASED" if released else "WITHHELD",
            "view": "personal" if released else None,
            "agreement": "agreement" if released else None,
            "agreement_version": 1 if released else None,
            "reasons": ["agreed"] if released else ["no-consent", "agency-not-agreed"],
            "decided_at": NOW,
            "control_offset": 13,
            "ledger_partition": 0,
            "ledger_offset": number,
        }
        out.append(_of_the_hub(codec, "decisions", "Decision", decision))
    return out


def _ledger(codec: Codec, record: dict[str, Any], name: str, agency: str) -> Template:
    found = contract(name)
    derived = derive(found, Channel.LEDGER)
    keys = {AGENCY: DataKey(KeyId(str(_id("key", agency))), agency, os.urandom(32))}
    for path, person in persons(found, record).items():
        subject = str(_id("subject", agency, str(person.get("person_ref", path))))
        keys[path] = DataKey(KeyId(str(_id("key", subject))), subject, os.urandom(32))
    sealing = Sealing(
        event_id=record["envelope"]["event_id"], schema=derived.fullname, keys=keys, nonce=lambda: os.urandom(12)
    )
    sealed = seal(found, Channel.LEDGER, {**record, "received_at": NOW}, sealing)
    value = codec.writer(f"ledger-{derived.fullname}", derived.schema).encode(sealed)
    case = str(_id("case", agency, str(record["envelope"].get("case_ref"))))
    return _template("ledger", case.encode(), value)


def _of_the_hub(codec: Codec, topic: str, name: str, content: dict[str, Any]) -> Template:
    value = codec.writer(f"{topic}-hub.v1.{name}", hub_contract(name).schema).encode(content)
    return _template(topic, None, value)


def _template(topic: str, key: bytes | None, value: bytes) -> Template:
    return Template(topic, key, value, tuple((each.start(), int(each[0], 16)) for each in ID.finditer(value)))


def _id(*words: str) -> uuid.UUID:
    return uuid.uuid5(uuid.NAMESPACE_OID, "|".join(words))


class Ledger:
    """Fills the topics."""

    def __init__(self, home: Home) -> None:
        self._events = templates(home)
        self._next = self._all()
        self.written = 0
        self.records = 0
        credentials = Credentials.of(home, "hub-admin")
        self._producer = Producer(
            {
                "bootstrap.servers": credentials.bootstrap,
                "security.protocol": "SASL_SSL",
                "sasl.mechanism": "SCRAM-SHA-512",
                "sasl.username": credentials.principal,
                "sasl.password": credentials.password,
                "ssl.ca.location": str(credentials.ca_file),
                "enable.idempotence": True,
                "linger.ms": 20,
                "batch.size": 400_000,
                "queue.buffering.max.messages": 40_000,
            }
        )

    def write(self, total: int) -> None:
        """Write events until there are *total*."""
        while self.written < total:
            for topic, partition, key, value in next(self._next):
                while True:
                    try:
                        self._producer.produce(topic, value, key, partition)
                        break
                    except BufferError:
                        self._producer.poll(0.01)
                self.records += 1
            self.written += 1
            if self.written % 500 == 0:
                self._producer.poll(0)
        self._producer.flush()

    def _all(self) -> Iterator[list[tuple[str, int, bytes | None, bytes]]]:
        for turn in itertools.count(os.getpid() << 12):
            for event in self._events:
                yield [record.again(turn) for record in event]


def rebuilt(events: int) -> dict[str, Any]:
    """Rebuild all projections and return what that came to."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    done = subprocess.run(
        [str(Path(sys.executable).parent / "hub"), "projection", "rebuild", "--all", "--json"],
        capture_output=True,
        text=True,
        check=False,
    )
    took = time.perf_counter() - began
    assert done.returncode == 0, done.stderr + done.stdout
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    found = json.loads(done.stdout)
    assert {each["state"] for each in found["outcomes"]} == {"switched"}
    return {
        "took_s": round(took, 1),
        "events_per_s": round(events / took),
        "records_per_s": round(found["records"] / took),
        "builders_cpu_s": round(cpu, 1),
        "rows_compared": sum(table["rows"] for each in found["outcomes"] for table in each["compared"]),
    }


def folded_live(home: Home, ledger: Ledger, events: int) -> dict[str, Any]:
    """Write *events* more, let a worker's projections fold them, and return what that came to."""
    ledger.write(ledger.written + events)
    process = subprocess.Popen([sys.executable, __file__, "--live"], stdout=subprocess.DEVNULL)
    try:
        with psycopg.connect(home.dsn("hub_access"), autocommit=True) as connection:
            end = _end(home)
            first = began = None
            while True:
                rows = connection.execute(
                    "SELECT projection, sum(next_offset)::bigint FROM projections.checkpoint c WHERE (projection, topic,"
                    " partition, next_offset) IN (SELECT projection, topic, partition, max(next_offset) FROM"
                    " projections.checkpoint GROUP BY 1, 2, 3) GROUP BY 1, c.topic = 'never'"
                ).fetchall()
                now = time.perf_counter()
                reached = sum(int(offset) for _, offset in rows)
                if first is None or reached == first:
                    first, began = reached, now
                if reached >= end:
                    break
                time.sleep(0.05)
    finally:
        process.send_signal(signal.SIGTERM)
        _, _, used = os.wait4(process.pid, 0)
        process.returncode = 0
    assert began is not None
    took = now - began
    return {
        "events": events,
        "took_s": round(took, 1),
        "events_per_s": round(events / took),
        "cpu_us_per_event": round((used.ru_utime + used.ru_stime) / events * 1e6),
        "peak_memory_mb": round(used.ru_maxrss / 1024),
    }


def _end(home: Home) -> int:
    """Return the sum of what the checkpoints of all projections come to in the end."""
    from projections.catalogue import PROJECTIONS
    from projections.status import partitions_of

    topology = load_topology()
    places = [place for each in PROJECTIONS for place in partitions_of(each, topology)]
    bounds = logs.bounds(home, set(places))
    return sum(bounds[place][1] for place in places)


async def live() -> None:
    """Run the projections of a worker until SIGTERM."""
    async with workplace(Home.current()) as place:
        running = services(place)
        for service in running:
            await service.start()
        stop = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
        await stop.wait()
        for service in running:
            await service.stop()


def run(sizes: list[int], *, live_only: bool) -> dict[str, Any]:
    """Measure every size and return the figures."""
    home = Home.current()
    ledger = Ledger(home)
    results = {}
    for size in sizes:
        found: dict[str, Any] = {}
        more = min(LIVE_MAX, max(size - ledger.written, 0) // 2)
        began, before = time.perf_counter(), ledger.records
        ledger.write(size - more)
        found["written"] = {
            "took_s": round(time.perf_counter() - began, 1),
            "records_per_s": round((ledger.records - before) / (time.perf_counter() - began)),
        }
        if not live_only:
            found["rebuilt"] = rebuilt(size - more)
        found["live"] = folded_live(home, ledger, more if not live_only else size)
        if not live_only:
            found["rebuilt and compared"] = rebuilt(size)
        results[str(size)] = found
        print(json.dumps({size: found}), file=sys.stderr)
    return {
        "benchmark": "projections",
        "machine": {"cores": os.cpu_count(), "python": platform.python_version(), "load": os.getloadavg()[0]},
        "results": results,
    }


def main() -> None:
    """Run and print a table, or one object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one object")
    parser.add_argument("--events", default="10000,100000", help="sizes of the ledger, each after the one before")
    parser.add_argument("--live-only", action="store_true", help="no rebuild")
    parser.add_argument("--live", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.live:
        asyncio.run(live())
        return
    found = run([int(size) for size in given.events.split(",")], live_only=given.live_only)
    if given.json:
        print(json.dumps(found))
        return
    for size, several in found["results"].items():
        for what, row in several.items():
            print(f"{int(size):>10,}  {what:<22} " + "  ".join(f"{key} {value:,}" for key, value in row.items()))


if __name__ == "__main__":
    sys.exit(main())
