"""A ledger of sealed events for benchmarks, with the receipts and decisions that belong to them.

Some thousand different events are sealed for real; then they are repeated, every id in them changed alike, so that
persons, cases and answers still belong together.
"""

import datetime as dt
import itertools
import os
import re
import uuid
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from confluent_kafka import Producer

from connectors.scenario.stream import Scenario
from infra.home import Home
from infra.registry import registry_for
from infra.topology.credentials import Credentials
from infra.topology.model import load_topology
from schemas.catalogue import contract, hub_contract
from schemas.codec import Codec
from schemas.derive import Channel, derive
from schemas.field_steps import AGENCY, persons
from schemas.json_form import from_json
from schemas.names import KeyId
from schemas.sealing import DataKey, Sealing, seal

DIFFERENT = 4_000
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
                **credentials.librdkafka(),
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
