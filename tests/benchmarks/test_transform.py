"""Every contender does the same work: the same bytes in, the same bytes out, whoever calls it and however."""

import dataclasses
import io
import json
from typing import Any, cast

import fastavro
import pytest

from benchmarks import _contend_aiokafka, _contend_confluent, _contend_ours, _workload
from benchmarks._contender import Span, Task
from benchmarks._transform import DERIVED, HEADER, ROUTES, Transform
from schemas.names import TopicName
from streams.pump.records import Inputs, SourceRecord, Transaction

COUNT = 25
NAMES = _workload.TYPES
SCHEMAS = _workload.schemas(NAMES, whole=False)
EVENTS = list(_workload.events(NAMES, COUNT, whole=False))
TASK = Task(
    name="test",
    source="in",
    routes={route: f"out.{route}" for route in ROUTES},
    partitions=6,
    events=COUNT,
    schemas=SCHEMAS,
    derived_id=9,
    secret="00" * 32,
    bootstrap="",
    user="",
    password="",
    ca_file="",
)
EXPECTED = [Transform(SCHEMAS, 9, bytes(32))(event) for event in EVENTS]
SENT = sorted((f"out.{route}", key, value) for route, key, value in EXPECTED)


class FakeProducer:
    """Takes what a contender sends, as confluent-kafka's does."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, bytes, bytes]] = []

    def produce(self, topic: str, value: bytes, key: bytes) -> None:
        self.sent.append((topic, key, value))

    def flush(self) -> int:
        return 0

    def commit(self, *, asynchronous: bool) -> None:
        assert not asynchronous


class FakeMessage:
    """A record as confluent-kafka gives it."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def value(self) -> bytes:
        return self._content

    def error(self) -> None:
        """Return nothing: it is a record."""


def decoded(value: bytes) -> dict[str, Any]:
    source = io.BytesIO(value)
    source.seek(HEADER.size)
    return cast("dict[str, Any]", fastavro.schemaless_reader(source, fastavro.parse_schema(DERIVED), None))


def test_a_task_that_went_through_json_gives_the_same_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps(dataclasses.asdict(TASK))))
    task = Task.given()
    transform = Transform(task.schemas, task.derived_id, bytes.fromhex(task.secret))
    assert [transform(event) for event in EVENTS] == EXPECTED


async def test_the_pumps_processor_gives_the_same_bytes() -> None:
    batch = [
        SourceRecord(topic=TopicName("in"), partition=0, offset=offset, key=None, value=event)
        for offset, event in enumerate(EVENTS)
    ]
    processor = _contend_ours.Bench(TASK, Span(), _contend_ours.clear(TASK))
    outputs = await processor.process(batch, cast("Inputs", None), cast("Transaction", None))
    assert sorted((output.topic, output.key or b"", output.value) for output in outputs) == SENT


def test_the_bare_confluent_loop_gives_the_same_bytes() -> None:
    loop = object.__new__(_contend_confluent.Loop)
    producer = FakeProducer()
    loop.__dict__.update(
        {
            "_task": TASK,
            "_transactions": False,
            "_transform": Transform(TASK.schemas, 9, bytes(32)),
            "_failed": [],
            "_producer": producer,
            "_consumer": producer,
        }
    )
    loop._process(cast("Any", [FakeMessage(event) for event in EVENTS]))
    assert sorted(producer.sent) == SENT


async def test_batches_of_the_bare_aiokafka_loop_hold_the_same_bytes() -> None:
    class Batch:
        """Holds two records and no more."""

        def __init__(self) -> None:
            self.held: list[tuple[bytes, bytes]] = []

        def append(self, *, key: bytes, value: bytes, timestamp: None) -> object:
            assert timestamp is None
            if len(self.held) == 2:
                return None
            self.held.append((key, value))
            return self

    class Producer:
        """Notes batches."""

        create_batch = Batch
        sent: list[tuple[bytes, bytes]] = []  # noqa: RUF012 - one test

        async def send_batch(self, batch: Batch, topic: str, *, partition: int) -> Batch:
            assert (topic, partition) == ("out", 3)
            self.sent += batch.held
            return batch

    pairs = [(key, value) for _, key, value in EXPECTED]
    await _contend_aiokafka.send(Producer(), ("out", 3), pairs)
    assert Producer.sent == pairs


def test_nothing_that_identifies_comes_out() -> None:
    whole = b"".join(value for *_, value in EXPECTED)
    for identifying in (b"Invented", b"P-", b"K-", b"O-10", b"INVENTED"):
        assert identifying in b"".join(EVENTS)
        assert identifying not in whole


def test_every_route_is_taken_and_every_event_keeps_its_id() -> None:
    assert {route for route, *_ in EXPECTED} == set(ROUTES)
    assert len({decoded(value)["event_id"] for *_, value in EXPECTED}) == COUNT


def test_ages_and_dates_are_on_their_ladders() -> None:
    for *_, value in EXPECTED:
        found = decoded(value)
        assert len(found["month"]) == len("2026-01")
        low, _, high = found["age"].partition("-")
        assert found["age"] in ("NOT_REPORTED", "85+") or int(high) - int(low) == 4


@pytest.mark.parametrize("whole", [False, True])
def test_an_event_has_some_four_hundred_bytes_and_is_the_same_each_time(whole: bool) -> None:
    first = list(_workload.events(NAMES, 50, whole=whole))
    assert first == list(_workload.events(NAMES, 50, whole=whole))
    assert 350 < sum(map(len, first)) / len(first) < 550
