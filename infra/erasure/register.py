"""Who asked for an erasure, who agreed, which persons are held, and how far each erasure is: rows of the vault."""

import datetime as dt
import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import cast

from psycopg_pool import AsyncConnectionPool

from infra.vault.connection import Connection, Connections, rows_of
from schemas.codelists import is_code
from schemas.errors import MisuseError, RejectedError
from schemas.names import SubjectId

REASONS = "erasure_reason"


class LegalHoldError(RejectedError):
    """A legal hold keeps the data of the person."""

    code = "legal-hold"


class SamePersonError(RejectedError):
    """Who asked for an erasure wants to agree to it."""

    code = "second-person-needed"


class UnknownErasureError(MisuseError):
    """No erasure has this id."""

    code = "unknown-erasure"


class UnknownReasonError(MisuseError):
    """A reason is none of the codes."""

    code = "unknown-reason"


class ErasureAskedError(MisuseError):
    """An erasure of the person is under way already."""

    code = "erasure-asked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """One erasure, as far as it is."""

    erasure_id: str
    subject_id: SubjectId
    reason: str
    requested_by: str
    requested_at: dt.datetime
    approved_by: str | None
    approved_at: dt.datetime | None
    keys: int | None
    keys_hash: str | None
    partners: tuple[str, ...]
    ledger_ends: tuple[int, ...]
    completed_at: dt.datetime | None

    @property
    def state(self) -> str:
        """`asked`, `ordered` (agreed to, not yet complete) or `completed`."""
        return "completed" if self.completed_at else "ordered" if self.approved_at else "asked"


_COLUMNS = (
    "erasure_id::text, subject_id::text, reason, requested_by, requested_at, approved_by, approved_at, "
    "keys, keys_hash, partners, ledger_ends, completed_at"
)

_ASK = "INSERT INTO vault.erasure (erasure_id, subject_id, reason, requested_by) VALUES (%s, %s, %s, %s)"
_APPROVE = (
    "UPDATE vault.erasure SET approved_by = %s, approved_at = date_trunc('milliseconds', now()) WHERE erasure_id = %s"
)


class Register:
    """The register behind *pool* (role hub_vault)."""

    def __init__(self, pool: AsyncConnectionPool) -> None:
        self._connections = Connections(pool)

    async def ask(self, subject: SubjectId, group: Collection[SubjectId], reason: str, operator: str) -> Erasure:
        """Note that *operator* asks to erase *subject*, who has the ids of *group*.

        Raises UnknownReasonError, LegalHoldError, ErasureAskedError.
        """
        if not is_code(REASONS, reason):
            raise UnknownReasonError("give a code of the list erasure_reason: `hub subject erase --help` has them")
        under_way = "SELECT erasure_id::text FROM vault.erasure WHERE subject_id = ANY(%s::uuid[])"
        async with self._connections() as connection, connection.transaction():
            await _expect_no_hold(connection, group)
            asked = await rows_of(connection, f"{under_way} AND completed_at IS NULL", (sorted(group),))
            if asked:
                raise ErasureAskedError(f"an erasure of this person is under way: {asked[0][0]}")
            found = await rows_of(
                connection,
                f"{_ASK} RETURNING {_COLUMNS}",
                (uuid.uuid4(), subject, reason, operator),
            )
        return _erasure(found[0])

    async def approve(self, erasure_id: str, group: Collection[SubjectId], operator: str) -> Erasure:
        """Note that *operator* agrees; nothing changes when somebody agreed before.

        Raises UnknownErasureError, SamePersonError, LegalHoldError.
        """
        async with self._connections() as connection, connection.transaction():
            erasure = await _of(connection, erasure_id, lock=True)
            if erasure.approved_at is not None:
                return erasure
            if erasure.requested_by == operator:
                raise SamePersonError("who asked for an erasure cannot agree to it: another operator has to")
            await _expect_no_hold(connection, group)
            found = await rows_of(
                connection,
                f"{_APPROVE} RETURNING {_COLUMNS}",
                (operator, erasure_id),
            )
        return _erasure(found[0])

    async def complete(
        self, erasure_id: str, keys: int, keys_hash: str, partners: Sequence[str], ledger_ends: Sequence[int]
    ) -> Erasure:
        """Note the proof, once; return what was noted."""
        async with self._connections() as connection:
            await connection.execute(
                "UPDATE vault.erasure SET keys = %s, keys_hash = %s, partners = %s, ledger_ends = %s, "
                "completed_at = date_trunc('milliseconds', now()) WHERE erasure_id = %s AND completed_at IS NULL",
                (keys, keys_hash, list(partners), list(ledger_ends), erasure_id),
            )
            return await _of(connection, erasure_id)

    async def erasure(self, erasure_id: str) -> Erasure:
        """Return the erasure; raise UnknownErasureError."""
        async with self._connections() as connection:
            return await _of(connection, erasure_id)

    async def erasures(self) -> tuple[Erasure, ...]:
        """Return every erasure, the newest first."""
        async with self._connections() as connection:
            newest_first = f"SELECT {_COLUMNS} FROM vault.erasure ORDER BY requested_at DESC"  # noqa: S608 - names are ours
            found = await rows_of(connection, newest_first)
        return tuple(map(_erasure, found))

    async def note_same(self, subject: SubjectId, same_as: SubjectId, reason: str, operator: str) -> None:
        """Note who declared two ids one person, and why."""
        async with self._connections() as connection:
            await connection.execute(
                "INSERT INTO vault.declared_same (subject_id, same_as, reason, declared_by) VALUES (%s, %s, %s, %s)",
                (subject, same_as, reason, operator),
            )

    async def hold(self, subject: SubjectId, reason: str, operator: str) -> None:
        """Keep the data of *subject* until the hold is ended; holding twice changes nothing."""
        async with self._connections() as connection:
            await connection.execute(
                "INSERT INTO vault.legal_hold (subject_id, reason, held_by) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
                (subject, reason, operator),
            )

    async def end_hold(self, group: Collection[SubjectId], reason: str, operator: str) -> int:
        """End every hold on the ids of *group*, and return how many there were; what was held stays on record."""
        async with self._connections() as connection:
            ended = await connection.execute(
                "WITH gone AS (DELETE FROM vault.legal_hold WHERE subject_id = ANY(%s::uuid[]) RETURNING *) "
                "INSERT INTO vault.legal_hold_ended SELECT subject_id, reason, held_by, held_at, %s, %s FROM gone",
                (sorted(group), reason, operator),
            )
        return ended.rowcount


async def _expect_no_hold(connection: Connection, group: Collection[SubjectId]) -> None:
    held = await rows_of(
        connection, "SELECT 1 FROM vault.legal_hold WHERE subject_id = ANY(%s::uuid[])", (sorted(group),)
    )
    if held:
        raise LegalHoldError(
            "a legal hold keeps the data of this person: `hub subject unhold` ends it, with a reason, once it may go"
        )


async def _of(connection: Connection, erasure_id: str, *, lock: bool = False) -> Erasure:
    try:
        asked = uuid.UUID(erasure_id)
    except ValueError:
        raise UnknownErasureError("there is no such erasure: `hub subject list` has them") from None
    found = await rows_of(
        connection,
        f"SELECT {_COLUMNS} FROM vault.erasure WHERE erasure_id = %s{' FOR UPDATE' if lock else ''}",  # noqa: S608
        (asked,),
    )
    if not found:
        raise UnknownErasureError("there is no such erasure: `hub subject list` has them")
    return _erasure(found[0])


def _erasure(row: Sequence[object]) -> Erasure:
    (erasure_id, subject, reason, requested_by, requested_at, approved_by, approved_at, keys, keys_hash, partners, ends,
     completed_at) = row  # fmt: skip
    return Erasure(
        erasure_id=str(erasure_id),
        subject_id=SubjectId(str(subject)),
        reason=str(reason),
        requested_by=str(requested_by),
        requested_at=cast("dt.datetime", requested_at),
        approved_by=cast("str | None", approved_by),
        approved_at=cast("dt.datetime | None", approved_at),
        keys=cast("int | None", keys),
        keys_hash=cast("str | None", keys_hash),
        partners=tuple(cast("list[str]", partners or [])),
        ledger_ends=tuple(cast("list[int]", ends or [])),
        completed_at=cast("dt.datetime | None", completed_at),
    )
