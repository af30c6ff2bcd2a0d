"""The hub's clock: the system's in a real home, one that only moves when told to in a simulated home.

Which of the two is fixed when the home is made (design section 12.9).
"""

import datetime as dt
from typing import Protocol

import psycopg
from psycopg_pool import AsyncConnectionPool

from infra.home import Home
from schemas.errors import MisuseError

SIMULATED_START = dt.datetime(2026, 1, 5, 8, 0, tzinfo=dt.UTC)
"""When the clock of a simulated home begins."""
_EPOCH = dt.date(1970, 1, 1).toordinal()


class Clock(Protocol):
    """Says what time it is for the hub."""

    async def now(self) -> dt.datetime:
        """Return the time in UTC, in whole milliseconds."""


class SystemClock:
    """The clock of a real home."""

    async def now(self) -> dt.datetime:
        """Return the system's time in UTC, in whole milliseconds."""
        return in_milliseconds(dt.datetime.now(dt.UTC))


class SimulatedClock:
    """The clock of a simulated home, in the database, so that every process sees the same time."""

    def __init__(self, pool: AsyncConnectionPool) -> None:
        self._pool = pool

    async def now(self) -> dt.datetime:
        """Return the simulated time in UTC."""
        async with self._pool.connection() as connection:
            row = await (await connection.execute("SELECT now_at FROM hub.clock")).fetchone()
        return SIMULATED_START if row is None else row[0].astimezone(dt.UTC)


class NotSimulatedError(MisuseError):
    """Only the clock of a simulated home can be moved."""

    code = "clock-not-simulated"


def tick_of(moment: dt.datetime) -> int:
    """Return the tick of *moment*, a UTC day number: days since 1970-01-01."""
    return tick_on(moment.astimezone(dt.UTC).date())


def tick_on(day: dt.date) -> int:
    """Return the tick that *day* is."""
    return day.toordinal() - _EPOCH


def day_of(tick: int) -> dt.date:
    """Return the day that *tick* is."""
    return dt.date.fromordinal(_EPOCH + tick)


def in_milliseconds(moment: dt.datetime) -> dt.datetime:
    """Return *moment* without what Avro's timestamp-millis cannot hold."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def clock_for(home: Home, pool: AsyncConnectionPool) -> Clock:
    """Return the clock that *home* lives by."""
    return SimulatedClock(pool) if home.clock == "simulated" else SystemClock()


def now_in(home: Home) -> dt.datetime:
    """Return the time in *home*, for a command that asks once."""
    if home.clock == "real":
        return in_milliseconds(dt.datetime.now(dt.UTC))
    with psycopg.connect(home.dsn("hub_streams")) as connection:
        row = connection.execute("SELECT now_at FROM hub.clock").fetchone()
    return SIMULATED_START if row is None else row[0].astimezone(dt.UTC)


def advance_to(home: Home, moment: dt.datetime) -> None:
    """Move the simulated clock of *home* forward to *moment*; it never goes back."""
    if home.clock != "simulated":
        raise NotSimulatedError("this home lives by the real clock; make another with `hub up --clock simulated`")
    with psycopg.connect(home.dsn("hub_admin")) as connection:
        connection.execute(
            "INSERT INTO hub.clock (now_at) VALUES (%s) "
            "ON CONFLICT (only_row) DO UPDATE SET now_at = greatest(hub.clock.now_at, excluded.now_at)",
            (in_milliseconds(moment),),
        )
