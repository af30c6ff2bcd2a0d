"""Who is at work: each worker says in the database that it has begun, that it lives, and that it leaves."""

import os
import uuid

import psycopg
import structlog

from infra.home import Home

log = structlog.get_logger()
HEARTBEAT_S = 5.0
GONE_S = 12
"""A worker that was not heard for so many seconds has died."""


class Presence:
    """One worker of *home*."""

    def __init__(self, home: Home) -> None:
        self._dsn = home.dsn("hub_streams")
        self._worker_id = uuid.uuid4()

    async def say(self, query: str, arguments: tuple[object, ...]) -> None:
        """Run one statement; a database that is away is no reason to stop working."""
        try:
            async with await psycopg.AsyncConnection.connect(self._dsn, connect_timeout=3) as connection:
                await connection.execute(query.encode(), arguments)
        except (psycopg.Error, OSError) as error:
            log.warning("heartbeat_missed", code=type(error).__name__)

    async def begin(self) -> None:
        """Say that the worker has begun, before it takes any partition."""
        await self.say(
            "INSERT INTO streams.worker (worker_id, pid) VALUES (%s, %s) ON CONFLICT DO NOTHING",
            (self._worker_id, os.getpid()),
        )

    async def beat(self) -> None:
        """Say that the worker lives."""
        await self.say("UPDATE streams.worker SET seen_at = now() WHERE worker_id = %s", (self._worker_id,))

    async def leave(self) -> None:
        """Say that the worker leaves, and forget workers that died without a word."""
        await self.say(
            "DELETE FROM streams.worker WHERE worker_id = %s OR seen_at < now() - interval '1 hour'",
            (self._worker_id,),
        )
