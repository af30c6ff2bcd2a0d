"""The vault in memory, with keys that follow from a name: the same person has the same key in every run."""

import hashlib
import uuid
from collections.abc import Collection, Mapping
from typing import Any

from infra.vault.holders import LEDGER, Holder, Reference
from infra.vault.vault import Vault
from schemas.names import CaseId, KeyId, PartnerId, SubjectId
from schemas.sealing import DataKey
from tests.simulation.world import Worker


class MemoryVault(Vault):
    """What `Vault` promises, out of *held*, which all workers share."""

    def __init__(self, worker: Worker, held: "dict[str, Any]") -> None:
        self._worker = worker
        self._restricted: set[SubjectId] = held.setdefault("restricted", set())
        self._kids: dict[tuple[str, str], bytes] = held.setdefault("kids", {})

    async def subjects(self, references: Collection[Reference]) -> dict[Reference, SubjectId]:
        await self._step()
        return {each: SubjectId(_id("subject", *each)) for each in references}

    async def cases(self, references: Collection[Reference]) -> dict[Reference, CaseId]:
        await self._step()
        return {each: CaseId(_id("case", *each)) for each in references}

    async def keys(self, holders: Mapping[Holder, str], recipient: PartnerId | str = LEDGER) -> dict[Holder, DataKey]:
        await self._step()
        found = {}
        for holder, subject in holders.items():
            kid = _id("key", str(recipient), holder)
            key = hashlib.sha256(kid.encode()).digest()
            self._kids[str(recipient), kid] = key
            found[holder] = DataKey(KeyId(kid), subject, key)
        return found

    async def open(self, kids: Collection[KeyId], recipient: PartnerId | str = LEDGER) -> dict[KeyId, bytes | None]:
        await self._step()
        return {kid: self._kids.get((str(recipient), str(kid))) for kid in kids}

    async def pseudonyms(
        self, recipient: PartnerId, year: int, subjects: Collection[SubjectId]
    ) -> dict[SubjectId, str]:
        await self._step()
        return {subject: _id("pseudonym", str(recipient), str(year), str(subject)) for subject in subjects}

    async def restrict(self, subjects: Collection[SubjectId]) -> None:
        await self._step()
        self._restricted |= set(subjects)

    async def restricted(self, subjects: Collection[SubjectId]) -> frozenset[SubjectId]:
        await self._step()
        return frozenset(self._restricted & set(subjects))

    async def secret(self, name: str) -> bytes:
        await self._step()
        return hashlib.sha256(name.encode()).digest()

    async def _step(self) -> None:
        if self._worker.world.random.random() < 0.1:
            await self._worker.step("sql vault")


def _id(*parts: str) -> str:
    return str(uuid.UUID(bytes=hashlib.sha256("|".join(parts).encode()).digest()[:16]))
