"""Persons of the vault: who is the same as whom, whom a restricted note protects, and the end of all their keys.

Rule 1: several ids may mean one person; each of them points directly at the oldest.
Rule 2: a restricted note for one of them protects all, and is never taken back.
Rule 3: to destroy is to destroy the keys of every id of the person, for every recipient, and the secret behind the
        pseudonyms, in one transaction that also tells every process to forget what it has unwrapped.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from infra.advisory_locks import AdvisoryLock
from infra.vault.connection import Connection, Connections, rows_of
from infra.vault.holders import LEDGER, holder_of_subject
from schemas.errors import ErasedError, MisuseError
from schemas.names import KeyId, PartnerId, SubjectId

_MERGE_LOCK = AdvisoryLock.MERGING_PERSONS.value
"""Advisory lock: one merge or erasure at a time, so that nobody points at an id that points elsewhere."""
_GROUP = (
    "SELECT subject_id FROM vault.subject WHERE subject_id = ANY(%(roots)s::uuid[]) OR same_as = ANY(%(roots)s::uuid[])"
)


class UnknownSubjectError(MisuseError):
    """The vault has no person of this id."""

    code = "unknown-subject"


@dataclass(frozen=True, slots=True, kw_only=True)
class Destroyed:
    """What an erasure destroyed; the same again when it is repeated, but for the *count*."""

    subjects: frozenset[SubjectId]
    """Every id of the persons."""
    kids: Mapping[PartnerId, tuple[KeyId, ...]]
    """Ids of their keys by recipient, destroyed now or before; `LEDGER` for the hub's own."""
    count: int
    """How many keys and secrets this call destroyed: 0 when all were gone."""


