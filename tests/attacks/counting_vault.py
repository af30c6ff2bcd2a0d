"""The vault of the attacked hub: what is random there counts here, so that two runs that differ in values alone agree.

The real one draws ids and keys at random and nothing of them follows from a value; here the first person that is met
is number one, whoever it is.
"""

import hashlib
import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence

from infra.vault.holders import LEDGER, Holder, Reference
from infra.vault.referrals import ReferralSide
from infra.vault.vault import Vault
from schemas.errors import UnavailableError
from schemas.names import CaseId, KeyId, PartnerId, SubjectId
from schemas.sealing import DataKey


class CountingVault(Vault):
    """What `Vault` promises, in memory; `away` lets it answer no more, `fails` in a way that nobody foresaw."""

    def __init__(self) -> None:
        self.away = False
        self.fails: Exception | None = None
        self.known: dict[tuple[str, Reference], str] = {}
        """Subject or case of each reference."""
        self.data_keys: dict[tuple[str, Holder], tuple[str, str, bytes | None]] = {}
        """Kid, subject as written, and secret (None: destroyed), by recipient and holder: the table of keys."""
        self._restricted: set[SubjectId] = set()
        self.same: dict[SubjectId, frozenset[SubjectId]] = {}
        """Other ids of persons who have several, by the id that stays."""

    def meet(self, kind: str, references: Iterable[Reference]) -> None:
        """Give *references* their numbers in this order: a set has none that two runs share."""
        for reference in references:
            self.known.setdefault((kind, reference), _id(kind, len(self.known)))

    async def subjects(
        self,
        references: Collection[Reference],
        referrals: Sequence[ReferralSide] = (),  # noqa: ARG002 - nobody is carried on here
    ) -> dict[Reference, SubjectId]:
        self._answer()
        self.meet("subject", sorted(references))
        return {each: SubjectId(self.known["subject", each]) for each in references}

    async def cases(self, references: Collection[Reference]) -> dict[Reference, CaseId]:
        self._answer()
        self.meet("case", sorted(references))
        return {each: CaseId(self.known["case", each]) for each in references}

    async def keys(self, holders: Mapping[Holder, str], recipient: PartnerId | str = LEDGER) -> dict[Holder, DataKey]:
        self._answer()
        found = {}
        for holder, subject in holders.items():
            kid = _id("key", str(recipient), holder)
            fresh = (kid, subject, hashlib.sha256(f"secret of {kid}".encode()).digest())
            kid, written, secret = self.data_keys.setdefault((str(recipient), holder), fresh)
            if secret is not None:
                found[holder] = DataKey(KeyId(kid), written, secret)
        return found

    async def open(self, kids: Collection[KeyId], recipient: PartnerId | str = LEDGER) -> dict[KeyId, bytes | None]:
        self._answer()
        own = {kid: secret for (whose, _), (kid, _, secret) in self.data_keys.items() if whose == str(recipient)}
        return {kid: own.get(str(kid)) for kid in kids}

    async def groups(self, subjects: Collection[SubjectId]) -> dict[SubjectId, frozenset[SubjectId]]:
        self._answer()
        return {root: others for root, others in self.same.items() if {root, *others} & set(subjects)}

    async def pseudonyms(
        self, recipient: PartnerId, year: int, subjects: Collection[SubjectId]
    ) -> dict[SubjectId, str]:
        self._answer()
        return {subject: _id("pseudonym", str(recipient), year, subject) for subject in subjects}

    async def restrict(self, subjects: Collection[SubjectId]) -> None:
        self._answer()
        self._restricted |= set(subjects)

    async def restricted(self, subjects: Collection[SubjectId]) -> frozenset[SubjectId]:
        self._answer()
        return frozenset(self._restricted & set(subjects))

    async def secret(self, name: str) -> bytes:
        self._answer()
        return hashlib.sha256(f"secret {name}".encode()).digest()

    def destroy_keys(self, holder: Holder) -> None:
        """Destroy every key of *holder*, whoever it was made for."""
        for place, (kid, subject, _) in self.data_keys.items():
            if place[1] == holder:
                self.data_keys[place] = (kid, subject, None)

    def _answer(self) -> None:
        if self.fails is not None:
            raise self.fails
        if self.away:
            raise UnavailableError("the vault is away")


def _id(*parts: object) -> str:
    return str(uuid.UUID(bytes=hashlib.sha256("|".join(map(str, parts)).encode()).digest()[:16], version=4))
