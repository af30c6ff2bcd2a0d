"""Who takes part in `pump.py`, and one run of one of them in a process of its own, its output verified."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import fastavro

from benchmarks._quix_environment import python as python_with_quixstreams
from benchmarks._sealing_work import CHANNEL, CONTRACT
from benchmarks._topics import ADMIN, PUMP_GROUP, Found, Topics
from benchmarks._transform import DERIVED, HEADER, ROUTES
from benchmarks._workload import DERIVED_ID
from infra.home import Home
from schemas.codec import parse
from schemas.derive import derive

FOLDER = Path(__file__).parent
SECRET = "62656e6368" * 6
EVENTS_PER_S_MIN = 300
START_S_MAX = 120


class WrongOutputError(Exception):
    """A contender has not written what the same events come to; its figure would be worth nothing."""


@dataclass(frozen=True, kw_only=True)
class Contender:
    """One way to do the work."""

    script: str
    argument: str = ""
    what: str
    group: str | None = None
    """Its consumer group where that cannot be chosen."""
    own_python: bool = False
    sealed: bool = False


CONTENDERS: Mapping[str, Contender] = {
    "ours": Contender(
        script="ours",
        argument="clear",
        group=PUMP_GROUP,
        what="the pump: exactly once, a transaction and a checkpoint a batch",
    ),
    "faust_send": Contender(script="faust", argument="send", what="stock Faust agent, await topic.send() one by one"),
    "faust_take": Contender(script="faust", argument="take", what="stock Faust agent, take(1000), sends gathered"),
    "aiokafka": Contender(script="aiokafka", what="bare aiokafka: getmany, send_batch, commit; at least once"),
    "confluent": Contender(script="confluent", what="bare confluent-kafka: consume, produce, commit; at least once"),
    "confluent_transactions": Contender(
        script="confluent", argument="transactions", what="the same with transactions: exactly once"
    ),
    "quixstreams": Contender(script="quixstreams", own_python=True, what="quixstreams application, at least once"),
    "ours_sealed": Contender(
        script="ours",
        argument="sealed",
        group=PUMP_GROUP,
        sealed=True,
        what="the pump, each personal field of a PersonIdentified sealed",
    ),
}


@dataclass(frozen=True, kw_only=True)
class Source:
    """A topic of events, written once for all."""

    topic: str
    events: int
    schemas: Mapping[int, Mapping[str, Any]]


def run(name: str, turn: int, source: Source, topics: Topics, home: Home, partitions: int) -> dict[str, float]:
    """Let the contender *name* process *source*; return what it measured once its output is verified."""
    contender = CONTENDERS[name]
    routes = ("sealed",) if contender.sealed else ROUTES
    with topics.made(f"{name}.{turn}.{route}" for route in routes) as made:
        task = {
            "name": f"{topics.run}.{name}.{turn}",
            "source": source.topic,
            "routes": dict(zip(routes, made, strict=True)),
            "partitions": partitions,
            "events": source.events,
            "schemas": source.schemas,
            "derived_id": DERIVED_ID,
            "secret": SECRET,
            "bootstrap": home.endpoints().bootstrap,
            "user": ADMIN,
            "password": home.password(ADMIN),
            "ca_file": str(home.ca_file),
        }
        try:
            answer = _process(contender, task)
        finally:
            topics.forget(contender.group or f"{ADMIN}.bench.{task['name']}")
        found = topics.read(made, source.events, _id_of(contender))
    if found.count != source.events:
        raise WrongOutputError(f"{name} has written {found.count} records for {source.events} events")
    _same(name, found if not contender.sealed else replace(found, content=""), sealed=contender.sealed)
    return answer


_digests: dict[bool, tuple[str, Found]] = {}
"""Of the first contender that was verified, by whether its output is sealed."""


def _same(name: str, found: Found, *, sealed: bool) -> None:
    """Raise WrongOutputError unless *found* is what everybody else has written."""
    first, expected = _digests.setdefault(sealed, (name, found))
    if found != expected:
        raise WrongOutputError(f"{name} and {first} have made different records of the same events")


def _process(contender: Contender, task: Mapping[str, Any]) -> dict[str, float]:
    program = str(python_with_quixstreams()) if contender.own_python else sys.executable
    command = [program, "-m", f"benchmarks._contend_{contender.script}", *filter(None, [contender.argument])]
    ended = subprocess.run(
        command,
        input=json.dumps(task),
        cwd=FOLDER.parent,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=START_S_MAX + task["events"] / EVENTS_PER_S_MIN,
        env={**os.environ, "PYTHONWARNINGS": "ignore"},  # quixstreams' libraries warn of each other
    )
    answer: dict[str, float] = json.loads(ended.stdout.splitlines()[-1])
    return answer


def _id_of(contender: Contender) -> Any:
    """Return what reads the id of the event that a record was made of."""
    parsed = parse(derive(CONTRACT, CHANNEL).schema) if contender.sealed else parse(DERIVED)

    def event_id(value: bytes) -> str:
        source = io.BytesIO(value)
        source.seek(HEADER.size)
        record: Any = fastavro.schemaless_reader(source, parsed, None)
        return str(record["envelope"]["event_id"] if contender.sealed else record["event_id"])

    return event_id
