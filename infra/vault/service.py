"""The monthly rotation of the key encryption key, by whichever worker comes first."""

import structlog
from mode import Service

from infra.settings import settings
from infra.waiting import AWAY
from infra.workplace import Workplace
from schemas.errors import HubError, code_of

log = structlog.get_logger()

LOOK_S = 3600.0
"""How often a worker looks whether a rotation is due."""


class Rotating(Service):
    """Rotates when the key encryption key is older than `HUB_KEK_ROTATION_DAYS`, or finishes what was interrupted."""

    def __init__(self, place: Workplace) -> None:
        super().__init__()
        self._pool = place.pool("hub_vault", 3, by_statement=True)
        self._place = place

    async def on_start(self) -> None:
        """Open the connections."""
        await self._pool.open()

    async def on_shutdown(self) -> None:
        """Close the connections."""
        await self._pool.close()

    @Service.task
    async def _look_now_and_then(self) -> None:
        while not self.should_stop:
            await self.look()
            await self.sleep(LOOK_S)

    async def look(self) -> None:
        """Rotate if it is due; an outage, or another process that is at it, is left to the next time."""
        try:
            vault = self._place.vault(self._pool)
            if await vault.rotation.is_due(settings().kek_rotation_days):
                done = await vault.rotation.rotate()
                log.info("kek_rotated", count=done.rewrapped)
        except (HubError, *AWAY) as error:
            log.warning("kek_not_rotated", code=code_of(error))


def services(place: Workplace) -> list[Service]:
    """Return what a worker runs for the vault."""
    return [Rotating(place)]
