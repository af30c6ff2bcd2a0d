"""The vault in memory, with keys that follow from a name: the same person has the same key in every run."""

import hashlib
import uuid
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from infra.vault.holders import LEDGER, Holder, Reference, holder_of_subject, subject_of
from infra.vault.persons import Destroyed
from infra.vault.references import RestrictedSubjectError
from infra.vault.referrals import ReferralSide
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
        self._holders: dict[tuple[str, Holder], tuple[KeyId, str]] = held.setdefault("holders", {})
        self._subjects: dict[Reference, SubjectId] = held.setdefault("subjects", {})
        self._same_as: dict[SubjectId, SubjectId] = held.setdefault("same_as", {})
        self._erased: set[SubjectId] = held.setdefault("erased", set())
        self._pairs: dict[tuple[str, str, str], list[SubjectId | None]] = held.setdefault("referrals", {})

    async def subjects(
        self, references: Collection[Reference], referrals: Sequence[ReferralSide] = ()
    ) -> dict[Reference, SubjectId]:
        await self._step()
        for side in referrals:
            offered, answered = self._pairs.setdefault(side.pair, [None, None])
            mine = self._subjects.get(side.reference) or _subject(side.reference)
            if (
                not side.is_offer
                and side.reference not in self._subjects
                and offered
                and offered not in self._restricted
            ):
                mine = offered
            self._subjects[side.reference] = mine
            self._pairs[side.pair] = [offered or mine, answered] if side.is_offer else [offered, answered or mine]
            await self._step()
            offered, answered = self._pairs[side.pair]
            if offered and answered and not {offered, answered} & self._restricted:
                await self.same_person(offered, answered)
        for each in references:
            self._subjects.setdefault(each, _subject(each))
        return {each: self._root(self._subjects[each]) for each in references}

    async def same_person(self, a: SubjectId, b: SubjectId) -> SubjectId:
        order = list(dict.fromkeys(self._subjects.values()))  # the oldest first
        older, *younger = sorted({self._root(a), self._root(b)}, key=lambda each: (order.index(each), each))
        for each in younger:
            self._same_as[each] = older
            if each in self._restricted:
                self._restricted.add(older)
        return older

    async def aliases(self, subject: SubjectId) -> frozenset[SubjectId]:
        root = self._root(subject)
        return frozenset({each for each in self._same_as if self._root(each) == root} | {root, subject})

    async def known(self, reference: Reference) -> SubjectId | None:
        found = self._subjects.get(reference)
        if found is not None and await self.restricted([found]):
            raise RestrictedSubjectError("a restricted note protects this person")
        return None if found is None else self._root(found)

    async def recipients(self, subjects: Collection[SubjectId]) -> dict[PartnerId, tuple[str, ...]]:
        holders = {holder_of_subject(each) for subject in subjects for each in await self.aliases(subject)}
        found: dict[PartnerId, set[str]] = {}
        for (recipient, holder), (_, name) in self._holders.items():
            if holder in holders and recipient != LEDGER:
                found.setdefault(PartnerId(recipient), set()).add(name)
        return {recipient: tuple(sorted(names)) for recipient, names in sorted(found.items())}

    async def destroy(self, subjects: Collection[SubjectId]) -> Destroyed:
        await self._step()
        group = frozenset[SubjectId]().union(*[await self.aliases(each) for each in subjects])
        kids: dict[PartnerId, tuple[KeyId, ...]] = {}
        count = len(group - self._erased)
        self._erased |= group
        for (recipient, holder), (kid, _) in sorted(self._holders.items()):
            if holder in {holder_of_subject(each) for each in group}:
                count += self._kids.pop((recipient, kid), None) is not None
                kids[PartnerId(recipient)] = (*kids.get(PartnerId(recipient), ()), kid)
        return Destroyed(subjects=group, kids=kids, count=count)

    async def erased(self, subjects: Collection[SubjectId]) -> frozenset[SubjectId]:
        return frozenset(self._erased & set(subjects))

    async def cases(self, references: Collection[Reference]) -> dict[Reference, CaseId]:
        await self._step()
        return {each: CaseId(_id("case", *each)) for each in references}

    async def keys(self, holders: Mapping[Holder, str], recipient: PartnerId | str = LEDGER) -> dict[Holder, DataKey]:
        await self._step()
        found = {}
        for holder, subject in holders.items():
            if subject_of(holder) in self._erased:
                continue
            kid = KeyId(_id("key", str(recipient), holder))
            _, name = self._holders.setdefault((str(recipient), holder), (kid, subject))
            key = hashlib.sha256(kid.encode()).digest()
            self._kids[str(recipient), kid] = key
            found[holder] = DataKey(kid, name, key)
        return found

    async def open(self, kids: Collection[KeyId], recipient: PartnerId | str = LEDGER) -> dict[KeyId, bytes | None]:
        await self._step()
        return {kid: self._kids.get((str(recipient), str(kid))) for kid in kids}

    async def pseudonyms(
        self, recipient: PartnerId, year: int, subjects: Collection[SubjectId]
    ) -> dict[SubjectId, str]:
        await self._step()
        return {
            subject: _id("pseudonym", str(recipient), str(year), self._root(subject))
            for subject in subjects
            if subject not in self._erased
        }

    async def restrict(self, subjects: Collection[SubjectId]) -> None:
        await self._step()
        self._restricted |= {each for subject in subjects for each in (subject, self._root(subject))}

    async def restricted(self, subjects: Collection[SubjectId]) -> frozenset[SubjectId]:
        await self._step()
        return frozenset(each for each in subjects if {each, self._root(each)} & self._restricted)

    def _root(self, subject: SubjectId) -> SubjectId:
        return self._root(self._same_as[subject]) if subject in self._same_as else subject

    async def secret(self, name: str) -> bytes:
        await self._step()
        return hashlib.sha256(name.encode()).digest()

    async def _step(self) -> None:
        if self._worker.world.random.random() < 0.1:
            await self._worker.step("sql vault")


def _subject(reference: Reference) -> SubjectId:
    return SubjectId(_id("subject", *reference))


def _id(*parts: str) -> str:
    return str(uuid.UUID(bytes=hashlib.sha256("|".join(parts).encode()).digest()[:16]))
