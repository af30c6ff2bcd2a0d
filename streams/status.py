"""What the streams add to `hub status`: the worker, each processor's state and lag, parked records, closed tiers."""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import psycopg
from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from infra.home import Home
from infra.settings import settings
from infra.stack import worker
from infra.topology.credentials import Credentials
from infra.topology.model import Topology, load_topology
from schemas.errors import UnavailableError
from streams.parked.summary import shown_oldest
from streams.parked.tallies import Tally, tallies
from streams.presence import GONE_S

CALL_S = 5.0
GONE = (
    KafkaError.UNKNOWN_TOPIC_OR_PART,
    KafkaError._UNKNOWN_TOPIC,  # noqa: SLF001 - librdkafka names them so
    KafkaError._UNKNOWN_PARTITION,  # noqa: SLF001
)
UNKNOWN = {"state": "unknown: a server does not answer"}


@dataclass(frozen=True, slots=True, kw_only=True)
class PartitionStatus:
    """One processor on one partition, as the database knows it."""

    processor: str
    topic: str
    partition: int
    state: str
    code: str
    advice: str
    reached: int
    """Everything before this offset is done."""


def report(home: Home) -> dict[str, object]:
    """Return `worker`, `processors`, `parked`, `parked_oldest`, `evidence` and `anonymous` for the status of *home*."""
    topology = load_topology()
    running = worker.running(home)
    out: dict[str, object] = {
        "worker": {"state": "up" if running else "down", "pid": running.pid if running else None},
        "anonymous": _tiers(topology),
    }
    try:
        partitions, parked = _read(home)
        evidence = _evidence(home)
        ends = _ends(Credentials.of(home, "hub-admin", topology), partitions)
    except (psycopg.Error, KafkaException, OSError, UnavailableError):
        return out | {"streams": UNKNOWN}
    return out | {"processors": _processors(partitions, ends), **_parked(parked), "evidence": evidence}


def _parked(found: Sequence[Tally]) -> dict[str, object]:
    """Return how many records are parked at each processor, and since when the oldest is."""
    counts: dict[str, int] = {}
    for tally in found:
        counts[tally.processor] = counts.get(tally.processor, 0) + tally.records
    return {"parked": counts, "parked_oldest": shown_oldest(found)}


def _tiers(topology: Topology) -> dict[str, str]:
    """Return for each tier whether statistics leave through it."""
    closed = {"open": "open", "closed": "closed until cohort release exists: nothing can be written to it"}
    found = {topic.name: closed[topic.state] for topic in topology.topics if topic.name.startswith("anon.")}
    return {tier.id: found[name] for tier in topology.tiers for name in found if name == f"anon.{tier.id}"}


def _read(home: Home) -> tuple[list[PartitionStatus], list[Tally]]:
    with psycopg.connect(home.dsn("hub_streams"), connect_timeout=3) as connection:
        rows = connection.execute(
            "SELECT s.processor, s.topic, s.partition, "
            # What a worker said that is gone by now no longer holds.
            "CASE WHEN s.updated_at >= (SELECT min(started_at) FROM streams.worker WHERE seen_at > now() - %s) "
            "THEN s.state ELSE 'stopped' END, s.code, s.advice, "
            "greatest(s.seen_offset, coalesce(c.next_offset, 0)) FROM streams.partition_state s "
            "LEFT JOIN streams.checkpoint c USING (processor, topic, partition) ORDER BY 1, 2, 3",
            (dt.timedelta(seconds=GONE_S),),
        ).fetchall()
        parked = tallies(connection)
    return [
        PartitionStatus(
            processor=processor,
            topic=topic,
            partition=partition,
            state=state,
            code=code,
            advice=advice,
            reached=reached,
        )
        for processor, topic, partition, state, code, advice, reached in rows
    ], parked


def _evidence(home: Home) -> dict[str, object]:
    """Return how much was answered, and since when the oldest answer waits for a time-stamp, if any is to come."""
    with psycopg.connect(home.dsn("hub_streams"), connect_timeout=3) as connection:
        query = (
            "SELECT coalesce(sum(position), 0), coalesce(sum(statements), 0), min(unstamped_since) FROM streams.chain"
        )
        row = connection.execute(query).fetchone()
    answers, statements, since = row or (0, 0, None)
    waits = since if settings().timestamp_url is not None else None
    return {"answers": int(answers), "statements": int(statements), "unstamped_since": waits and waits.isoformat()}


def _ends(credentials: Credentials, partitions: Iterable[PartitionStatus]) -> dict[tuple[str, int], int]:
    """Return the end of the log of each partition that a processor reads."""
    consumer = Consumer(
        {
            **credentials.librdkafka(),
            "group.id": f"{credentials.principal}.status",
            "log_level": 0,
        }
    )
    try:
        sources = {(each.topic, each.partition) for each in partitions}
        return {place: _end(consumer, TopicPartition(*place)) for place in sorted(sources)}
    finally:
        consumer.close()


def _end(consumer: Consumer, place: TopicPartition) -> int:
    """Return the end of the log of *place*, 0 when its topic is gone: who reads it says so, and all else is told."""
    try:
        end: int = consumer.get_watermark_offsets(place, timeout=CALL_S)[1]
    except KafkaException as error:
        if error.args[0].code() not in GONE:
            raise
        return 0
    return end


def _processors(
    partitions: Iterable[PartitionStatus], ends: dict[tuple[str, int], int]
) -> dict[str, dict[str, object]]:
    out: dict[str, dict[str, object]] = {}
    for each in partitions:
        own = out.setdefault(each.processor, {"state": "running", "lag": 0, "troubles": []})
        lag = max(0, ends[each.topic, each.partition] - each.reached)
        own["lag"] = int(str(own["lag"])) + lag
        if each.state != "running":
            own["state"] = "halted" if "halted" in (each.state, own["state"]) else each.state
            troubles = own["troubles"]
            assert isinstance(troubles, list)
            troubles.append(
                {"topic": each.topic, "partition": each.partition, "code": each.code, "advice": each.advice}
            )
    return out
