"""A projection of its own for a test: its tables are copies, its log is a topic that only the test writes."""

import asyncio
import dataclasses
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

import psycopg
from aiokafka import AIOKafkaProducer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic
from psycopg import sql
from psycopg_pool import AsyncConnectionPool

from infra.home import Home
from infra.kafka import consumer_for, producer_for
from infra.topology.credentials import Credentials
from infra.workplace import Workplace
from projections.partition import PartitionFold
from projections.projection import Countries, Event, Projection
from projections.rows import Row, Table
from schemas.catalogue import hub_contract
from schemas.codec import Codec
from tests.projections.events import COUNTRIES, NOW
from tests.running import ADMIN

SUBJECT = "receipts.rs-police-hub.v1.Receipt"


def receipt(codec: Codec, outcome: str, number: int) -> bytes:
    """Return a receipt in the wire format."""
    content = {
        "agency": "rs-police",
        "event_type": "PersonIdentified",
        "outcome": outcome,
        "received_at": NOW,
        "source_topic": "in.rs-police",
        "source_partition": 0,
        "source_offset": number,
        "problems": [],
    }
    return codec.writer(SUBJECT, hub_contract("Receipt").schema).encode(content)


@contextmanager
def scratch(home: Home, projection: Projection) -> Iterator[tuple[Projection, str]]:
    """Yield a copy of *projection* with tables of its own, and a topic of its own."""
    token = uuid.uuid4().hex[:12]
    renamed = {table: dataclasses.replace(table, name=f"t{token}_{table.name}") for table in projection.tables}

    def rows_of(event: Event, countries: Countries) -> Iterator[Row]:
        for row in projection.rows_of(event, countries):
            yield dataclasses.replace(row, table=renamed[row.table])

    copy = dataclasses.replace(projection, name=f"t{token}", tables=tuple(renamed.values()), sheets=(), rows_of=rows_of)
    topic = f"test-projections.{token}"
    admin = AdminClient(_settings(home))
    admin.create_topics([NewTopic(topic, 1, 1)])[topic].result(20)
    with psycopg.connect(home.dsn("hub_admin"), autocommit=True) as connection:
        for table, own in renamed.items():
            _run(connection, "CREATE TABLE projections.{} (LIKE projections.{} INCLUDING ALL)", own.name, table.name)
            _run(connection, "GRANT SELECT, INSERT, UPDATE, DELETE ON projections.{} TO hub_projections", own.name)
        try:
            yield copy, topic
        finally:
            admin.delete_topics([topic])[topic].result(20)
            for own in renamed.values():
                _run(connection, "DROP TABLE projections.{}", own.name)
            for kept in ("checkpoint", "partition_state"):
                query = sql.SQL("DELETE FROM projections.{} WHERE projection = %s").format(sql.Identifier(kept))
                connection.execute(query, (copy.name,))


@asynccontextmanager
async def folding(place: Workplace, projection: Projection, topic: str) -> AsyncIterator[asyncio.Task[None]]:
    """Run *projection* on *topic* while the block runs; leaving it cancels the fold wherever it is."""
    source = TopicPartition(topic, 0)
    consumer = consumer_for(place.credentials(ADMIN), read_committed=True)
    pool: AsyncConnectionPool = place.pool("hub_projections", 2)
    await pool.open()
    await consumer.start()
    consumer.assign([source])
    fold = PartitionFold(
        projection=projection,
        countries=COUNTRIES,
        consumer=consumer,
        source=source,
        pool=pool,
        codec=place.codec,
        runner_id=uuid.uuid4(),
    )
    task = asyncio.create_task(fold.run())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await consumer.stop()
        await pool.close()


@asynccontextmanager
async def writing(home: Home) -> AsyncIterator[AIOKafkaProducer]:
    """Yield a transactional producer, as the pump writes."""
    producer = producer_for(Credentials.of(home, ADMIN), transactional_id=f"hub.test.{uuid.uuid4()}")
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


async def write(producer: AIOKafkaProducer, topic: str, values: list[bytes], *, abort: bool = False) -> None:
    """Write *values* to *topic* in one transaction."""
    await producer.begin_transaction()
    for value in values:
        await producer.send(topic, value, partition=0)
    await producer.flush()
    await (producer.abort_transaction() if abort else producer.commit_transaction())


def held(home: Home, table: Table) -> dict[tuple[object, ...], tuple[object, ...]]:
    """Return the rows of *table* by key, in the order of its columns."""
    names = [column.name for column in (*table.keys, *table.values)]
    query = sql.SQL("SELECT {} FROM projections.{}").format(
        sql.SQL(", ").join(map(sql.Identifier, names)), sql.Identifier(table.name)
    )
    with psycopg.connect(home.dsn("hub_admin")) as connection:
        rows = connection.execute(query).fetchall()
    return {tuple(row[: len(table.keys)]): tuple(row[len(table.keys) :]) for row in rows}


def checkpoint(home: Home, projection: Projection) -> int | None:
    """Return the checkpoint of a scratch projection."""
    return _one(home, "SELECT next_offset FROM projections.checkpoint WHERE projection = %s", projection.name)


def state(home: Home, projection: Projection) -> str | None:
    """Return what a scratch projection says that it does."""
    return _one(home, "SELECT state FROM projections.partition_state WHERE projection = %s", projection.name)


async def until(condition: Callable[[], bool], what: str, seconds: float = 60) -> None:
    """Wait until *condition* holds."""
    deadline = time.monotonic() + seconds
    while not await asyncio.to_thread(condition):
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what}"
        await asyncio.sleep(0.05)


def _one(home: Home, query: str, name: str):  # type: ignore[no-untyped-def]  # noqa: ANN202 - a column of any type
    with psycopg.connect(home.dsn("hub_admin")) as connection:
        row = connection.execute(query.encode(), (name,)).fetchone()
    return None if row is None else row[0]


def _run(connection: "psycopg.Connection[tuple[object, ...]]", statement: str, *names: str) -> None:
    connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))  # type: ignore[arg-type]


def _settings(home: Home) -> dict[str, str]:
    return {
        "bootstrap.servers": home.endpoints().bootstrap,
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": ADMIN,
        "sasl.password": home.password(ADMIN),
        "ssl.ca.location": str(home.ca_file),
        "log_level": "0",
    }
