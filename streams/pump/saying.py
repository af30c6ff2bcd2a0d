"""What a partition says of itself: running, waiting for what, halted with which advice; also after an outage."""

import asyncio

import psycopg
import structlog

from streams.pump.ports import Books

AGAIN_S = 5.0

logger = structlog.get_logger()


class Saying:
    """The state of a place in its *books*; what the database would not take is said again later."""

    def __init__(self, books: Books) -> None:
        self._books = books
        self._unsaid: tuple[str, str, str] | None = None

    async def say(self, state: str, code: str = "", advice: str = "") -> None:
        """Say what happens, or keep it for later when the database is away."""
        self._unsaid = (state, code, advice)
        try:
            async with self._books.transaction() as transaction:
                await self._books.say(transaction, state, code, advice)
        except (psycopg.Error, OSError):
            logger.warning("state_not_written", state=state, code=code)
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
