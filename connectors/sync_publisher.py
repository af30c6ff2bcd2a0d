"""The publisher for programs without asyncio: its loop runs in a thread of its own.

with SyncPublisher(Credentials.load(path)) as publisher:
    sent = publisher.publish(event)
"""

import asyncio
import threading
from collections.abc import Coroutine, Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from connectors.placing import Placed
from connectors.publisher import Publisher
from infra.topology.credentials import Credentials
from schemas.errors import InvalidEventError, MisuseError

Result = TypeVar("Result")


class SyncPublisher:
    """Publishes as `Publisher` does; use it as a context manager, from any number of threads."""

    def __init__(self, credentials: Credentials, *, spool: Path | None = None, spool_key: Path | None = None) -> None:
        self._credentials = credentials
        self._spool = spool
        self._spool_key = spool_key
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="hub-publisher", daemon=True)
        self._publisher: Publisher | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        try:
            self._publisher = self._run(self._opened())
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        publisher, self._publisher = self._publisher, None
        try:
            if publisher is not None:
                self._run(publisher.__aexit__(kind, error, trace))
        finally:
            self._stop()

    def publish(self, event: Mapping[str, object]) -> Placed:
        """Validate *event*, send it and return where it is; raises as `Publisher.publish` does."""
        return self._run(self._open().publish(event))

    def publish_many(self, events: Iterable[Mapping[str, object]]) -> list[Placed | InvalidEventError]:
        """Publish *events* in order and return for each where it is or what is wrong with it."""
        return self._run(self._open().publish_many(events))

    async def _opened(self) -> Publisher:
        """Return a publisher of this loop."""
        return await Publisher(self._credentials, spool=self._spool, spool_key=self._spool_key).__aenter__()

    def _open(self) -> Publisher:
        if self._publisher is None:
            raise MisuseError("the publisher is not open: use it in a `with` block")
        return self._publisher

    def _run(self, doing: Coroutine[object, object, Result]) -> Result:
        return asyncio.run_coroutine_threadsafe(doing, self._loop).result()

    def _stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
