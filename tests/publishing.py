"""Agencies as tests play them: invented events of every type, sent as any client could, and the answers to them."""

import copy
import datetime as dt
import uuid
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cache
from types import TracebackType
from typing import Any, Self

from aiokafka import AIOKafkaProducer

from connectors.access import Access
from connectors.event_ids import new_event_id
from connectors.receipts import Receipt, Receipts
from infra.home import Home
from infra.kafka import producer_for
from infra.signing.signer import Signer, signed_event
from infra.topology.credentials import Credentials
from infra.topology.model import load_topology
from schemas.catalogue import contract
from schemas.codec import Codec
from schemas.examples import example
from schemas.json_form import from_json
from schemas.names import TopicName

ANSWER_S = 60.0


def invented(name: str, agency: str, **changes: object) -> dict[str, Any]:
    """Return a valid record of the event type *name* by *agency* with an id and references of its own.

    *changes* are values by path, with two underscores for each dot: `person__full_name="…"`.
    """
    record, wrong = from_json(example(name), contract(name))
    assert not wrong
    event: dict[str, Any] = copy.deepcopy(record)
    token = uuid.uuid4().hex[:12]
    event["envelope"] |= {"event_id": new_event_id(), "agency": agency, "case_ref": f"K-{token}"}
    if "referral_id" in event:
        event["referral_id"] = str(uuid.uuid4())
    for path, value in changes.items():
        put(event, path.replace("__", "."), value)
    return event


@cache
def _topic_of(name: str) -> str:
    """Return a topic that has the schema of the event type *name*; a schema has the same id on all topics."""
    topology = load_topology()
    return next(f"in.{agency.id}" for agency in topology.agencies if name in topology.permitted(agency.id))


def put(event: dict[str, Any], path: str, value: object) -> None:
    """Set the field at *path* of *event*; a number in the path counts in a list."""
    *above, last = path.split(".")
    holder: Any = event
    for step in above:
        holder = holder[int(step)] if step.isdigit() else holder[step]
    holder[int(last) if last.isdigit() else last] = value


def people(value: object) -> Iterator[dict[str, Any]]:
    """Yield every person in *value*, wherever."""
    if isinstance(value, dict):
        if "person_ref" in value:
            yield value
        for inner in value.values():
            yield from people(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from people(inner)


def now() -> dt.datetime:
    """Return the time in UTC in whole milliseconds, as an event carries it."""
    moment = dt.datetime.now(dt.UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


class Agency:
    """A client of one agency that checks nothing: it signs and sends whatever bytes a test gives it."""

    def __init__(self, home: Home, name: str, *, compression: str | None = None) -> None:
        self.name = name
        self.topic = f"in.{name}"
        self.credentials = Credentials.of(home, name)
        self._producer: AIOKafkaProducer = producer_for(self.credentials, linger_ms=5, compression=compression)
        self._receipts = Receipts(self.credentials)
        self._access = Access(self.credentials)
        self.codec = Codec(self._access.registry())
        assert self.credentials.signing_key_file is not None, "`hub up` makes a key for each agency"
        self.signer = Signer.of(self.credentials.signing_key_file)

    async def __aenter__(self) -> Self:
        await self._receipts.__aenter__()
        await self._producer.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._producer.stop()
        await self._receipts.__aexit__(kind, error, trace)
        self._access.close()

    def encode(self, event: Mapping[str, Any], name: str = "PersonIdentified") -> bytes:
        """Return *event* in the wire format of the event type *name*, valid or not."""
        found = contract(name)
        return self.codec.writer(f"{_topic_of(name)}-{found.fullname}", found.schema).encode(event)

    def event(self, name: str = "PersonIdentified", **changes: object) -> bytes:
        """Return the bytes of an invented event of this agency."""
        return self.encode(invented(name, self.name, **changes), name)

    def signed(self, value: bytes, topic: str | None = None, signer: Signer | None = None) -> bytes:
        """Return *value* signed with the key of the agency, for its topic, unless the test names others."""
        record = (signer or self.signer).event(TopicName(topic or self.topic), value)
        return self.wrapped(record)

    def wrapped(self, record: Mapping[str, object]) -> bytes:
        """Return *record*, the content of a signed event, in the wire format."""
        return self.codec.writer(f"{self.topic}-{signed_event().fullname}", signed_event().schema).encode(record)

    async def send(
        self, value: bytes | None, key: bytes | None = None, headers: Sequence[tuple[str, bytes]] = ()
    ) -> int:
        """Sign *value*, send it and return its offset."""
        return await self.send_as_it_is(None if value is None else self.signed(value), key, headers)

    async def send_as_it_is(
        self, value: bytes | None, key: bytes | None = None, headers: Sequence[tuple[str, bytes]] = ()
    ) -> int:
        """Send *value* without a signature and return its offset."""
        placed = await self._producer.send_and_wait(self.topic, value, key=key, headers=list(headers))
        return int(placed.offset)

    async def send_all(self, values: Sequence[bytes]) -> list[int]:
        """Sign *values*, send them in order, many in flight, and return their offsets."""
        futures = [await self._producer.send(self.topic, self.signed(value)) for value in values]
        return [(await future).offset for future in futures]

    async def answers(self, offsets: Collection[int], timeout_s: float = ANSWER_S) -> dict[int, Receipt]:
        """Return the receipt of each record at *offsets*."""
        return {receipt.source_offset: receipt async for receipt in self._receipts.until(offsets, timeout_s)}
