"""Where the inputs of a batch come from: the hub's clock, the control topics, the system's random numbers."""

from infra.clock import Clock
from infra.control import ControlReader, ControlState
from streams.pump.nonces import nonces
from streams.pump.records import Inputs

NO_CONTROL = ControlState(agreements=(), offset=0)


class WorldSupply:
    """Inputs from *clock* and, for a processor that decides by them, from the control topics."""

    def __init__(self, clock: Clock, control: ControlReader | None = None) -> None:
        self._clock = clock
        self._control = control
        self._nonce = nonces()

    async def inputs(self) -> Inputs:
        """Return what a batch may know, control read to its end first (design section 12.2)."""
        control = NO_CONTROL if self._control is None else await self._control.state()
        return Inputs(now=await self._clock.now(), control=control, nonce=self._nonce)
