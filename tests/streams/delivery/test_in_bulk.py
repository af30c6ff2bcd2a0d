"""Acknowledgements in bulk: a partner that has caught up says 90 000 things in one batch, and the hub keeps up."""

import datetime as dt
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import psycopg
import pytest

from infra.home import Home
from infra.registry import registry_for
from infra.topology.clocks import load_clocks
from infra.topology.model import load_topology
from schemas.catalogue import hub_contract
from schemas.codec import Codec
from schemas.names import TopicName
from streams.delivery import processor
from streams.delivery.processor import LOOKS, DeliveryProcessor
from streams.pump.records import Inputs, Output, SourceRecord, Transaction
from streams.pump.supply import NO_CONTROL

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("deliveries")]
NOW = dt.datetime(2026, 3, 3, 8, tzinfo=dt.UTC)
INPUTS = Inputs(now=NOW, control=NO_CONTROL, nonce=bytes)
FIRST = 10**12
"""Offsets that no feed of a test reaches."""
ACKS, DECISIONS = TopicName("acks.europol"), TopicName("decisions")


@pytest.fixture
async def transaction(home: Home) -> AsyncIterator[Transaction]:
    """Yield a transaction of the streams that is taken back."""
    async with await psycopg.AsyncConnection.connect(home.dsn("hub_streams")) as connection:
        yield connection
        await connection.rollback()


@pytest.fixture
def codec(home: Home) -> Iterator[Codec]:
    registry = registry_for(home)
    yield Codec(registry)
    registry.close()


def source(codec: Codec, topic: TopicName, name: str, *contents: dict[str, object]) -> list[SourceRecord]:
    contract = hub_contract(name)
    writer = codec.writer(f"{topic}-{contract.fullname}", contract.schema)
    return [SourceRecord(topic, 0, offset, None, writer.encode(each)) for offset, each in enumerate(contents)]


def acknowledged(codec: Codec, *names: tuple[int, str], step: str = "DELIVERED") -> list[SourceRecord]:
    records = [{"feed_offset": offset, "id": each} for offset, each in names]
    return source(codec, ACKS, "Acknowledged", {"partner": "europol", "step": step, "at": NOW, "records": records})


def decision(event_id: str, outcome: str) -> dict[str, object]:
    return {
        "event_id": event_id,
        "event_type": "PersonIdentified",
        "agency": "rs-police",
        "audience": "europol",
        "outcome": outcome,
        "reasons": ["agreed", "a second"],
        "decided_at": NOW,
        "control_offset": 0,
        "ledger_partition": 0,
        "ledger_offset": 0,
    }


def delivery(codec: Codec) -> DeliveryProcessor:
    return DeliveryProcessor(topology=load_topology(), codec=codec, clocks=load_clocks())


async def on_the_feed(transaction: Transaction, ids: list[str]) -> list[tuple[int, str]]:
    await transaction.execute(
        "INSERT INTO streams.feed_record (recipient, feed_offset, id) "
        "SELECT 'europol', %s + o - 1, i FROM unnest(%s::uuid[]) WITH ORDINALITY AS n (i, o)",
        (FIRST, ids),
    )
    return [(FIRST + number, each) for number, each in enumerate(ids)]


def steps(codec: Codec, outputs: list[Output]) -> list[tuple[str, str]]:
    read = [codec.decode(each.value).record for each in outputs]
    return [(str(each["id"]), str(each["step"])) if "step" in each else ("", str(each["rule"])) for each in read]


@contextmanager
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Yield a list that grows by each statement."""
    statements: list[str] = []
    execute = psycopg.AsyncConnection.execute

    async def counting(self: Transaction, query: str, *rest: object) -> object:
        statements.append(query)
        return await execute(self, query, *rest)  # type: ignore[arg-type]  # passed on as it came

    with monkeypatch.context() as patch:
        patch.setattr(psycopg.AsyncConnection, "execute", counting)
        yield statements


async def test_more_acknowledgements_and_decisions_are_no_more_statements(
    codec: Codec, transaction: Transaction, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def statements_of(number: int) -> int:
        ids = [str(uuid.uuid4()) for _ in range(number)]
        feed = await on_the_feed(transaction, ids)
        wrong = [(offset, str(uuid.uuid4())) for offset, _ in feed]
        with counted(monkeypatch) as statements:
            decided = source(codec, DECISIONS, "Decision", *(decision(each, "RELEASED") for each in ids))
            outputs = [*await delivery(codec).process(decided, INPUTS, transaction)]
            outputs += await delivery(codec).process(acknowledged(codec, *feed, *wrong), INPUTS, transaction)
        told = steps(codec, outputs)
        assert told[: 2 * number] == [(each, step) for step in ("RELAYED", "DELIVERED") for each in ids]
        assert told[2 * number :] == [("", "another-record")] * number
        await transaction.rollback()
        return len(statements)

    assert await statements_of(200) == await statements_of(1)


async def test_what_is_too_much_for_one_transaction_waits_and_is_told_once(
    codec: Codec, transaction: Transaction, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processor, "JUDGED_MAX", 5)
    monkeypatch.setattr(processor, "PAGE", 2)
    ids = [str(uuid.uuid4()) for _ in range(12)]
    feed = await on_the_feed(transaction, ids)
    decided = source(codec, DECISIONS, "Decision", *(decision(each, "RELEASED") for each in ids))
    await delivery(codec).process(decided, INPUTS, transaction)
    outputs = [*await delivery(codec).process(acknowledged(codec, *feed), INPUTS, transaction)]
    assert len(outputs) == 5
    look = source(codec, LOOKS, "DeliveryClockLooked", {"waiting_until": 2**62, "feeds": []})
    while len(outputs) < 12:
        told = await delivery(codec).process(look, INPUTS, transaction)
        found = [each for each, (event_id, _) in zip(told, steps(codec, [*told]), strict=True) if event_id in ids]
        assert len(found) <= 5
        outputs += found
    assert steps(codec, outputs) == [(each, "DELIVERED") for each in ids]


async def test_what_is_said_before_its_feed_and_decision_are_read_counts_from_when_it_was_said(
    codec: Codec, transaction: Transaction
) -> None:
    event_id = str(uuid.uuid4())
    said = acknowledged(codec, (FIRST, event_id), step="RETRIEVED")
    assert not await delivery(codec).process([*said, *said], INPUTS, transaction)
    await on_the_feed(transaction, [event_id])
    later = Inputs(now=NOW + dt.timedelta(days=9), control=NO_CONTROL, nonce=bytes)
    twice = [decision(event_id, outcome) for outcome in ("WITHHELD", "RELEASED", "WITHHELD", "RELEASED")]
    outputs = await delivery(codec).process(source(codec, DECISIONS, "Decision", *twice), later, transaction)
    assert steps(codec, [*outputs]) == [(event_id, step) for step in ("RELAYED", "DELIVERED", "RETRIEVED")]
    row = await (
        await transaction.execute(
            "SELECT outcome, reasons, delivered_at, finished_at FROM streams.delivery WHERE id = %s", (event_id,)
        )
    ).fetchone()
    assert row == ("RELEASED", ["agreed", "a second"], NOW, NOW)
    left = await transaction.execute("SELECT FROM streams.acknowledgement_waiting WHERE id = %s", (event_id,))
    assert await left.fetchall() == []
