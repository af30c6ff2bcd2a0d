"""The vault: random ids for what agencies refer to, and the keys of each person, in PostgreSQL.

Rule 1: what identifies (a reference) enters only as HMAC-SHA-256 under a key of the vault.
Rule 2: ids, keys and secrets are random; nothing is derived from a person's data.
Rule 3: get or create is one statement that is safe when two processes ask at once, and says the same for ever.
Rule 4: a destroyed key is never made again; who asks for it gets None.
"""

import base64
import hashlib
import hmac
import secrets
import time
import uuid
from collections.abc import Collection, Mapping

from psycopg_pool import AsyncConnectionPool

from infra.vault.connection import Connection, Connections, rows_of
from infra.vault.holders import LEDGER, Holder, Reference
from infra.vault.kek import Kek
from infra.vault.persons import Persons
from schemas.errors import MisuseError
from schemas.names import CaseId, KeyId, PartnerId, SubjectId
from schemas.sealing import DataKey

KEY_BYTES = 32
CACHE_S = 300.0
"""Unwrapped keys are kept at most five minutes (privacy.md section 4.2)."""
CACHE_ENTRIES = 50_000
PSEUDONYM_CHARS = 26
_KEYS_OF_HOLDERS = "SELECT holder, kid, wrapped, subject FROM vault.data_key WHERE recipient = %s AND holder = ANY(%s)"


class RestrictedSubjectError(MisuseError):
    """A restricted note protects the person: nobody but the specialist officer resolves the number."""

    code = "restricted-subject"


