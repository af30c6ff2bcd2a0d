"""The three brokers of a hub that is being broken: who leads, who has everything, and ways to take one away."""

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

from aiokafka.protocol.api import RequestStruct, Response
from aiokafka.protocol.types import Array, Int8, Int16, Int32, Schema, String
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from infra.home import Home
from infra.kafka_wire import REQUEST_MS, AsItIs, connected
from infra.settings import Settings
from infra.stack import process
from infra.stack.kafka import Kafka, brokers
from infra.topology.broker import Broker
from infra.topology.credentials import Credentials
from tests.running import ADMIN, wait_until

PATIENCE_S = 180
NODES = (1, 2, 3)
_PREFERRED = 0


class _ElectLeadersAnswer(Response):  # type: ignore[misc]  # aiokafka is untyped
    API_KEY = 43
    API_VERSION = 1
    _RESULT = Array(("partition", Int32), ("error_code", Int16), ("error_message", String("utf-8")))
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        ("error_code", Int16),
        ("results", Array(("topic", String("utf-8")), ("partitions", _RESULT))),
    )


class _ElectLeaders(RequestStruct):  # type: ignore[misc]  # aiokafka is untyped
    API_KEY = 43
    API_VERSION = 1
    RESPONSE_TYPE = _ElectLeadersAnswer
    SCHEMA = Schema(
        ("election_type", Int8),
        ("partitions", Array(("topic", String("utf-8")), ("partitions", Array(Int32)))),
        ("timeout_ms", Int32),
    )


class Cluster:
    """The brokers of *home*, by their numbers."""

    def __init__(self, home: Home) -> None:
        self._home = home

    @property
    def _admin(self) -> AdminClient:
        return Broker(self._home)._admin  # noqa: SLF001 - the hub itself never moves a leader

    def part(self, node: int) -> Kafka:
        """Return the broker number *node*."""
        return brokers(self._home, Settings())[node - 1]

    def pid(self, node: int) -> int:
        """Return the process id of a broker that runs."""
        running = self.part(node).process()
        assert running is not None
        return running.pid

    def kill(self, *nodes: int) -> None:
        """End brokers at once, as a power cut does, and wait until they have ended."""
        for pid in [self.pid(node) for node in nodes]:
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not any(self.part(node).process() for node in nodes), "the brokers have ended")

    @contextmanager
    def frozen(self, node: int) -> Iterator[None]:
        """Let a broker stand still while the block runs: it neither answers nor closes a connection."""
        pid = self.pid(node)
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    def stop(self, node: int) -> None:
        """End a broker in order: it hands all that it leads over first."""
        running = self.part(node).process()
        assert running is not None
        process.stop(running, grace_seconds=60)

    def leader(self, topic: str, partition: int = 0) -> int:
        """Return who leads a partition; -1 for nobody."""
        topics = self._admin.list_topics(topic, timeout=20).topics
        return int(topics[topic].partitions[partition].leader)

    def elect_preferred(self) -> None:
        """Let each partition, those of the coordinators too, be led by the first of its replicas."""
        asyncio.run(self._elect_preferred())

    async def _elect_preferred(self) -> None:
        async with connected(Credentials.of(self._home, ADMIN)) as wire:  # confluent-kafka's call ends in a SystemError
            answer = await wire.ask(AsItIs(_ElectLeaders(_PREFERRED, None, REQUEST_MS)))
        assert answer.error_code == 0

    def led(self) -> dict[int, int]:
        """Return how many partitions each broker leads."""
        topics = self._admin.list_topics(timeout=20).topics.values()
        leaders = [each.leader for topic in topics for each in topic.partitions.values()]
        return {node: leaders.count(node) for node in NODES}

    def is_whole(self) -> bool:
        """Whether every broker has all of every partition."""
        try:
            topics = self._admin.list_topics(timeout=20).topics.values()
        except KafkaException:
            return False
        return all(len(each.isrs) == len(NODES) for topic in topics for each in topic.partitions.values())

    def wait_whole(self) -> None:
        """Wait until every broker has all of every partition again."""
        wait_until(self.is_whole, "every broker has caught up", PATIENCE_S)
