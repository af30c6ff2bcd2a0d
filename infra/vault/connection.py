"""Connections to the vault's tables: their loss is an error of the world, never of the record."""

import contextlib

import psycopg
from psycopg_pool import AsyncConnectionPool

from infra.database import DatabaseUnavailableError

Connection = psycopg.AsyncConnection[object]


class Connections:
    """Connections of *pool*, which is of the role hub_vault; call it for one to borrow."""

    def __init__(self, pool: AsyncConnectionPool) -> None:
        self._pool = pool

    def __call__(self) -> "_Borrowed":
        """Return a connection to be used in `async with`; without an error its work is committed at the end."""
        return _Borrowed(self._pool)


class _Borrowed:
    def __init__(self, pool: AsyncConnectionPool) -> None:
        self._pool = pool
        self._context = pool.connection()

    async def __aenter__(self) -> Connection:
        try:
            return await self._context.__aenter__()
        except (psycopg.OperationalError, OSError) as error:
            raise DatabaseUnavailableError(f"the vault does not answer ({type(error).__name__})") from None

    async def __aexit__(self, kind: object, error: object, trace: object) -> bool | None:
        handled = await self._context.__aexit__(kind, error, trace)  # type: ignore[arg-type]  # psycopg types it narrower
        if isinstance(error, psycopg.OperationalError):
            with contextlib.suppress(psycopg.Error, OSError):
                await self._pool.check()  # the others are lost as well: the next attempt must not meet them one by one
            raise DatabaseUnavailableError("the vault does not answer") from None
        return handled


async def rows_of(connection: Connection, query: str, arguments: tuple[object, ...] = ()) -> list[tuple]:  # type: ignore[type-arg]  # rows of several shapes
    """Return the rows of *query*."""
    cursor = await connection.execute(query.encode(), arguments)
    return await cursor.fetchall()  # type: ignore[return-value]  # default row factory gives tuples
