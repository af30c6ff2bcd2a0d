"""The key encryption key behind one interface: it wraps every key of the vault, and is not in the database.

Implementations: a Tink keyset file (`keyset_file.py`) and the transit engine of HashiCorp Vault (`transit.py`).
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import NewType, Protocol

from schemas.errors import UnavailableError

KekId = NewType("KekId", str)
"""Which key encryption key wrapped something, such as `file-1234` or `transit-hub-v3`."""

UNNAMED = KekId("unnamed")
"""What the first releases wrapped, in the keyset file, before key encryption keys had ids."""


@dataclass(frozen=True, slots=True)
class Wrapped:
    """A key as it lies in the database."""

    kek_id: KekId
    data: bytes = field(repr=False)


class Kek(Protocol):
    """Wraps and unwraps keys in batches; the name beside each binds it to its row. All raise KekUnavailableError."""

    async def current(self) -> KekId:
        """Return the id under which keys are wrapped from now on, asked anew and not from memory."""

    async def wrap(self, keys: Sequence[tuple[bytes, str]]) -> list[Wrapped]:
        """Return each of *keys* wrapped for its name; perhaps under an id that has been replaced meanwhile."""

    async def unwrap(self, wrapped: Sequence[tuple[Wrapped, str]]) -> list[bytes]:
        """Return the keys; none when one of them was wrapped by another KEK or for another name."""

    async def rotate(self) -> KekId:
        """Make a new key encryption key, durably, and return its id; what older ones wrapped still opens."""

    async def retire(self, ids: Collection[KekId]) -> None:
        """Destroy these for ever; idempotent. Only for ids under which no row is left, never for the current one."""


class KekUnavailableError(UnavailableError):
    """The key encryption key is away, or is not the one that wrapped the vault."""

    code = "kek-unavailable"
