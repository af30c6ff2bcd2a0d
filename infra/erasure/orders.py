"""The topic `control.subjects`: orders to erase a person, and their proofs, in order and for ever."""

import asyncio
import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from infra.kafka import append, consumer_for, let_go, whole
from infra.topology.credentials import Credentials
from schemas.catalogue import hub_contract
from schemas.codec import Codec, Record
from schemas.errors import MisuseError, RejectedError, UnavailableError
from schemas.names import SubjectId

SUBJECTS = "control.subjects"
TIMEOUT_S = 30.0


class OrdersUnavailableError(UnavailableError):
    """The topic of orders cannot be read or written now."""

    code = "erasure-orders-unavailable"


class OrderUnreadableError(MisuseError):
    """A record among the orders cannot be read: nobody knows whom it erases."""

    code = "erasure-order-unreadable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An order to erase a person."""

    erasure_id: str
    subject_ids: tuple[SubjectId, ...]
    reason: str
    requested_by: str
    approved_by: str
    ordered_at: dt.datetime

    @property
    def record(self) -> Record:
        """Return the order as the topic holds it."""
        return {
            "erasure_id": self.erasure_id,
            "subject_ids": list(self.subject_ids),
            "reason": self.reason,
            "requested_by": self.requested_by,
            "approved_by": self.approved_by,
            "ordered_at": self.ordered_at,
        }


def order_of(record: Record) -> Order:
    """Return the order in the *record* of a SubjectErased."""
    return Order(
        erasure_id=str(record["erasure_id"]),
        subject_ids=tuple(SubjectId(each) for each in cast("list[str]", record["subject_ids"])),
        reason=str(record["reason"]),
        requested_by=str(record["requested_by"]),
        approved_by=str(record["approved_by"]),
        ordered_at=cast("dt.datetime", record["ordered_at"]),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What the topic says up to its end."""

    orders: tuple[Order, ...]
    completed: frozenset[str]
    """Ids of erasures whose proof is there."""
    merges: tuple[tuple[SubjectId, SubjectId], ...] = ()
    """Ids that were declared to be one person's, the older first, in order."""


async def read(credentials: Credentials, codec: Codec) -> Told:
    """Return what the topic holds now; raise OrdersUnavailableError or OrderUnreadableError: then nothing starts."""
    consumer, source = consumer_for(credentials), TopicPartition(SUBJECTS, 0)
    orders, completed, merges = list[Order](), set[str](), list[tuple[SubjectId, SubjectId]]()
    try:
        async with asyncio.timeout(TIMEOUT_S):
            await consumer.start()
            async for _, records in whole(consumer, [source]):
                await codec.learn_aside([record.value for record in records])
                for record in records:
                    _take(codec, record.value, record.offset, orders, completed, merges)
    except (KafkaError, TimeoutError, OSError) as error:
        raise OrdersUnavailableError(f"the erasures cannot be read ({type(error).__name__}): nothing starts") from None
    finally:
        await let_go(consumer)
    return Told(orders=tuple(orders), completed=frozenset(completed), merges=tuple(merges))


def _take(
    codec: Codec,
    value: bytes | None,
    offset: int,
    orders: list[Order],
    completed: set[str],
    merges: list[tuple[SubjectId, SubjectId]],
) -> None:
    try:
        decoded = codec.decode(value)
        if decoded.fullname == hub_contract("SubjectErased").fullname:
            orders.append(order_of(decoded.record))
        elif decoded.fullname == hub_contract("SubjectsMerged").fullname:
            merges.append((SubjectId(str(decoded.record["older"])), SubjectId(str(decoded.record["younger"]))))
        else:
            completed.add(str(decoded.record["erasure_id"]))
    except (RejectedError, KeyError, ValueError, TypeError):
        raise OrderUnreadableError(
            f"{SUBJECTS} holds a record at offset {offset} that cannot be read: find out who wrote it"
        ) from None


async def write(credentials: Credentials, codec: Codec, name: str, records: Sequence[Record]) -> None:
    """Append *records* of the hub's contract *name*; raise OrdersUnavailableError unless all are acknowledged."""
    contract = hub_contract(name)
    writer = codec.writer(f"{SUBJECTS}-{contract.fullname}", contract.schema)
    try:
        await append(credentials, SUBJECTS, [writer.encode(record) for record in records])
    except (KafkaError, OSError) as error:
        raise OrdersUnavailableError(f"the erasure was not written ({type(error).__name__}): give it again") from None


async def ledger_ends(credentials: Credentials, partitions: int) -> tuple[int, ...]:
    """Return the end of each partition of the ledger now."""
    consumer = consumer_for(credentials)
    sources = [TopicPartition("ledger", number) for number in range(partitions)]
    try:
        async with asyncio.timeout(TIMEOUT_S):
            await consumer.start()
            ends = await consumer.end_offsets(sources)
    except (KafkaError, TimeoutError, OSError) as error:
        raise OrdersUnavailableError(f"the ledger does not answer ({type(error).__name__}): give it again") from None
    finally:
        await let_go(consumer)
    return tuple(ends[source] for source in sources)