class Persons:
    """The persons behind *connections*."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def aliases(self, subject: SubjectId) -> frozenset[SubjectId]:
        """Return every id of the person, *subject* included; only that when the vault does not know it."""
        async with self._connections() as connection:
            roots = await _roots(connection, [subject])
            return frozenset({subject}) | await _group(connection, roots.values())

    async def expect(self, subject: SubjectId) -> frozenset[SubjectId]:
        """Return every id of the person; raise UnknownSubjectError when the vault does not know *subject*."""
        async with self._connections() as connection:
            roots = await _roots(connection, [subject], strict=True)
            return await _group(connection, roots.values())

    async def groups(self, subjects: Collection[SubjectId]) -> dict[SubjectId, frozenset[SubjectId]]:
        """Return the other ids of each person of *subjects* who has several, by the id that stays."""
        if not subjects:
            return {}
        async with self._connections() as connection:
            found = await rows_of(
                connection,
                "SELECT same_as, array_agg(subject_id::text ORDER BY subject_id) FROM vault.subject WHERE same_as IN "
                "(SELECT coalesce(same_as, subject_id) FROM vault.subject WHERE subject_id = ANY(%s::uuid[])) "
                "GROUP BY same_as",
                (list(subjects),),
            )
        return {SubjectId(str(root)): frozenset(map(SubjectId, others)) for root, others in found}

    async def same_person(self, a: SubjectId, b: SubjectId) -> SubjectId:
        """Declare *a* and *b* one person, the younger an alias of the older, and return the older; idempotent.

        Raises UnknownSubjectError for an id that the vault does not have, ErasedError when one of them was erased.
        """
        async with self._connections() as connection, connection.transaction():
            return await merge(connection, a, b)

    async def recipients(self, subjects: Collection[SubjectId]) -> dict[PartnerId, tuple[str, ...]]:
        """Return the partners that ever got a key for *subjects* or their aliases, with what each calls them.

        A partner that knew a person under two ids from before a merge may have two pseudonyms. Also after erasure.
        """
        async with self._connections() as connection:
            group = await _group(connection, (await _roots(connection, subjects)).values())
            found = await rows_of(
                connection,
                "SELECT recipient, array_agg(DISTINCT subject ORDER BY subject) FROM vault.data_key "
                "WHERE holder = ANY(%s) AND recipient <> %s GROUP BY recipient ORDER BY recipient",
                ([holder_of_subject(each) for each in group], LEDGER),
            )
        return {PartnerId(recipient): tuple(names) for recipient, names in found}

    async def destroy(self, subjects: Collection[SubjectId]) -> Destroyed:
        """Destroy every key and secret of *subjects* and all their aliases; idempotent.

        When it returns no process uses a key of them any more, from a cache neither: each asks for the number of
        erasures before it does. Ids that the vault does not know are passed over.
        """
        async with self._connections() as connection, connection.transaction():
            await _lock_merges(connection)
            group = await _group(connection, (await _roots(connection, subjects)).values())
            holders = [holder_of_subject(each) for each in sorted(group)]
            await rows_of(  # whoever makes a key for one of them has either committed or finds them erased
                connection,
                "SELECT 1 FROM vault.subject WHERE subject_id = ANY(%s::uuid[]) ORDER BY subject_id FOR UPDATE",
                (sorted(group),),
            )
            secrets = await connection.execute(
                "UPDATE vault.subject SET wrapped_secret = NULL, kek_id = NULL, "
                "destroyed_at = coalesce(destroyed_at, now()) "
                "WHERE subject_id = ANY(%s::uuid[]) AND (wrapped_secret IS NOT NULL OR destroyed_at IS NULL)",
                (sorted(group),),
            )
            keys = await connection.execute(
                "UPDATE vault.data_key SET wrapped = NULL, kek_id = NULL, "
                "destroyed_at = coalesce(destroyed_at, now()) "
                "WHERE holder = ANY(%s) AND (wrapped IS NOT NULL OR destroyed_at IS NULL)",
                (holders,),
            )
            count = secrets.rowcount + keys.rowcount
            if count:
                await connection.execute("UPDATE vault.shredding SET generation = generation + 1")
            found = await rows_of(
                connection,
                "SELECT recipient, array_agg(kid::text ORDER BY kid) FROM vault.data_key "
                "WHERE holder = ANY(%s) GROUP BY recipient ORDER BY recipient",
                (holders,),
            )
        kids = {PartnerId(recipient): tuple(map(KeyId, several)) for recipient, several in found}
        return Destroyed(subjects=group, kids=kids, count=count)

    async def restrict(self, subjects: Collection[SubjectId]) -> None:
        """Remember that a restricted note protects *subjects*, for good: what is shown once cannot be taken back."""
        if subjects:
            async with self._connections() as connection:
                await connection.execute(
                    "WITH those AS MATERIALIZED (SELECT subject_id FROM vault.subject WHERE NOT restricted "
                    "AND subject_id IN (SELECT unnest(ARRAY[subject_id, same_as]) FROM vault.subject "
                    "WHERE subject_id = ANY(%s::uuid[])) ORDER BY subject_id FOR NO KEY UPDATE) "
                    "UPDATE vault.subject s SET restricted = true FROM those WHERE s.subject_id = those.subject_id",
                    (sorted(subjects),),
                )

    async def restricted(self, subjects: Collection[SubjectId]) -> frozenset[SubjectId]:
        """Return those of *subjects* whom a restricted note protects, under whichever of their ids."""
        if not subjects:
            return frozenset()
        async with self._connections() as connection:
            found = await rows_of(
                connection,
                "SELECT s.subject_id FROM vault.subject s LEFT JOIN vault.subject o ON o.subject_id = s.same_as "
                "WHERE s.subject_id = ANY(%s::uuid[]) AND (s.restricted OR o.restricted)",
                (sorted(subjects),),
            )
        return frozenset(SubjectId(str(row[0])) for row in found)

    async def erased(self, subjects: Collection[SubjectId]) -> frozenset[SubjectId]:
        """Return those of *subjects* whose keys were destroyed: nothing can be sealed for them any more."""
        if not subjects:
            return frozenset()
        async with self._connections() as connection:
            found = await rows_of(
                connection,
                "SELECT subject_id FROM vault.subject WHERE subject_id = ANY(%s::uuid[]) AND wrapped_secret IS NULL",
                (sorted(subjects),),
            )
        return frozenset(SubjectId(str(row[0])) for row in found)


async def merge(connection: Connection, a: SubjectId, b: SubjectId) -> SubjectId:
    """Make the younger of *a* and *b* an alias of the older, inside a transaction, and return the older."""
    await _lock_merges(connection)
    found = {
        SubjectId(str(root)): (created_at, str(root), restricted, erased)
        for root, created_at, restricted, erased in await rows_of(
            connection,
            "SELECT subject_id, created_at, restricted, wrapped_secret IS NULL FROM vault.subject "
            "WHERE subject_id = ANY(%s::uuid[]) ORDER BY subject_id FOR UPDATE",
            (sorted(set((await _roots(connection, [a, b], strict=True)).values())),),
        )
    }
    if any(erased for *_, erased in found.values()):
        raise ErasedError("one of the persons was erased: nobody can be declared the same as who is not known any more")
    older, *younger = sorted(found, key=lambda root: found[root][:2])
    if younger:
        await connection.execute(
            "UPDATE vault.subject SET same_as = %s WHERE subject_id = ANY(%s::uuid[]) OR same_as = ANY(%s::uuid[])",
            (older, younger, younger),
        )
        if any(restricted for _, _, restricted, _ in found.values()):
            await connection.execute("UPDATE vault.subject SET restricted = true WHERE subject_id = %s", (older,))
    return older


async def _lock_merges(connection: Connection) -> None:
    await connection.execute("SELECT pg_advisory_xact_lock(%s)", (_MERGE_LOCK,))


async def _roots(
    connection: Connection, subjects: Collection[SubjectId], *, strict: bool = False
) -> dict[SubjectId, SubjectId]:
    """Return the oldest id of each of *subjects* that the vault knows; all must be known when *strict*."""
    found = {
        SubjectId(str(subject)): SubjectId(str(root))
        for subject, root in await rows_of(
            connection,
            "SELECT subject_id, coalesce(same_as, subject_id) FROM vault.subject WHERE subject_id = ANY(%s::uuid[])",
            (sorted(subjects),),
        )
    }
    if strict and not found.keys() >= set(subjects):
        raise UnknownSubjectError("the vault has no person of one of these ids")
    return found


async def _group(connection: Connection, roots: Collection[SubjectId]) -> frozenset[SubjectId]:
    found = await rows_of(connection, _GROUP, {"roots": sorted(set(roots))})  # type: ignore[arg-type]  # by name
    return frozenset(SubjectId(str(row[0])) for row in found)
