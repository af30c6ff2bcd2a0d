"""Control topics are read from the start, in order, and to their end whenever somebody is to decide by them.

Rule 1: control topics are never compacted and have one partition, so that "which agreements held then" is a replay.
Rule 2: a control record that cannot be read halts whoever asks: to guess an agreement, a consent or a key is to leak.
"""

import asyncio
import time
from collections.abc import Callable, Mapping

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from infra.kafka import consumer_for, let_go
from infra.topology.credentials import Credentials
from schemas.codec import Codec
from schemas.errors import MisuseError, RejectedError, UnavailableError

READ_TIMEOUT_S = 30.0
Take = Callable[[bytes | None], None]
"""Takes the value of one record over; raises RejectedError, KeyError, ValueError, TypeError for one it cannot read."""


class ControlUnreadableError(MisuseError):
    """A record on a control topic cannot be read; nothing is decided until it can."""

    code = "control-unreadable"


class ControlUnavailableError(UnavailableError):
    """The control topics cannot be read to their end now."""

    code = "control-unavailable"


class ControlLog:
    """Reads the control topics of *takers* as the principal of *credentials*, over one connection.

    Each record goes to the taker of its topic, once and in order.
    """

    def __init__(self, credentials: Credentials, codec: Codec, takers: Mapping[str, Take]) -> None:
        self._credentials = credentials
        self._codec = codec
        self._takers = {TopicPartition(topic, 0): take for topic, take in takers.items()}
        self._offsets = dict.fromkeys(self._takers, 0)
        self._consumer: AIOKafkaConsumer | None = None
        self._read_began = -1.0
        self._lock = asyncio.Lock()

    async def read_to_end(self) -> Mapping[str, int]:
        """Read what the topics hold now, and return the offset after the last record of each, by topic.

        Raises ControlUnreadableError, or UnavailableError when broker or registry are away.
        """
        asked = time.monotonic()
        async with self._lock:
            try:
                if asked > self._read_began:  # else another one read to the end since we asked
                    began = time.monotonic()
                    async with asyncio.timeout(READ_TIMEOUT_S):  # `wait_for` may swallow a cancellation
                        await self._read_on()
                    self._read_began = began
            except (KafkaError, TimeoutError, OSError) as error:
                await self._drop()
                raise ControlUnavailableError(f"the control topics cannot be read ({type(error).__name__})") from None
            except BaseException:
                # The consumer is past records that were not taken: a new one begins at the first of them again.
                await self._drop()
                raise
        return {source.topic: offset for source, offset in self._offsets.items()}

    async def stop(self) -> None:
        """Close the connection."""
        async with self._lock:
            await self._drop()

    async def _read_on(self) -> None:
        consumer = await self._connected()
        ends: dict[TopicPartition, int] = await consumer.end_offsets(list(self._takers))
        behind = [source for source, end in ends.items() if self._offsets[source] < end]
        if not behind:
            return
        # Paused but for now: a fetch that waits for new records would hold up the question above by its whole wait.
        consumer.resume(*behind)
        while behind:
            fetched = await consumer.getmany(*behind, timeout_ms=500)
            for source, records in fetched.items():
                await self._codec.learn_aside([record.value for record in records])
                for record in records:
                    self._take(source, record.value)
                    self._offsets[source] = record.offset + 1
            for source in behind:
                self._offsets[source] = max(self._offsets[source], await consumer.position(source))
            done = [source for source in behind if self._offsets[source] >= ends[source]]
            consumer.pause(*done)
            behind = [source for source in behind if source not in done]

    async def _connected(self) -> AIOKafkaConsumer:
        if self._consumer is None:
            consumer = consumer_for(self._credentials)
            await consumer.start()
            self._consumer = consumer
            consumer.assign(list(self._takers))
            await self._are_whole(consumer)
            for source, offset in self._offsets.items():
                consumer.seek(source, offset)
            consumer.pause(*self._takers)
        return self._consumer

    async def _are_whole(self, consumer: AIOKafkaConsumer) -> None:
        """Raise ControlUnreadableError when a topic lacks its beginning: a revocation may have stood there."""
        begins = await consumer.beginning_offsets(list(self._takers))
        ends = await consumer.end_offsets(list(self._takers))
        for source in self._takers:
            if begins[source] != 0 or ends[source] < self._offsets[source]:
                raise ControlUnreadableError(
                    f"{source.topic} does not hold all that it held: nothing is decided; "
                    "restore it, or find out who deleted what"
                )

    def _take(self, source: TopicPartition, value: bytes | None) -> None:
        try:
            self._takers[source](value)
        except (RejectedError, KeyError, ValueError, TypeError):
            raise ControlUnreadableError(
                f"{source.topic} holds a record that cannot be read after offset {self._offsets[source]}: nothing is "
                "decided; find out who wrote it; agreements are published anew with `hub topology apply`"
            ) from None

    async def _drop(self) -> None:
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await let_go(consumer, 5)