class Vault(Persons):
    """The vault behind *pool* (role hub_vault), its keys wrapped by *kek*."""

    def __init__(self, pool: AsyncConnectionPool, kek: Kek) -> None:
        super().__init__(Connections(pool))
        self._kek = kek
        self._secrets: dict[str, bytes] = {}
        self._keys: dict[tuple[str, KeyId], tuple[float, bytes]] = {}

    async def subjects(self, references: Collection[Reference]) -> dict[Reference, SubjectId]:
        """Return the person that each of *references* means, a new one where it was never seen."""
        found = await self._resolve("subject_reference", "subject_id", references, with_subject=True)
        return {reference: SubjectId(value) for reference, value in found.items()}

    async def known(self, reference: Reference) -> SubjectId | None:
        """Return the person that *reference* means, None when nobody published it; nothing is made.

        Raises RestrictedSubjectError for whom a restricted note protects: that number is resolved by the specialist
        officer alone (guidelines C.1.4).
        """
        lookup = await self.secret("lookup")
        async with self._connections() as connection:
            found = await rows_of(
                connection,
                "SELECT coalesce(s.same_as, s.subject_id), s.restricted OR coalesce(o.restricted, false) "
                "FROM vault.subject_reference r JOIN vault.subject s USING (subject_id) "
                "LEFT JOIN vault.subject o ON o.subject_id = s.same_as WHERE r.agency = %s AND r.reference_mac = %s",
                (reference[0], _mac(lookup, "subject_reference", reference)),
            )
        if found and found[0][1]:
            raise RestrictedSubjectError(
                "a restricted note protects this person; the specialist officer alone resolves the number"
            )
        return SubjectId(str(found[0][0])) if found else None

    async def cases(self, references: Collection[Reference]) -> dict[Reference, CaseId]:
        """Return the random case id of each of *references*, a new one where it was never seen."""
        found = await self._resolve("case_reference", "case_id", references, with_subject=False)
        return {reference: CaseId(value) for reference, value in found.items()}

    async def keys(self, holders: Mapping[Holder, str], recipient: PartnerId | str = LEDGER) -> dict[Holder, DataKey]:
        """Return the key of each holder for *recipient*, made now where there was none.

        *holders* gives the subject to write on the channel. A holder whose key was destroyed is left out.
        """
        if not holders:
            return {}
        names = sorted(holders)
        kids = [uuid.uuid4() for _ in names]
        fresh = [self._kek.wrap(secrets.token_bytes(KEY_BYTES), str(kid)) for kid in kids]
        async with self._connections() as connection:
            rows = await rows_of(
                connection,
                _KEYS_OF_HOLDERS,
                (recipient, names),
            )
            if len(rows) < len(names):
                await connection.execute(
                    "INSERT INTO vault.data_key (kid, holder, recipient, subject, wrapped) "
                    "SELECT k, h, %s, s, w "
                    "FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::bytea[]) AS t(k, h, s, w) "
                    "ON CONFLICT (holder, recipient) DO NOTHING",
                    (recipient, kids, names, [holders[name] for name in names], fresh),
                )
                rows = await rows_of(
                    connection,
                    _KEYS_OF_HOLDERS,
                    (recipient, names),
                )
        return {
            holder: DataKey(KeyId(str(kid)), subject, self._unwrap(recipient, KeyId(str(kid)), wrapped))
            for holder, kid, wrapped, subject in rows
            if wrapped is not None
        }

    async def open(self, kids: Collection[KeyId], recipient: PartnerId | str = LEDGER) -> dict[KeyId, bytes | None]:
        """Return the key of each of *kids* that was made for *recipient*; None when destroyed or not theirs."""
        now = time.monotonic()
        found: dict[KeyId, bytes | None] = dict.fromkeys(kids)
        missing = []
        for kid in found:
            cached = self._keys.get((LEDGER, kid)) if recipient == LEDGER else None
            if cached is not None and cached[0] > now:
                found[kid] = cached[1]
            elif _is_uuid(kid):
                missing.append(kid)
        if missing:
            async with self._connections() as connection:
                rows = await rows_of(
                    connection,
                    "SELECT kid, wrapped FROM vault.data_key "
                    "WHERE recipient = %s AND kid = ANY(%s::uuid[]) AND wrapped IS NOT NULL",
                    (recipient, missing),
                )
            for kid, wrapped in rows:
                found[KeyId(str(kid))] = self._unwrap(recipient, KeyId(str(kid)), wrapped)
        return found

    async def pseudonyms(
        self, recipient: PartnerId, year: int, subjects: Collection[SubjectId]
    ) -> dict[SubjectId, str]:
        """Return what *recipient* calls each of *subjects* in *year*: unlinkable to what others call them.

        HMAC-SHA-256 under a key of that recipient and year over the person's random secret (design section 5);
        a subject that was erased is left out.
        """
        if not subjects:
            return {}
        key = await self.secret(f"pseudonym:{recipient}:{year}")
        async with self._connections() as connection:
            rows = await rows_of(
                connection,
                "SELECT s.subject_id, o.subject_id, o.wrapped_secret FROM vault.subject s "
                "JOIN vault.subject o ON o.subject_id = coalesce(s.same_as, s.subject_id) "
                "WHERE s.subject_id = ANY(%s::uuid[]) AND o.wrapped_secret IS NOT NULL",
                (list(subjects),),
            )
        out: dict[SubjectId, str] = {}
        for subject_id, oldest, wrapped in rows:
            own = self._kek.unwrap(wrapped, str(oldest))
            digest = hmac.digest(key, own, "sha256")
            out[SubjectId(str(subject_id))] = base64.b32encode(digest).decode().lower()[:PSEUDONYM_CHARS]
        return out

    async def secret(self, name: str) -> bytes:
        """Return the key *name* of the hub itself, made now when there was none."""
        if name not in self._secrets:
            fresh = self._kek.wrap(secrets.token_bytes(KEY_BYTES), name)
            async with self._connections() as connection:
                await connection.execute(
                    "INSERT INTO vault.secret (name, wrapped) VALUES (%s, %s) ON CONFLICT DO NOTHING",
                    (name, fresh),
                )
                rows = await rows_of(connection, "SELECT wrapped FROM vault.secret WHERE name = %s", (name,))
            self._secrets[name] = self._kek.unwrap(rows[0][0], name)
        return self._secrets[name]

    async def _resolve(
        self, table: str, column: str, references: Collection[Reference], *, with_subject: bool
    ) -> dict[Reference, str]:
        if not references:
            return {}
        lookup = await self.secret("lookup")
        macs = {(r[0], _mac(lookup, table, r)): r for r in references}
        order = sorted(macs)  # two processes that make the same rows in another order would lock each other out
        agencies, digests = [agency for agency, _ in order], [mac for _, mac in order]
        oldest = "coalesce(same_as, subject_id)" if with_subject else column
        people = "JOIN vault.subject USING (subject_id) " if with_subject else ""
        select = (
            f"SELECT agency, reference_mac, {oldest} FROM vault.{table} {people}"  # noqa: S608 - names are ours
            "WHERE (agency, reference_mac) IN (SELECT * FROM unnest(%s::text[], %s::bytea[]))"
        )
        async with self._connections() as connection:
            rows = await rows_of(connection, select, (agencies, digests))
            if len(rows) < len(macs):
                known = {(row[0], bytes(row[1])) for row in rows}
                fresh = {key: uuid.uuid4() for key in order if key not in known}
                async with connection.transaction():  # one wait for the disk, not one for each statement
                    if with_subject:
                        await self._make_subjects(connection, list(fresh.values()))
                    await connection.execute(
                        f"INSERT INTO vault.{table} (agency, reference_mac, {column}) "  # noqa: S608 - names are ours
                        "SELECT * FROM unnest(%s::text[], %s::bytea[], %s::uuid[]) ON CONFLICT DO NOTHING",
                        ([key[0] for key in fresh], [key[1] for key in fresh], list(fresh.values())),
                    )
                rows = await rows_of(connection, select, (agencies, digests))
        return {macs[row[0], bytes(row[1])]: str(row[2]) for row in rows}

    async def _make_subjects(self, connection: Connection, ids: list[uuid.UUID]) -> None:
        wrapped = [self._kek.wrap(secrets.token_bytes(KEY_BYTES), str(subject_id)) for subject_id in ids]
        await connection.execute(
            "INSERT INTO vault.subject (subject_id, wrapped_secret) SELECT * FROM unnest(%s::uuid[], %s::bytea[])",
            (ids, wrapped),
        )

    def _unwrap(self, recipient: str, kid: KeyId, wrapped: bytes) -> bytes:
        now = time.monotonic()
        cached = self._keys.get((recipient, kid))
        if cached is not None and cached[0] > now:
            return cached[1]
        if len(self._keys) >= CACHE_ENTRIES:
            self._keys.clear()
        key = self._kek.unwrap(bytes(wrapped), str(kid))
        self._keys[recipient, kid] = (now + CACHE_S, key)
        return key


def _mac(key: bytes, table: str, reference: Reference) -> bytes:
    agency, text = reference
    return hmac.digest(key, f"{table}|{agency}|{text}".encode(), hashlib.sha256)


def _is_uuid(text: str) -> bool:
    """Whether *text* is a UUID in its canonical form; Python and PostgreSQL each take others that the other refuses."""
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False
