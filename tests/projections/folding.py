"""A projection of its own for a test: its tables are copies, its log is a topic that only the test writes."""

import asyncio
import dataclasses
import re
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
from infra.topology.model import load_topology
from infra.workplace import Workplace
from projections import generations
from projections.partition import PartitionFold
from projections.projection import Countries, Event, Projection
from projections.rebuild import Workshop, workshop
from projections.rows import Row, Table
from projections.switching import lead_to
from schemas.catalogue import hub_contract
from schemas.codec import Codec
from schemas.names import TopicName
from tests.projections.events import COUNTRIES, NOW
from tests.running import ADMIN

Scratch = tuple[Projection, str]
"""A projection of a test and the topic that it reads."""
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
    """Yield a copy of *projection* with tables of its own, one live generation of it, and a topic of its own."""
    token = uuid.uuid4().hex[:12]
    prefix = f"t{token}_"
    definition = re.sub(rf"\b{projection.name}_", prefix, projection.definition)
    renamed = {t: dataclasses.replace(t, name=prefix + t.name.partition("_")[2]) for t in projection.tables}

    def rows_of(event: Event, countries: Countries) -> Iterator[Row]:
        for row in projection.rows_of(event, countries):
            yield row._replace(table=renamed[row.table])

    topic = f"test-projections.{token}"
    copy = dataclasses.replace(
        projection,
        name=f"t{token}",
        definition=definition,
        families=(topic,),
        tables=tuple(renamed.values()),
        sheets=(),
        rows_of=rows_of,
    )
    admin = AdminClient(_settings(home))
    admin.create_topics([NewTopic(topic, 1, 1)])[topic].result(20)
    with generations.owner_of(home) as connection:
        lead_to(connection, generations.create(connection, copy, "live"), None)
        try:
            yield copy, topic
        finally:
            admin.delete_topics([topic])[topic].result(20)
            for (view,) in connection.execute(
                "SELECT viewname FROM pg_views WHERE schemaname = 'projections' AND viewname LIKE %s", (f"{prefix}%",)
            ).fetchall():
                connection.execute(sql.SQL("DROP VIEW projections.{}").format(sql.Identifier(view)))
            for each in generations.generations(connection, copy.name):
                generations.drop(connection, each)


@contextmanager
def building(home: Home, projection: Projection, topic: str) -> Iterator[Workshop]:
    """Yield a workshop for a scratch projection."""
    known = load_topology()
    ledger = next(each for each in known.topics if each.name == "ledger")
    own = dataclasses.replace(ledger, name=TopicName(topic), family=topic, partitions=1)
    topology = dataclasses.replace(known, topics=(*known.topics, own))
    with workshop(
        home,
        [projection],
        lambda _doing, _done, _total: None,
        processes=1,
        topology=topology,
        principal=ADMIN,
        find=lambda _name: projection,
    ) as made:
        yield made


def states(home: Home, projection: Projection) -> dict[int, str]:
    """Return the state of each generation by number."""
    with generations.owner_of(home) as connection:
        return {each.number: each.state for each in generations.generations(connection, projection.name)}


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


def held(home: Home, table: Table, schema: str = "projections") -> dict[tuple[object, ...], tuple[object, ...]]:
    """Return the rows of *table* by key, in the order of its columns."""
    names = [column.name for column in (*table.keys, *table.values)]
    query = sql.SQL("SELECT {} FROM {}").format(
        sql.SQL(", ").join(map(sql.Identifier, names)), sql.Identifier(schema, table.name)
    )
    with psycopg.connect(home.dsn("hub_admin")) as connection:
        rows = connection.execute(query).fetchall()
    return {tuple(row[: len(table.keys)]): tuple(row[len(table.keys) :]) for row in rows}


def checkpoint(home: Home, projection: Projection) -> int | None:
    """Return the checkpoint of the live generation of a scratch projection."""
    query = (
        "SELECT next_offset FROM projections.checkpoint JOIN projections.generation g USING (projection, generation) "
        "WHERE projection = %s AND g.state = 'live'"
    )
    return _one(home, query, projection.name)


def state(home: Home, projection: Projection) -> str | None:
    """Return what a scratch projection says that its live generation does."""
    query = (
        "SELECT s.state FROM projections.partition_state s "
        "JOIN projections.generation g USING (projection, generation) "
        "WHERE projection = %s AND g.state = 'live'"
    )
    return _one(home, query, projection.name)


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
