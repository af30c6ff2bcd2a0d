"""Writing and reading wrapped keys: what is written is under a key encryption key that the database lets live."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from psycopg.errors import ForeignKeyViolation

from infra.vault.connection import Connections, rows_of
from infra.vault.kek import Kek, KekId, KekUnavailableError, Wrapped

Written = TypeVar("Written")
ATTEMPTS_MAX = 5


class Wrapping:
    """Wraps and unwraps with *kek*, whose ids are known to the tables behind *connections*."""

    def __init__(self, connections: Connections, kek: Kek) -> None:
        self._connections = connections
        self._kek = kek
        self._is_stale = False

    def doubt(self) -> None:
        """Ask for the current key encryption key before the next wrapping: it may have been replaced."""
        self._is_stale = True

    async def written(
        self, keys: Sequence[tuple[bytes, str]], write: Callable[[list[Wrapped]], Awaitable[Written]]
    ) -> Written:
        """Wrap *keys* (each with its name) and return what *write* does with them in a transaction of its own.

        The database refuses what is under a retired key encryption key, or under one that it has not met: then the
        current one is asked for, and all is tried again.
        """
        for _ in range(ATTEMPTS_MAX):
            if self._is_stale:
                await self.renew()
            wrapped = await self._kek.wrap(keys)
            try:
                return await write(wrapped)
            except ForeignKeyViolation as error:
                if "kek" not in (error.diag.constraint_name or ""):
                    raise
                self._is_stale = True
        raise KekUnavailableError("the key encryption key is replaced again and again; is a rotation under way?")

    async def unwrapped(self, wrapped: Sequence[tuple[Wrapped, str]]) -> list[bytes]:
        """Return the keys of rows, each with its name."""
        return await self._kek.unwrap(wrapped) if wrapped else []

    async def renew(self) -> KekId:
        """Ask for the current key encryption key, and make it known to the database; return its id.

        Raises KekUnavailableError when that one was retired: the key file is older than the database.
        """
        current = await self._kek.current()
        async with self._connections() as connection:
            await connection.execute("INSERT INTO vault.kek (kek_id) VALUES (%s) ON CONFLICT DO NOTHING", (current,))
            found = await rows_of(connection, "SELECT live FROM vault.kek WHERE kek_id = %s", (current,))
        if not found[0][0]:
            raise KekUnavailableError("the key encryption key was retired; restore it from its newest backup")
        self._is_stale = False
        return current
