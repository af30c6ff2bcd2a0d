"""Who and what agencies mean by their references: random ids, found by a keyed hash of the reference.

What identifies enters only as HMAC-SHA-256 under a key of the vault; ids are random. To get or create is safe when
two processes ask at once, and gives the same for ever: the oldest id, where one person has several.
"""

import hmac
import secrets
import uuid
from collections.abc import Collection, Sequence

from infra.vault.connection import Connection, Connections, rows_of
from infra.vault.holders import Reference
from infra.vault.kek import Wrapped
from infra.vault.own_keys import KEY_BYTES, OwnKeys
from infra.vault.wrapping import Wrapping
from schemas.errors import MisuseError
from schemas.names import AgencyId, CaseId, SubjectId

Hashed = tuple[AgencyId, bytes]
"""An agency, and the keyed hash of its reference."""

_THESE = "(agency, reference_mac) IN (SELECT * FROM unnest(%s::text[], %s::bytea[]))"
_CASES = f"SELECT agency, reference_mac, case_id::text FROM vault.case_reference WHERE {_THESE}"  # noqa: S608 - ours
_SUBJECTS = (
    "SELECT agency, reference_mac, coalesce(same_as, subject_id)::text "  # noqa: S608 - ours
    f"FROM vault.subject_reference JOIN vault.subject USING (subject_id) WHERE {_THESE}"
)
_ASSIGN = "SELECT * FROM unnest(%s::text[], %s::bytea[], %s::uuid[]) ON CONFLICT DO NOTHING"
ASSIGN_SUBJECTS = f"INSERT INTO vault.subject_reference (agency, reference_mac, subject_id) {_ASSIGN}"
_ASSIGN_CASES = f"INSERT INTO vault.case_reference (agency, reference_mac, case_id) {_ASSIGN}"


class RestrictedSubjectError(MisuseError):
    """A restricted note protects the person: nobody but the specialist officer resolves the number."""

    code = "restricted-subject"


class References:
    """The references behind *connections*."""

    def __init__(self, connections: Connections, wrapping: Wrapping, own: OwnKeys) -> None:
        self._connections = connections
        self._wrapping = wrapping
        self._own = own

    async def subjects(self, references: Collection[Reference]) -> dict[Reference, SubjectId]:
        """Return the person that each of *references* means, a new one where it was never seen."""
        macs = await self.hashed("subject_reference", references)
        order = sorted(macs)
        found = await self._found(_SUBJECTS, order)
        missing = [key for key in order if key not in found]
        if missing:
            await self._make_subjects(missing)
            found |= await self._found(_SUBJECTS, missing)
        return {macs[key]: SubjectId(value) for key, value in found.items()}

    async def cases(self, references: Collection[Reference]) -> dict[Reference, CaseId]:
        """Return the random case id of each of *references*, a new one where it was never seen."""
        macs = await self.hashed("case_reference", references)
        order = sorted(macs)
        found = await self._found(_CASES, order)
        missing = [key for key in order if key not in found]
        if missing:
            async with self._connections() as connection:
                await assign(connection, _ASSIGN_CASES, {key: str(uuid.uuid4()) for key in missing})
            found |= await self._found(_CASES, missing)
        return {macs[key]: CaseId(value) for key, value in found.items()}

    async def known(self, reference: Reference) -> SubjectId | None:
        """Return the person that *reference* means, None when nobody published it; nothing is made.

        Raises RestrictedSubjectError for whom a restricted note protects: that number is resolved by the specialist
        officer alone (guidelines C.1.4).
        """
        ((agency, mac),) = await self.hashed("subject_reference", [reference])
        async with self._connections() as connection:
            found = await rows_of(
                connection,
                "SELECT coalesce(s.same_as, s.subject_id)::text, s.restricted OR coalesce(o.restricted, false) "
                "FROM vault.subject_reference r JOIN vault.subject s USING (subject_id) "
                "LEFT JOIN vault.subject o ON o.subject_id = s.same_as WHERE r.agency = %s AND r.reference_mac = %s",
                (agency, mac),
            )
        if found and found[0][1]:
            raise RestrictedSubjectError(
                "a restricted note protects this person; the specialist officer alone resolves the number"
            )
        return SubjectId(found[0][0]) if found else None

    async def any_erased(self, references: Collection[Reference]) -> bool:
        """Whether one of *references* means a person whose keys were destroyed; nothing is made."""
        order = sorted(await self.hashed("subject_reference", references))
        if not order:
            return False
        async with self._connections() as connection:
            found = await rows_of(
                connection,
                "SELECT EXISTS (SELECT FROM vault.subject_reference JOIN vault.subject USING (subject_id) "  # noqa: S608 - ours
                f"WHERE {_THESE} AND destroyed_at IS NOT NULL)",
                ([key[0] for key in order], [key[1] for key in order]),
            )
        return bool(found[0][0])

    async def hashed(self, table: str, references: Collection[Reference]) -> dict[Hashed, Reference]:
        """Return *references* by what *table* knows them by."""
        if not references:
            return {}
        lookup = await self._own.secret("lookup")
        return {(each[0], _mac(lookup, table, each)): each for each in references}

    async def _found(self, query: str, keys: Sequence[Hashed]) -> dict[Hashed, str]:
        if not keys:
            return {}
        async with self._connections() as connection:
            rows = await rows_of(connection, query, ([key[0] for key in keys], [key[1] for key in keys]))
        return {(AgencyId(row[0]), bytes(row[1])): row[2] for row in rows}

    async def _make_subjects(self, keys: Sequence[Hashed]) -> None:
        fresh = {key: str(uuid.uuid4()) for key in keys}

        async def write(wrapped: list[Wrapped]) -> None:
            async with self._connections() as connection, connection.transaction():  # one wait for the disk
                await connection.execute(
                    "INSERT INTO vault.subject (subject_id, wrapped_secret, kek_id) "
                    "SELECT * FROM unnest(%s::uuid[], %s::bytea[], %s::text[])",
                    (list(fresh.values()), [each.data for each in wrapped], [each.kek_id for each in wrapped]),
                )
                await assign(connection, ASSIGN_SUBJECTS, fresh)

        await self._wrapping.written([(secrets.token_bytes(KEY_BYTES), each) for each in fresh.values()], write)


async def assign(connection: Connection, statement: str, ids: dict[Hashed, str]) -> None:
    """Let each reference mean its id unless it means one; in order, as two processes would lock each other out else."""
    order = sorted(ids)
    arguments = ([key[0] for key in order], [key[1] for key in order], [ids[key] for key in order])
    await connection.execute(statement.encode(), arguments)


def _mac(key: bytes, table: str, reference: Reference) -> bytes:
    agency, text = reference
    return hmac.digest(key, f"{table}|{agency}|{text}".encode(), "sha256")
