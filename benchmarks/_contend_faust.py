"""Contender: a stock Faust agent, at least once; the argument says whether it sends one by one or takes a thousand."""

import asyncio
import contextlib
import os
import ssl
import sys
import tempfile
from typing import Any

import faust

from benchmarks._contender import BATCH, Span, Task
from benchmarks._transform import Transform

WITHIN_S = 0.5
STOP_S_MAX = 5.0


def application(task: Task, folder: str) -> faust.App:
    """Return an application with Faust's own settings, but for the connection and for bytes left as they are."""
    return faust.App(
        task.group,
        broker=f"kafka://{task.bootstrap}",
        broker_credentials=faust.SASLCredentials(
            username=task.user,
            password=task.password,
            mechanism="SCRAM-SHA-512",
            ssl_context=ssl.create_default_context(cafile=task.ca_file),
        ),
        datadir=folder,
        store="memory://",
        topic_allow_declare=False,
        topic_disable_leader=True,
        web_enabled=False,
        consumer_auto_offset_reset="earliest",
        key_serializer="raw",
        value_serializer="raw",
    )


class Agent:
    """Counts what the agents below have done."""

    def __init__(self, app: faust.App, task: Task, span: Span) -> None:
        self._app = app
        self._task = task
        self._span = span
        self._transform = Transform(task.schemas, task.derived_id, bytes.fromhex(task.secret))
        self._out = {route: self._topic(name) for route, name in task.routes.items()}
        self.source = self._topic(task.source)
        self.seen = 0
        self.finished = asyncio.Event()

    def _topic(self, name: str) -> Any:
        return self._app.topic(
            name, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw", partitions=None
        )

    async def one_by_one(self, stream: "faust.StreamT[bytes]") -> None:
        """Send what comes of each event before the next one is looked at."""
        async for value in stream:
            self._span.begin()
            route, key, made = self._transform(value)
            await self._out[route].send(key=key, value=made)
            self._count(1)

    async def by_the_thousand(self, stream: "faust.StreamT[bytes]") -> None:
        """Take a thousand events, send what comes of them together, and wait until the broker has it."""
        async for values in stream.take(BATCH, within=WITHIN_S):
            self._span.begin()
            made = [self._transform(value) for value in values]
            sent = await asyncio.gather(*(self._out[route].send(key=key, value=value) for route, key, value in made))
            await asyncio.gather(*sent)
            self._count(len(values))

    def _count(self, more: int) -> None:
        self.seen += more
        if self.seen >= self._task.events:
            self.finished.set()


async def run(task: Task, span: Span, way: str, folder: str) -> int:
    """Process every event and return how many there were."""
    app = application(task, folder)
    agent = Agent(app, task, span)
    app.agent(agent.source, name="bench")(agent.one_by_one if way == "send" else agent.by_the_thousand)
    await app.start()
    await agent.finished.wait()
    await app.producer.flush()
    await app.consumer.commit()
    span.end()
    span.answer(agent.seen)
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(app.stop(), STOP_S_MAX)
    return agent.seen


def main() -> None:
    """Run the task on standard input."""
    task, span = Task.given(), Span()
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(run(task, span, sys.argv[1], folder))
    os._exit(0)  # Faust's thread may keep the process for ever


if __name__ == "__main__":
    main()
