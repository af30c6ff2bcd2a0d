"""Where the inputs of a batch come from: the hub's clock, the control topics, the system's random numbers."""

import datetime as dt

from infra.clock import Clock, SystemClock
from infra.control import ControlReader, ControlState
from schemas.errors import UnavailableError
from streams.pump.nonces import nonces
from streams.pump.records import Inputs

NO_CONTROL = ControlState(agreements=(), offset=0)
BEHIND_S_MAX = 60
"""So far the hub's clock may be behind the brokers'; clocks that are kept right differ by milliseconds."""


class ClockBehindError(UnavailableError):
    """The clock of this machine is behind the brokers': what agencies report would seem to come from the future."""

    code = "clock-behind"


class WorldSupply:
    """Inputs from *clock* and, for a processor that decides by them, from the control topics."""

    def __init__(self, clock: Clock, control: ControlReader | None = None) -> None:
        self._clock = clock
        self._control = control
        self._nonce = nonces()

    async def inputs(self, written_ms: int | None = None) -> Inputs:
        """Return what a batch may know, control read to its end first (design section 12.2).

        Raises ClockBehindError when the broker wrote the batch, at *written_ms*, later than it is here.
        """
        control = NO_CONTROL if self._control is None else await self._control.state()
        now = await self._clock.now()
        if written_ms is not None and isinstance(self._clock, SystemClock):  # a simulated one has no other beside it
            require_not_behind(now, written_ms)
        return Inputs(now=now, control=control, nonce=self._nonce)


def require_not_behind(now: dt.datetime, written_ms: int) -> None:
    """Raise ClockBehindError when *now* is more than a minute before the broker's time *written_ms*."""
    behind_s = written_ms / 1000 - now.timestamp()
    if behind_s > BEHIND_S_MAX:
        raise ClockBehindError(
            f"the clock of the worker's machine is {behind_s:.0f} s behind the broker's: set the one that is wrong"
        )
