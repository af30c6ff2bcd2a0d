"""The vault: random ids for what agencies refer to, and the keys of each person, in PostgreSQL.

Rule 1: what identifies (a reference) enters only as HMAC-SHA-256 under a key of the vault.
Rule 2: ids, keys and secrets are random; nothing is derived from a person's data.
Rule 3: get or create is one statement that is safe when two processes ask at once, and says the same for ever.
Rule 4: a destroyed key is never made again; who asks for it gets None.
Rule 5: after an erasure has committed, no process uses what it had unwrapped before.
Rule 6: nothing is written under a key encryption key that was retired.
"""

from collections.abc import Collection, Mapping, Sequence

from psycopg_pool import AsyncConnectionPool

from infra.vault.connection import Connections
from infra.vault.holders import LEDGER, Holder, Reference
from infra.vault.kek import Kek
from infra.vault.key_cache import KeyCache
from infra.vault.keys import Keys, Recipient
from infra.vault.own_keys import OwnKeys
from infra.vault.persons import Persons
from infra.vault.pseudonyms import HmacPseudonyms
from infra.vault.references import References
from infra.vault.referrals import Referrals, ReferralSide
from infra.vault.rotation import Rotation
from infra.vault.wrapping import Wrapping
from schemas.names import CaseId, KeyId, PartnerId, SubjectId
from schemas.sealing import DataKey


class Vault(Persons):
    """The vault behind *pool* (role hub_vault), its keys wrapped by *kek*."""

    def __init__(self, pool: AsyncConnectionPool, kek: Kek) -> None:
        connections = Connections(pool)
        super().__init__(connections)
        wrapping = Wrapping(connections, kek)
        self._own = OwnKeys(connections, wrapping)
        self._references = References(connections, wrapping, self._own)
        self._referrals = Referrals(connections, self._references)
        self._keys = Keys(connections, wrapping, KeyCache())
        self._pseudonyms = HmacPseudonyms(connections, wrapping, self._own)
        self.rotation = Rotation(connections, wrapping, kek)

    async def subjects(
        self, references: Collection[Reference], referrals: Sequence[ReferralSide] = ()
    ) -> dict[Reference, SubjectId]:
        """Return the person that each of *references* means, a new one where it was never seen.

        *referrals*, whose references are among these, are taken into account and remembered before: they carry a
        person on from one agency to the other.
        """
        if not referrals:
            return await self._references.subjects(references)
        await self._referrals.bind(referrals)
        found = await self._references.subjects(references)
        return await self._references.subjects(references) if await self._referrals.add(referrals, found) else found

    async def known(self, reference: Reference) -> SubjectId | None:
        """Return the person that *reference* means, None when nobody published it; nothing is made.

        Raises RestrictedSubjectError for whom a restricted note protects: that number is resolved by the specialist
        officer alone (guidelines C.1.4).
        """
        return await self._references.known(reference)

    async def any_erased(self, references: Collection[Reference]) -> bool:
        """Whether one of *references* means a person whose keys were destroyed; nothing is made."""
        return await self._references.any_erased(references)

    async def cases(self, references: Collection[Reference]) -> dict[Reference, CaseId]:
        """Return the random case id of each of *references*, a new one where it was never seen."""
        return await self._references.cases(references)

    async def keys(self, holders: Mapping[Holder, str], recipient: Recipient = LEDGER) -> dict[Holder, DataKey]:
        """Return the key of each holder for *recipient*, made now where there was none.

        *holders* gives the subject to write on the channel. A holder whose key was destroyed is left out.
        """
        return await self._keys.keys(holders, recipient)

    async def open(self, kids: Collection[KeyId], recipient: Recipient = LEDGER) -> dict[KeyId, bytes | None]:
        """Return the key of each of *kids* that was made for *recipient*; None when destroyed or not theirs."""
        return await self._keys.open(kids, recipient)

    async def pseudonyms(
        self, recipient: PartnerId, year: int, subjects: Collection[SubjectId]
    ) -> dict[SubjectId, str]:
        """Return what *recipient* calls each of *subjects* in *year*: unlinkable to what others call them."""
        return await self._pseudonyms.pseudonyms(recipient, year, subjects)

    async def secret(self, name: str) -> bytes:
        """Return the key *name* of the hub itself, made now when there was none."""
        return await self._own.secret(name)
