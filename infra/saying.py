"""What a long-running part says of itself: running, waiting for what, halted with which advice; after an outage too."""

import asyncio
from collections.abc import Awaitable, Callable

import psycopg
from structlog.typing import FilteringBoundLogger

AGAIN_S = 5.0
Write = Callable[[str, str, str], Awaitable[None]]
"""Writes state, code and advice to the database."""


class Saying:
    """The state of a part, told through *write*; what the database would not take is said again later, and logged."""

    def __init__(self, write: Write, log: FilteringBoundLogger) -> None:
        self._write = write
        self._log = log
        self._unsaid: tuple[str, str, str] | None = None

    async def say(self, state: str, code: str = "", advice: str = "") -> None:
        """Say what happens, or keep it for later when the database is away."""
        self._unsaid = (state, code, advice)
        try:
            await self._write(state, code, advice)
        except (psycopg.Error, OSError):
            self._log.warning("state_not_written", state=state, code=code)
        else:
            self._unsaid = None

    async def catch_up(self) -> None:
        """Say what could not be said, if there is anything: the database answers by now."""
        if self._unsaid is not None:
            await self.say(*self._unsaid)

    async def insist(self, state: str, code: str, advice: str) -> None:
        """Say it, however long the database is away."""
        await self.say(state, code, advice)
        while self._unsaid is not None:
            await asyncio.sleep(AGAIN_S)
            await self.say(*self._unsaid)
