"""Unwrapped keys in memory: five minutes at most, and not beyond an erasure.

Every erasure and every rotation counts the generation in `vault.shredding` up. Who wants to use a kept key asks for
that number first, in the statement that it needs anyway: under another number nothing that was kept is used.
"""

import time
from collections.abc import Callable

from infra.vault.holders import Holder
from schemas.names import KeyId, PartnerId
from schemas.sealing import DataKey

CACHE_S = 300.0
"""Unwrapped keys are kept at most five minutes (privacy.md section 4.2)."""
CACHE_ENTRIES = 50_000


class KeyCache:
    """Keys by recipient and holder, and by recipient and id; *clock* gives seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._generation: int | None = None
        self._by_holder: dict[tuple[PartnerId | str, Holder], tuple[float, DataKey]] = {}
        self._by_kid: dict[tuple[PartnerId | str, KeyId], tuple[float, DataKey]] = {}

    def is_of(self, generation: int) -> bool:
        """Whether what is kept may be used under *generation*; if not, it is forgotten."""
        if generation == self._generation:
            return True
        self._by_holder.clear()
        self._by_kid.clear()
        self._generation = generation
        return False

    def of_holder(self, recipient: PartnerId | str, holder: Holder) -> DataKey | None:
        """Return the key of *holder* for *recipient* when it is kept."""
        until, key = self._by_holder.get((recipient, holder), (0.0, None))
        return key if until > self._clock() else None

    def of_kid(self, recipient: PartnerId | str, kid: KeyId) -> DataKey | None:
        """Return the key *kid* when it is kept and was made for *recipient*."""
        until, key = self._by_kid.get((recipient, kid), (0.0, None))
        return key if until > self._clock() else None

    def keep(self, generation: int, recipient: PartnerId | str, holder: Holder, key: DataKey) -> None:
        """Keep *key*, which was read, or allowed to be made, when *generation* was the number."""
        if generation != self._generation:
            return
        if len(self._by_kid) >= CACHE_ENTRIES:
            self._by_holder.clear()
            self._by_kid.clear()
        entry = (self._clock() + CACHE_S, key)
        self._by_holder[recipient, holder] = entry
        self._by_kid[recipient, key.kid] = entry
