"""Erasures and merges are done again before anything starts: a restored database may hold keys that were destroyed."""

import asyncio
import contextlib

import structlog

from infra.erasure import orders
from infra.topology.credentials import Credentials
from infra.vault.persons import UnknownSubjectError
from infra.vault.vault import Vault
from infra.waiting import pause_s
from schemas.codec import Codec
from schemas.errors import ErasedError, HubError, UnavailableError

log = structlog.get_logger()


async def replay(credentials: Credentials, codec: Codec, vault: Vault) -> int:
    """Destroy whatever an order on the topic erased and the vault still has, and return how many keys and secrets.

    Before that, who was declared one person is one person again: an erasure covers all ids.

    Raises OrdersUnavailableError and OrderUnreadableError: then nothing may start.
    """
    told = await orders.read(credentials, codec)
    for older, younger in told.merges:
        with contextlib.suppress(ErasedError, UnknownSubjectError):  # erased since, or not in the backup either
            await vault.same_person(older, younger)
    count = (await vault.destroy({each for order in told.orders for each in order.subject_ids})).count
    if count:
        log.warning("erasures_replayed", count=count)
    return count


async def replay_patiently(credentials: Credentials, codec: Codec, vault: Vault) -> None:
    """Do as `replay`, and wait for a part of the hub that is away."""
    attempts = 0
    while True:
        try:
            await replay(credentials, codec, vault)
        except UnavailableError as error:
            attempts += 1
            log.warning("erasures_not_replayed", code=error.code, attempt=attempts)
            await asyncio.sleep(pause_s(attempts))
        else:
            return


class Replayed:
    """Whether this process has done all erasures again; asked before it gives a key away."""

    def __init__(self, credentials: Credentials, codec: Codec, vault: Vault) -> None:
        self._arguments = (credentials, codec, vault)
        self._lock = asyncio.Lock()
        self._done = False

    async def expect(self) -> None:
        """Replay once; raise as `replay` when that is not possible now."""
        if not self._done:
            async with self._lock:
                if not self._done:
                    await replay(*self._arguments)
                    self._done = True

    async def eagerly(self) -> None:
        """Replay before anybody asks, so that nobody has to wait for it; who asks meanwhile tries as well."""
        with contextlib.suppress(HubError):
            await self.expect()
