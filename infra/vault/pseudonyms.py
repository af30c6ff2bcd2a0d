"""Pseudonyms: what one recipient calls a person, of no use to any other; none exist for non-personal channels.

Who would not have the hub hold the keys of pseudonyms (a transcryptor, as in PEP) implements `PseudonymProvider` and
gives it to release in `streams/worker.py`.
"""

import base64
import hmac
from collections.abc import Collection
from typing import Protocol

from infra.vault.connection import Connections, rows_of
from infra.vault.kek import KekId, Wrapped
from infra.vault.own_keys import OwnKeys
from infra.vault.wrapping import Wrapping
from schemas.names import PartnerId, SubjectId

PSEUDONYM_CHARS = 26
"""130 bits in base32."""


class PseudonymProvider(Protocol):
    """Gives pseudonyms in batches; the same arguments give the same ones for ever."""

    async def pseudonyms(
        self, recipient: PartnerId, year: int, subjects: Collection[SubjectId]
    ) -> dict[SubjectId, str]:
        """Return what *recipient* calls each of *subjects* in *year*; who was erased is left out.

        All ids of one person have one pseudonym. Raises UnavailableError when the provider is away.
        """


class HmacPseudonyms:
    """HMAC-SHA-256 under a key of the recipient and year over the person's random secret (design section 5)."""

    def __init__(self, connections: Connections, wrapping: Wrapping, own: OwnKeys) -> None:
        self._connections = connections
        self._wrapping = wrapping
        self._own = own

    async def pseudonyms(
        self, recipient: PartnerId, year: int, subjects: Collection[SubjectId]
    ) -> dict[SubjectId, str]:
        """Return what *recipient* calls each of *subjects* in *year*; asked anew each time, so never of the erased."""
        if not subjects:
            return {}
        key = await self._own.secret(f"pseudonym:{recipient}:{year}")
        async with self._connections() as connection:
            rows = await rows_of(
                connection,
                "SELECT s.subject_id::text, o.subject_id::text, o.wrapped_secret, o.kek_id FROM vault.subject s "
                "JOIN vault.subject o ON o.subject_id = coalesce(s.same_as, s.subject_id) "
                "WHERE s.subject_id = ANY(%s::uuid[]) AND o.wrapped_secret IS NOT NULL",
                (list(subjects),),
            )
        wrapped = {oldest: Wrapped(KekId(kek), bytes(data)) for _, oldest, data, kek in rows}
        opened = await self._wrapping.unwrapped([(each, oldest) for oldest, each in wrapped.items()])
        names = {oldest: _pseudonym(key, secret) for oldest, secret in zip(wrapped, opened, strict=True)}
        return {SubjectId(subject): names[oldest] for subject, oldest, _, _ in rows}


def _pseudonym(key: bytes, secret: bytes) -> str:
    digest = hmac.digest(key, secret, "sha256")
    return base64.b32encode(digest).decode().lower()[:PSEUDONYM_CHARS]
