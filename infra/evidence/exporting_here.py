"""Exports and public keys for the commands of an operator, out of the current home and its vault."""

from collections.abc import Sequence
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from psycopg_pool import AsyncConnectionPool

from infra.evidence.exporting import Exporter, Progress, Wanted
from infra.evidence.keys import EvidenceKeys
from infra.evidence.receipts import ms_of
from infra.workplace import Workplace, at_vault

READER = "hub-admin"


def export_here(agencies: Sequence[str], wanted: Wanted, output: Path, progress: Progress) -> dict[str, int]:
    """Write what is *wanted* of *agencies* to *output*, signed by the hub; return the counts of what it holds."""

    async def run(place: Workplace, pool: AsyncConnectionPool) -> dict[str, int]:
        keys = EvidenceKeys(pool, place.vault(pool))
        exporter = Exporter(credentials=place.credentials(READER), codec=place.codec, records=True, progress=progress)
        made_at_ms = ms_of(await place.clock.now())
        public, key = await keys.public(), await keys.current()
        return await exporter.export(agencies, wanted, output, made_at_ms=made_at_ms, key=key, keys=public)

    return at_vault(run)


def public_keys(*, rotate: bool) -> list[Ed25519PublicKey]:
    """Return the public keys of the current home, the oldest first; make a new one first when asked to *rotate*."""

    async def run(place: Workplace, pool: AsyncConnectionPool) -> list[Ed25519PublicKey]:
        keys = EvidenceKeys(pool, place.vault(pool))
        if rotate:
            await keys.make()
        return await keys.public()

    return at_vault(run)
