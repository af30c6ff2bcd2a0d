"""Topics of one run: made, filled, read back and deleted as `hub-admin`; nothing of them stays."""

import hashlib
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from confluent_kafka import Consumer, ConsumerGroupState, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from infra.home import Home

ADMIN = "hub-admin"
PUMP_GROUP = f"{ADMIN}.pump"
TIMEOUT_S = 30.0
READ_S_MAX = 60.0
QUEUE = 100_000


@dataclass(frozen=True, kw_only=True)
class Found:
    """What a contender has written, as a reader of committed records sees it."""

    count: int
    ids: str
    """SHA-256 over the sorted ids in the decoded records."""
    content: str
    """SHA-256 over the sorted bytes of the records."""


class Topics:
    """The topics of one run on the broker of *home*."""

    def __init__(self, home: Home, partitions: int) -> None:
        self._home = home
        self._partitions = partitions
        self.run = uuid.uuid4().hex[:8]
        self.connection: dict[str, Any] = {
            "bootstrap.servers": home.endpoints().bootstrap,
            "security.protocol": "SASL_SSL",
            "sasl.mechanism": "SCRAM-SHA-512",
            "sasl.username": ADMIN,
            "sasl.password": home.password(ADMIN),
            "ssl.ca.location": str(home.ca_file),
            "log_level": 0,
        }
        self._admin = AdminClient(self.connection)

    @contextmanager
    def made(self, names: Iterable[str]) -> Iterator[list[str]]:
        """Make a topic for each of *names* and delete it at the end; yield what they are called."""
        topics = [f"bench.{self.run}.{name}" for name in names]
        for future in self._admin.create_topics([NewTopic(name, self._partitions, 1) for name in topics]).values():
            future.result(TIMEOUT_S)
        try:
            yield topics
        finally:
            for future in self._admin.delete_topics(topics).values():
                future.result(TIMEOUT_S)

    def fill(self, topic: str, values: Iterable[bytes]) -> int:
        """Write *values* to the partitions of *topic* in turn and return how many there were."""
        producer = Producer(
            {
                **self.connection,
                "enable.idempotence": True,
                "linger.ms": 20,
                "queue.buffering.max.messages": QUEUE,
            }
        )
        failed: list[object] = []

        def told(error: object, _message: object) -> None:
            if error is not None:
                failed.append(error)

        count = 0
        for count, value in enumerate(values, 1):
            while len(producer) >= QUEUE - 1:
                producer.poll(0.01)
            producer.produce(topic, value, partition=count % self._partitions, on_delivery=told)
            producer.poll(0)
        producer.flush()
        assert not failed, failed[0]
        return count

    def read(self, topics: Sequence[str], expected: int, id_of: Callable[[bytes], str]) -> Found:
        """Return what *topics* hold: at least *expected* records, or what there is after a minute."""
        ids: list[str] = []
        digests: list[bytes] = []
        for value in self._values(topics, expected):
            ids.append(id_of(value))
            digests.append(hashlib.sha256(value).digest())
        return Found(
            count=len(ids),
            ids=hashlib.sha256("\n".join(sorted(ids)).encode()).hexdigest(),
            content=hashlib.sha256(b"".join(sorted(digests))).hexdigest(),
        )

    def _values(self, topics: Sequence[str], expected: int) -> Iterator[bytes]:
        """Yield every committed record; the end counts only after as many as are due, for a commit may be settling."""
        consumer = Consumer(
            {
                **self.connection,
                "group.id": f"{ADMIN}.bench.{self.run}",
                "enable.auto.commit": False,
                "enable.partition.eof": True,
                "isolation.level": "read_committed",
            }
        )
        places = {(topic, partition) for topic in topics for partition in range(self._partitions)}
        consumer.assign([TopicPartition(topic, partition, 0) for topic, partition in sorted(places)])
        open_places, count, deadline = set(places), 0, time.monotonic() + READ_S_MAX
        try:
            while (open_places or count < expected) and time.monotonic() < deadline:
                for message in consumer.consume(1000, timeout=0.2):
                    place = message.topic() or "", message.partition() or 0
                    if (error := message.error()) is None:
                        open_places.add(place)
                        count += 1
                        yield message.value() or b""
                    elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - librdkafka names it so
                        open_places.discard(place)
                    else:
                        raise KafkaException(error)
        finally:
            consumer.close()

    def forget(self, group: str) -> None:
        """Delete *group*, once it is empty, and the checkpoints of this run: the next contender begins at the start."""
        deadline = time.monotonic() + TIMEOUT_S
        while time.monotonic() < deadline:
            state = self._admin.describe_consumer_groups([group])[group].result(TIMEOUT_S).state
            if state in (ConsumerGroupState.EMPTY, ConsumerGroupState.DEAD):
                break
            time.sleep(0.2)
        try:
            self._admin.delete_consumer_groups([group])[group].result(TIMEOUT_S)
        except KafkaException as error:
            if error.args[0].code() != KafkaError.GROUP_ID_NOT_FOUND:
                raise
        with psycopg.connect(self._home.dsn(ADMIN.replace("-", "_"))) as connection:
            for table in ("checkpoint", "partition_state"):
                statement = f"DELETE FROM streams.{table} WHERE topic LIKE %s"  # noqa: S608 - names are ours
                connection.execute(statement.encode(), (f"bench.{self.run}.%",))
