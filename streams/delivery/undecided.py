"""Events that were accepted and that release has not decided about: parked, or to come. No ladder tells of them."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import cast

import psycopg
from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from infra.clock import now_in
from infra.home import Home
from infra.registry import registry_for
from infra.topology.clocks import ClocksFile, load_clocks
from infra.topology.credentials import Credentials
from schemas.codec import Codec, Record
from schemas.errors import UnavailableError

LISTED_MAX = 200
"""Of each partition: whoever is behind by more than this has one cause, not many."""
CALL_S = 10.0
AWAY = "the broker does not answer; `hub status` tells more"
_PLACES = (
    "SELECT s.partition, greatest(s.seen_offset, coalesce(c.next_offset, 0)) FROM streams.partition_state s "
    "LEFT JOIN streams.checkpoint c USING (processor, topic, partition) "
    "WHERE s.processor = 'release' AND s.topic = 'ledger' ORDER BY 1"
)
_PARKED = (
    "SELECT partition, \"offset\" FROM streams.parked WHERE processor = 'release' AND topic = 'ledger' "
    'ORDER BY parked_at, partition, "offset" LIMIT %s'
)


def undecided(home: Home, limits: ClocksFile | None = None) -> list[dict[str, object]]:
    """Return each event that should have been relayed by now, with how it stands; raises UnavailableError.

    Of one that no agreement speaks of, nobody will be decided about either: it is here until release has passed it.
    """
    parked, positions = _places(home)
    now, clocks = now_in(home), limits or load_clocks()
    registry = registry_for(home)
    codec, found = Codec(registry), list[dict[str, object]]()
    try:
        for (partition, offset), value in _records(home, parked, positions):
            codec.learn([value])
            read = codec.decode(value)
            envelope = cast("Record", read.record["envelope"])
            event_type = read.fullname.rsplit(".", 1)[-1]
            accepted_at = cast("dt.datetime", read.record["received_at"])
            limit = clocks.of(event_type).relay
            if now < limit.warn_at(accepted_at):
                continue
            found.append(
                {
                    "id": str(envelope["event_id"]),
                    "event_type": event_type,
                    "agency": str(envelope["agency"]),
                    "accepted_at": accepted_at,
                    "standing": "overdue" if now >= limit.breach_at(accepted_at) else "warned",
                    "why": "parked" if offset in parked.get(partition, ()) else "not decided yet",
                    "place": f"ledger-{partition}@{offset}",
                }
            )
    finally:
        registry.close()
    return sorted(found, key=lambda each: (cast("dt.datetime", each["accepted_at"]), str(each["id"])))


def _places(home: Home) -> tuple[Mapping[int, set[int]], Mapping[int, int]]:
    """Return the offsets that are parked, and how far release is, by partition of the ledger."""
    parked: dict[int, set[int]] = defaultdict(set)
    with psycopg.connect(home.dsn("hub_streams"), connect_timeout=3) as connection:
        for partition, offset in connection.execute(_PARKED, (LISTED_MAX,)).fetchall():
            parked[partition].add(offset)
        return parked, dict(connection.execute(_PLACES).fetchall())


def _records(
    home: Home, parked: Mapping[int, set[int]], positions: Mapping[int, int]
) -> Iterator[tuple[tuple[int, int], bytes]]:
    credentials = Credentials.of(home, "hub-admin")
    settings = {
        **credentials.librdkafka(),
        "group.id": f"{credentials.principal}.undecided",
        "enable.auto.commit": False,
        "enable.partition.eof": True,
        "isolation.level": "read_committed",
        "log_level": 0,
    }
    consumer = Consumer(settings)
    try:
        for partition, offsets in sorted(parked.items()):
            for offset in sorted(offsets):
                yield from _read(consumer, partition, offset, 1)
        for partition, position in sorted(positions.items()):
            yield from _read(consumer, partition, position, LISTED_MAX)
    except KafkaException:
        raise UnavailableError(AWAY) from None
    finally:
        consumer.close()


def _read(consumer: Consumer, partition: int, offset: int, count: int) -> Iterator[tuple[tuple[int, int], bytes]]:
    """Yield at most *count* records of the ledger's *partition*, from *offset* on."""
    consumer.assign([TopicPartition("ledger", partition, offset)])
    while count:
        message = consumer.poll(CALL_S)
        if message is None:
            raise UnavailableError(AWAY)  # not its end: who takes silence for it says that all is decided
        if (error := message.error()) is not None:
            if error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - librdkafka names it so
                return
            raise KafkaException(error)
        value = message.value()
        if value is not None:
            yield (partition, cast("int", message.offset())), value
        count -= 1
