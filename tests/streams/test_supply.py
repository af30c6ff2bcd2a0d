"""The time of a batch: a clock that is behind the broker's is no reason to refuse what honest agencies report."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.clock import SystemClock
from streams.pump.supply import BEHIND_S_MAX, ClockBehindError, WorldSupply, require_not_behind
from streams.pump.troubles import trouble_of

NOW = dt.datetime(2026, 5, 4, 12, tzinfo=dt.UTC)
NOW_MS = int(NOW.timestamp() * 1000)


class Standing(SystemClock):
    """A machine's clock that stands at noon."""

    async def now(self) -> dt.datetime:
        return NOW


class Simulated:
    """The clock of a simulated home."""

    async def now(self) -> dt.datetime:
        return NOW


@given(st.integers(-(10**9), BEHIND_S_MAX * 1000))
def test_a_clock_that_is_ahead_or_hardly_behind_is_believed(behind_ms: int) -> None:
    require_not_behind(NOW, NOW_MS + behind_ms)


@given(st.integers(BEHIND_S_MAX * 1000 + 1, 10**9))
def test_a_clock_that_is_behind_is_waited_for_and_the_advice_says_what_to_set(behind_ms: int) -> None:
    with pytest.raises(ClockBehindError) as found:
        require_not_behind(NOW, NOW_MS + behind_ms)
    trouble = trouble_of(found.value)
    assert trouble is not None
    assert (trouble.then, trouble.code) == ("wait", "clock-behind")
    assert "set the one that is wrong" in trouble.advice


async def test_a_batch_from_the_future_gets_no_time() -> None:
    supply = WorldSupply(Standing())
    assert (await supply.inputs(NOW_MS)).now == NOW
    assert (await supply.inputs()).now == NOW
    with pytest.raises(ClockBehindError):
        await supply.inputs(NOW_MS + 3_600_000)


async def test_a_simulated_clock_is_compared_with_no_other() -> None:
    assert (await WorldSupply(Simulated()).inputs(NOW_MS + 3_600_000)).now == NOW
