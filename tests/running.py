"""A running hub as tests see it: workers to start and kill, records as a topic holds them, conditions to wait for."""

import fcntl
import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, TopicPartition

from infra.home import Home
from infra.stack import worker as background

ADMIN = "hub-admin"
WORKER = (sys.executable, "-P", "-m", "streams")
_SILENT = logging.getLogger("tests.running")
_SILENT.setLevel(logging.CRITICAL)  # a broker that is killed is what some tests are about


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """One record as the broker holds it."""

    partition: int
    offset: int
    key: bytes | None = field(repr=False)
    value: bytes | None = field(repr=False)
    written_ms: int


def ensure_worker(home: Home) -> None:
    """Let one worker run in the background of *home*, however many test processes ask at once."""
    with (home.run_dir / "test-worker.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        background.start(home)


def records(home: Home, topic: str, *, committed: bool = True) -> list[Stored]:
    """Return what *topic* holds now, in order within each partition, as a reader of committed records sees it."""
    found: list[Stored] = []
    read_on(home, {topic: {}}, lambda _topic, stored: found.append(stored), committed=committed)
    return found


def read_on(
    home: Home,
    positions: dict[str, dict[int, int]],
    take: Callable[[str, Stored], None],
    *,
    committed: bool = True,
) -> None:
    """Hand what the topics of *positions* hold beyond them to *take*, in order within each partition, and move them.

    A partition without a position is read from its beginning.
    """
    consumer = Consumer(
        {
            "bootstrap.servers": home.endpoints().bootstrap,
            "security.protocol": "SASL_SSL",
            "sasl.mechanism": "SCRAM-SHA-512",
            "sasl.username": ADMIN,
            "sasl.password": home.password(ADMIN),
            "ssl.ca.location": str(home.ca_file),
            "group.id": f"{ADMIN}.tests",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "auto.offset.reset": "error",
            "fetch.wait.max.ms": 50,
            "isolation.level": "read_committed" if committed else "read_uncommitted",
        },
        logger=_SILENT,
    )
    try:
        known = consumer.list_topics(timeout=20).topics
        places = [(topic, number) for topic in positions for number in known[topic].partitions]
        consumer.assign(
            [TopicPartition(topic, number, positions[topic].get(number, OFFSET_BEGINNING)) for topic, number in places]
        )
        _read_to_end(consumer, set(places), positions, take)
    finally:
        consumer.close()


def _read_to_end(
    consumer: Consumer,
    open_places: set[tuple[str, int]],
    positions: dict[str, dict[int, int]],
    take: Callable[[str, Stored], None],
) -> None:
    deadline = time.monotonic() + 60
    while open_places:
        for message in consumer.consume(500, timeout=0.1):
            topic, partition, error = message.topic(), message.partition(), message.error()
            if error is None:
                deadline = time.monotonic() + 60
                take(
                    topic,
                    Stored(
                        partition=partition,
                        offset=message.offset(),
                        key=message.key(),
                        value=message.value(),
                        written_ms=message.timestamp()[1],
                    ),
                )
                positions[topic][partition] = message.offset() + 1
            elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - librdkafka names it so
                open_places.discard((topic, partition))
            else:
                raise AssertionError(error.str())
        assert time.monotonic() < deadline, "the topics could not be read to their end"


def command(home: Home, *arguments: str, timeout_s: float = 180) -> subprocess.CompletedProcess[str]:
    """Run `hub` on *home* as an operator does, with *arguments*."""
    return subprocess.run(
        [str(Path(sys.executable).with_name("hub")), *arguments],
        env={**os.environ, "HUB_HOME": str(home.path), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )


def rows(home: Home, query: str, *arguments: object) -> list[tuple]:  # type: ignore[type-arg]  # of any shape
    """Return the rows of *query* as the owner of the database sees them, none for a command that gives none."""
    with psycopg.connect(home.dsn("hub_admin"), connect_timeout=5) as connection:
        answer = connection.execute(query, arguments)
        return answer.fetchall() if answer.description else []


def tables_with(home: Home, text: str) -> list[str]:
    """Return the tables of the hub's database that hold *text* somewhere, as text or as bytes."""
    own = "SELECT schemaname, tablename FROM pg_tables WHERE schemaname !~ '^(pg_|information_schema)'"
    found = []
    for schema, table in rows(home, own):
        query = (
            f'SELECT count(*) FROM {schema}."{table}" r '  # noqa: S608 - names are the database's own
            "WHERE strpos(r::text, %s) > 0 OR strpos(r::text, %s) > 0"
        )
        if rows(home, query, text, text.encode().hex()) != [(0,)]:
            found.append(f"{schema}.{table}")
    return found


def wait_until(condition: Callable[[], bool], what: str, seconds: float = 60) -> float:
    """Wait until *condition* holds and return how many seconds that took; fail with *what* when it never does."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < seconds, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.1)
    return time.monotonic() - began


class Worker:
    """A worker of *home* in a process of its own, to be killed at will; its log is *log*."""

    def __init__(
        self, home: Home, log: Path, command: Sequence[str] = WORKER, inherits: Collection[int] = (), **environment: str
    ) -> None:
        self.log = log
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                command,
                env={**os.environ, "HUB_HOME": str(home.path), **environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=inherits,
            )

    @property
    def runs(self) -> bool:
        """Whether it has not ended."""
        return self.process.poll() is None

    def kill(self) -> None:
        """End it with SIGKILL, as the system does with a process that takes too much memory."""
        self.process.kill()
        self.process.wait(10)

    def stop(self) -> None:
        """Ask it to end and wait until it has."""
        self.process.terminate()
        try:
            self.process.wait(120)
        except subprocess.TimeoutExpired:
            self.kill()

    def says(self, text: str) -> bool:
        """Whether its log holds *text*."""
        return text in self.log.read_text(errors="replace")


@contextmanager
def worker(home: Home, log: Path, **environment: str) -> Iterator[Worker]:
    """Run a worker while the block runs."""
    started = Worker(home, log, **environment)
    try:
        yield started
    finally:
        if started.runs:
            started.kill()
