"""The SQL side of exactly-once: checkpoints by compare-and-set, and the outbox."""

from collections.abc import Sequence
from dataclasses import dataclass

from schemas.errors import MisuseError, UnavailableError
from schemas.names import TopicName
from streams.records import Output, Parked, Transaction


class LostOwnershipError(UnavailableError):
    """Another worker has advanced the checkpoint: this one is no longer the owner of the partition."""

    code = "lost-ownership"


class ContradictionError(MisuseError):
    """Checkpoint and committed offset cannot both be true; going on could lose or repeat events."""

    code = "checkpoint-contradiction"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One processor on one partition."""

    processor: str
    topic: TopicName
    partition: int

    @property
    def key(self) -> tuple[str, str, int]:
        """Return the primary key of the place in every table."""
        return (self.processor, self.topic, self.partition)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """Where a processor is on a partition, as SQL knows it."""

    first_offset: int
    next_offset: int


async def read(transaction: Transaction, place: Place) -> Checkpoint | None:
    """Return the checkpoint of *place*, locked until the transaction ends; None before the first start."""
    cursor = await transaction.execute(
        "SELECT first_offset, next_offset FROM streams.checkpoint "
        "WHERE processor = %s AND topic = %s AND partition = %s FOR UPDATE",
        place.key,
    )
    row = await cursor.fetchone()
    return None if row is None else Checkpoint(first_offset=int(str(row[0])), next_offset=int(str(row[1])))


async def begin(transaction: Transaction, place: Place, offset: int) -> None:
    """Record that *place* starts at *offset*."""
    cursor = await transaction.execute(
        "INSERT INTO streams.checkpoint (processor, topic, partition, first_offset, next_offset) "
        "VALUES (%s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
        (*place.key, offset, offset),
    )
    if cursor.rowcount != 1:
        raise LostOwnershipError("another worker has begun on the partition")


async def advance(transaction: Transaction, place: Place, seen: int, reached: int) -> None:
    """Move the checkpoint from *seen* to *reached*; raise LostOwnershipError when it is not at *seen*."""
    cursor = await transaction.execute(
        "UPDATE streams.checkpoint SET next_offset = %s, updated_at = now() "
        "WHERE processor = %s AND topic = %s AND partition = %s AND next_offset = %s",
        (reached, *place.key, seen),
    )
    if cursor.rowcount != 1:
        raise LostOwnershipError("another worker owns the partition now")


async def store_outbox(
    transaction: Transaction, place: Place, reached: int, outputs: Sequence[tuple[Output, int]]
) -> None:
    """Keep *outputs* (each with its target partition) until Kafka has them."""
    async with transaction.cursor() as cursor:
        copy = "COPY streams.outbox FROM STDIN"
        async with cursor.copy(copy) as rows:
            for position, (output, partition) in enumerate(outputs):
                await rows.write_row((*place.key, reached, position, output.topic, partition, output.key, output.value))


async def pending_outbox(transaction: Transaction, place: Place, committed: int) -> list[tuple[Output, int]]:
    """Return the outputs that SQL knows and Kafka, at offset *committed*, has not got yet; in order."""
    cursor = await transaction.execute(
        "SELECT target, target_partition, key, value FROM streams.outbox "
        "WHERE processor = %s AND topic = %s AND partition = %s AND next_offset > %s ORDER BY next_offset, position",
        (*place.key, committed),
    )
    rows = await cursor.fetchall()
    return [
        (
            Output(topic=TopicName(str(target)), key=_bytes(key), value=_bytes(value) or b""),
            int(str(partition)),
        )
        for target, partition, key, value in rows
    ]


async def clear_outbox(transaction: Transaction, place: Place, committed: int) -> None:
    """Forget the outputs that Kafka has committed, up to the offset *committed*."""
    await transaction.execute(
        "DELETE FROM streams.outbox WHERE processor = %s AND topic = %s AND partition = %s AND next_offset <= %s",
        (*place.key, committed),
    )


async def parked_keys(transaction: Transaction, place: Place) -> dict[bytes, int]:
    """Return the sequence keys of *place* that wait, each with the offset of the first record that is parked."""
    cursor = await transaction.execute(
        'SELECT sequence_key, min("offset") FROM streams.parked '
        "WHERE processor = %s AND topic = %s AND partition = %s GROUP BY sequence_key",
        place.key,
    )
    rows = await cursor.fetchall()
    return {found: int(str(first)) for key, first in rows if (found := _bytes(key)) is not None}


async def park(transaction: Transaction, place: Place, parked: Sequence[tuple[Parked, bytes]]) -> None:
    """Set *parked* records aside, each with its sequence key; the same record again changes nothing."""
    for record, key in parked:
        await transaction.execute(
            'INSERT INTO streams.parked (processor, topic, partition, "offset", sequence_key, code, advice) '
            "VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
            (*place.key, record.offset, key, record.code, record.advice),
        )


async def set_state(transaction: Transaction, place: Place, state: str, code: str = "", advice: str = "") -> None:
    """Say what happens on *place*, for `hub status`."""
    await transaction.execute(
        "INSERT INTO streams.partition_state (processor, topic, partition, state, code, advice) "
        "VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT (processor, topic, partition) "
        "DO UPDATE SET state = excluded.state, code = excluded.code, advice = excluded.advice, updated_at = now()",
        (*place.key, state, code, advice),
    )


async def set_seen(transaction: Transaction, place: Place, position: int) -> None:
    """Record that there was nothing to do on *place* before *position*."""
    await transaction.execute(
        "UPDATE streams.partition_state SET seen_offset = %s WHERE processor = %s AND topic = %s AND partition = %s",
        (position, *place.key),
    )


def resume_at(*, stored: Checkpoint | None, committed: int | None, beginning: int, end: int) -> int | None:
    """Return the SQL position to go on from, in a log from *beginning* to *end*; None for a first start.

    SQL commits first, so it may be ahead of Kafka but never behind it. Anything else means that a topic, a group or
    the database was replaced: raise ContradictionError rather than lose or repeat events.
    """
    if stored is None and committed is None:
        return None
    if stored is None:
        raise ContradictionError(
            "Kafka has a committed offset but the database has no checkpoint: was the database replaced? "
            "Restore it, or delete the consumer group if the topic is to be processed from its beginning"
        )
    if committed is None and stored.next_offset != stored.first_offset:
        raise ContradictionError(
            "the database has a checkpoint but Kafka has no committed offset: was the topic or the group replaced? "
            "Restore Kafka, or reset the checkpoint if the topic is to be processed from its beginning"
        )
    if committed is not None and stored.next_offset < committed:
        raise ContradictionError("the checkpoint is behind the committed offset: was an old database restored?")
    if stored.next_offset < beginning:
        raise ContradictionError("records between the checkpoint and the start of the log are gone: restore the topic")
    if max(stored.next_offset, committed or 0) > end:
        raise ContradictionError(
            "the log ends before the checkpoint: was the topic made anew? Restore it, or reset checkpoint and delete "
            "the consumer group if the topic is to be processed from its beginning"
        )
    return stored.next_offset


def _bytes(value: object) -> bytes | None:
    return bytes(value) if isinstance(value, bytes | memoryview) else None
