"""The chain in PostgreSQL: it moves with its batch or not at all, by one owner; it stops when a stamp is overdue."""

import datetime as dt
import uuid
from collections.abc import AsyncIterator

import psycopg
import pytest

from infra.evidence.chain import Head, beginning
from infra.home import Home
from schemas.names import TopicName
from streams.intake.chains import SqlChains, StampOverdueError
from streams.pump.positions import LostOwnershipError
from streams.pump.records import Transaction
from streams.pump.troubles import NOT_OF_THE_RECORD, trouble_of

pytestmark = pytest.mark.stack
HOUR = dt.timedelta(hours=1)


@pytest.fixture
async def transaction(home: Home) -> AsyncIterator[Transaction]:
    """Yield a transaction that is never committed."""
    async with await psycopg.AsyncConnection.connect(home.dsn("hub_streams")) as connection:
        yield connection
        await connection.rollback()


def topic() -> TopicName:
    return TopicName(f"in.test-{uuid.uuid4().hex[:8]}")


def after(head: Head) -> Head:
    return Head(
        position=head.position + 3, entry=bytes([7]) * 32, statements=head.statements + 1, statement=bytes([8]) * 32
    )


async def test_what_is_advanced_is_what_is_found(transaction: Transaction) -> None:
    chains, source = SqlChains(), topic()
    assert await chains.head(transaction, source, 0) is None
    first = beginning("a-hub", source, 0)
    await chains.advance(transaction, source, 0, first, after(first))
    assert await chains.head(transaction, source, 0) == after(first)
    assert await chains.head(transaction, source, 1) is None
    await chains.advance(transaction, source, 0, after(first), after(after(first)))
    assert await chains.head(transaction, source, 0) == after(after(first))


async def test_who_has_been_overtaken_writes_nothing(transaction: Transaction) -> None:
    chains, source = SqlChains(), topic()
    first = beginning("a-hub", source, 0)
    await chains.advance(transaction, source, 0, first, after(first))
    with pytest.raises(LostOwnershipError):
        await chains.advance(transaction, source, 0, after(after(first)), after(first))
    assert await chains.head(transaction, source, 0) == after(first)


async def test_the_chain_stops_when_its_stamp_is_overdue_and_only_then(transaction: Transaction) -> None:
    source = topic()
    first = beginning("a-hub", source, 0)
    await SqlChains().advance(transaction, source, 0, first, after(first))
    assert await SqlChains(HOUR).head(transaction, source, 0) == after(first)
    late = "UPDATE streams.chain SET unstamped_since = now() - interval '61 minutes' WHERE topic = %s"
    await transaction.execute(late, (source,))
    with pytest.raises(StampOverdueError):
        await SqlChains(HOUR).head(transaction, source, 0)
    assert await SqlChains(2 * HOUR).head(transaction, source, 0) == after(first)
    assert await SqlChains().head(transaction, source, 0) == after(first), "without an authority nothing is due"
    await SqlChains().advance(transaction, source, 0, after(first), after(after(first)))
    with pytest.raises(StampOverdueError):
        await SqlChains(HOUR).head(transaction, source, 0)  # what is new does not make the oldest any younger


def test_a_stamp_that_is_overdue_is_waited_for_and_no_record_is_blamed() -> None:
    error = StampOverdueError("late")
    trouble = trouble_of(error)
    assert isinstance(error, NOT_OF_THE_RECORD)
    assert trouble is not None
    assert (trouble.then, trouble.code) == ("wait", "timestamp-overdue")
