"""Rotation of the key encryption key: a new one wraps everything anew, then the old ones are destroyed.

1  make the new one, durably          from here on it opens and wraps; the old ones open
2  make it known to the database, and count the generation up: every process asks for the current one
3  wrap every row anew, page by page; a row that was changed meanwhile, or erased, is left as it is
4  retire the old ones: the database refuses while a row is under them, and from then on every row under them
5  destroy them

Killed after any step, the next rotation goes on with the third: it makes a new key only when no old one is left over.
No step destroys what the step before it has not made useless. An advisory lock lets one process do it at a time; it
saves work, and nothing is lost without it.
"""

import datetime as dt
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from psycopg.errors import ForeignKeyViolation

from infra.advisory_locks import AdvisoryLock
from infra.vault.connection import Connection, Connections, rows_of
from infra.vault.kek import UNNAMED, Kek, KekId
from infra.vault.rewrapping import TABLES, rewrap
from infra.vault.wrapping import Wrapping
from schemas.errors import UnavailableError

_LOCK = AdvisoryLock.ROTATING_KEYS.value
Progress = Callable[[int, int, str], None]
"""Takes how many rows are done, how many there are, and what is done."""
ROUNDS_MAX = 50


class RotationRunningError(UnavailableError):
    """Another process rotates the key encryption key at this moment."""

    code = "rotation-running"


@dataclass(frozen=True, slots=True, kw_only=True)
class KekState:
    """One key encryption key and how many rows are under it."""

    kek_id: KekId
    state: str
    """current, live (its rows wait to be wrapped anew), retired (waits to be destroyed), destroyed."""
    known_at: dt.datetime
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotated:
    """What a rotation did."""

    current: KekId
    destroyed: tuple[KekId, ...]
    rows: int
    """How many rows were wrapped anew."""
    resumed: bool
    """Whether it finished one that had been interrupted, and made no new key."""


class Rotation:
    """Rotates *kek*, under which the tables behind *connections* are wrapped."""

    def __init__(self, connections: Connections, wrapping: Wrapping, kek: Kek) -> None:
        self._connections = connections
        self._wrapping = wrapping
        self._kek = kek

    async def states(self) -> tuple[KekState, ...]:
        """Return every key encryption key that the vault ever had, the newest first."""
        current = await self._wrapping.renew()
        counted = " UNION ALL ".join(f"SELECT kek_id FROM {table.name}" for table in TABLES)  # noqa: S608 - names are ours
        async with self._connections() as connection:
            rows = await rows_of(
                connection,
                "SELECT k.kek_id, k.live, k.destroyed_at IS NOT NULL, k.known_at, coalesce(c.rows, 0) "  # noqa: S608
                f"FROM vault.kek k LEFT JOIN (SELECT kek_id, count(*) AS rows FROM ({counted}) u GROUP BY 1) c "
                "USING (kek_id) ORDER BY k.known_at DESC, k.kek_id",
            )
        return tuple(
            KekState(
                kek_id=KekId(kek_id),
                state="current" if kek_id == current else "live" if live else "destroyed" if gone else "retired",
                known_at=known_at,
                rows=count,
            )
            for kek_id, live, gone, known_at, count in rows
        )

    async def is_due(self, days: int) -> bool:
        """Whether the current key encryption key is older than *days*, or a rotation was interrupted."""
        current = await self._wrapping.renew()
        async with self._connections() as connection:
            old = await rows_of(
                connection,
                "SELECT 1 FROM vault.kek WHERE CASE WHEN kek_id = %s THEN known_at < now() - make_interval(days => %s) "
                "ELSE destroyed_at IS NULL AND kek_id <> %s END",
                (current, days, UNNAMED),
            )
        return bool(old)

    async def rotate(self, progress: Progress = lambda _done, _total, _what: None) -> Rotated:
        """Replace the key encryption key, or finish a rotation that was interrupted.

        Raises RotationRunningError when another process is at it, UnavailableError when a part of the world is away;
        then it may be called again.
        """
        async with self._alone():
            current = await self._wrapping.renew()
            left_over = [kek for kek in await self._live() if kek not in (current, UNNAMED)]
            old = await self._live() if not left_over else [*left_over, UNNAMED]
            if not left_over:
                await self._kek.rotate()
                current = await self._wrapping.renew()
            async with self._connections() as connection:
                await connection.execute("UPDATE vault.shredding SET generation = generation + 1")
            rewrapped = await self._retire([kek for kek in old if kek != current], progress)
            progress(rewrapped, rewrapped, "destroying what is not needed any more")
            return Rotated(current=current, destroyed=await self._destroy(), rows=rewrapped, resumed=bool(left_over))

    async def _retire(self, old: Sequence[KekId], progress: Progress) -> int:
        """Wrap anew what is under *old* until the database agrees that nothing is, and nothing can be any more."""
        done = 0
        for _ in range(ROUNDS_MAX):
            done += await rewrap(self._connections, self._wrapping, old, progress, done)
            try:
                async with self._connections() as connection, connection.transaction():
                    await connection.execute(
                        "UPDATE vault.kek SET live = false, retired_at = now() WHERE live AND kek_id = ANY(%s)",
                        (list(old),),
                    )
            except ForeignKeyViolation:
                continue  # somebody wrote with the old one meanwhile; they learn of the new one at their next batch
            return done
        raise RotationRunningError("rows are still written under the old key; try again once all workers are new")

    async def _destroy(self) -> tuple[KekId, ...]:
        async with self._connections() as connection:
            rows = await rows_of(
                connection,
                "SELECT kek_id FROM vault.kek WHERE NOT live AND destroyed_at IS NULL "
                "AND NOT EXISTS (SELECT FROM vault.kek WHERE live AND kek_id = %s) ORDER BY kek_id",
                (UNNAMED,),
            )
            gone = tuple(KekId(row[0]) for row in rows)
        await self._kek.retire(gone)
        async with self._connections() as connection:
            await connection.execute(
                "UPDATE vault.kek SET destroyed_at = now() WHERE kek_id = ANY(%s) AND NOT live", (list(gone),)
            )
        return gone

    async def _live(self) -> list[KekId]:
        async with self._connections() as connection:
            return [
                KekId(r[0]) for r in await rows_of(connection, "SELECT kek_id FROM vault.kek WHERE live ORDER BY 1")
            ]

    @asynccontextmanager
    async def _alone(self) -> AsyncIterator[None]:
        async with self._connections() as connection:
            if not (await rows_of(connection, "SELECT pg_try_advisory_lock(%s)", (_LOCK,)))[0][0]:
                raise RotationRunningError(
                    "another process replaces the key encryption key; `hub vault status` shows it"
                )
            await connection.commit()  # the lock is the session's; an open transaction would be ended as idle
            try:
                yield
            finally:
                await _unlock(connection)


async def _unlock(connection: Connection) -> None:
    if not connection.closed:
        await connection.execute("SELECT pg_advisory_unlock(%s)", (_LOCK,))
