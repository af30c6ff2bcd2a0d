"""One agency's way to its topic: batches, in order, each acknowledged before the next one leaves."""

import asyncio
from collections.abc import Sequence

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError, TopicAuthorizationFailedError

from connectors.access import AccessRefusedError
from connectors.arrival import Sealer
from connectors.placing import PublishForbiddenError, PublishUnavailableError
from connectors.signing import EventSigner
from infra.kafka import discard, producer_for
from infra.topology.credentials import Credentials
from schemas.codec import SchemaNotRegisteredError
from schemas.errors import InvalidEventError, Problem, UnavailableError
from schemas.names import TopicName

PARTITION = 0
"""A topic of an agency has one: what was published first is read first."""
EVENT_BYTES_MAX = 1_000_000
NOT_FOR_THIS_AGENCY = Problem(
    "event_type",
    "event-type-not-permitted",
    "the topic of this agency takes no such events: an agency of its kind does not publish them "
    "(`hub topology show`), or the hub has another version of the language; ask its operator",
)
TOO_LARGE = Problem(
    "$",
    "too-large",
    f"an event has at most {EVENT_BYTES_MAX} bytes; shorten its texts, or send several events",
)


class Link:
    """A connection that the first error breaks for good; `connect`, or the next `deliver`, makes a new one.

    An idempotent producer of aiokafka goes on failing after some errors, and retries for ever after others: who
    waits longer than *patience_s* hears that the broker is away. With a *signer* nothing leaves unsigned, with a
    *sealer* nothing in clear: the signature is inside the seal.
    """

    def __init__(
        self,
        credentials: Credentials,
        topic: TopicName,
        *,
        patience_s: float,
        signer: EventSigner | None = None,
        sealer: Sealer | None = None,
    ) -> None:
        self.topic = topic
        self._signer = signer
        self._sealer = sealer
        self._credentials = credentials
        self._patience_s = patience_s
        self._producer: AIOKafkaProducer | None = None

    @property
    def is_up(self) -> bool:
        """Whether there is a connection that no error has broken."""
        return self._producer is not None

    async def connect(self) -> None:
        """Connect; raise PublishUnavailableError when the broker does not let us in."""
        producer = producer_for(self._credentials)
        try:
            async with asyncio.timeout(self._patience_s):
                await producer.start()
        except (KafkaError, OSError) as error:
            await discard(producer)
            raise PublishUnavailableError(f"the broker does not let us in ({type(error).__name__})") from None
        except BaseException:
            await discard(producer)
            raise
        self._producer = producer
        await self._ready()

    async def deliver(self, values: Sequence[bytes]) -> range:
        """Send as many of the first *values* as one batch takes; return their offsets once they are there for good.

        Raises PublishUnavailableError, PublishForbiddenError, and InvalidEventError when the first one is too large.
        """
        if self._producer is None:
            await self.connect()
        assert self._producer is not None
        await self._ready()
        sign = _as_it_is if self._signer is None else self._signer.sign
        seal = _as_it_is if self._sealer is None else self._sealer.seal
        batch = self._producer.create_batch()
        for value in values:
            if batch.append(key=None, value=seal(sign(value)), timestamp=None) is None:
                break
        batch.close()
        count = batch.record_count()
        try:
            async with asyncio.timeout(self._patience_s):
                placed = await (await self._producer.send_batch(batch, self.topic, partition=PARTITION))
        except MessageSizeTooLargeError:
            await self._break()
            if count > 1:  # the broker's limit may be lower than that of our batches
                return await self.deliver(values[: count // 2])
            raise InvalidEventError([TOO_LARGE]) from None
        except TopicAuthorizationFailedError:
            await self._break()
            principal = self._credentials.principal
            raise PublishForbiddenError(f"{principal} may not write to {self.topic}") from None
        except (KafkaError, TimeoutError) as error:
            await self._break()
            raise PublishUnavailableError(f"the broker did not take the event ({type(error).__name__})") from None
        except BaseException:
            await self._break()
            raise
        return range(placed.offset, placed.offset + count)

    async def _ready(self) -> None:
        """Have what signing needs and a key of the hub to seal to; raise PublishUnavailableError when it gives none."""
        waiting = [each for each in (self._signer, self._sealer) if each is not None and not each.is_ready]
        if not waiting:
            return
        principal = self._credentials.principal
        try:
            for each in waiting:
                await asyncio.to_thread(each.prepare)
        except BaseException as error:
            await self._break()
            if isinstance(error, UnavailableError):
                said = f"no way to sign and seal, and nothing leaves in clear: {error}"
                raise PublishUnavailableError(said) from None
            if isinstance(error, SchemaNotRegisteredError | AccessRefusedError):
                raise PublishForbiddenError(f"{principal} may not write to {self.topic}: {error}") from None
            raise

    async def close(self) -> None:
        """Close the connection; nothing is under way when `deliver` has returned."""
        await self._break()

    async def _break(self) -> None:
        if self._producer is not None:
            producer, self._producer = self._producer, None
            await discard(producer)


def _as_it_is(value: bytes) -> bytes:
    return value
