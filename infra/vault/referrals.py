"""A referral carries the person on: two agencies that know they speak of one person count one person.

Rule 1: an offer of A to B and an answer of B to A under the same referral mean one person, whichever comes first. The
        row of the referral is locked while a side is added, so that of two sides at once the second sees the first.
Rule 2: when B's reference is new it means A's person from the start; when B knew somebody by it, both are one person
        from then on, the younger an alias of the older.
Rule 3: only the addressee binds: an answer of anybody else, or to anybody else, is of another pair and meets no offer.
Rule 4: neither a person under a restricted note nor an erased one is carried on.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from infra.vault.connection import Connection, Connections, rows_of
from infra.vault.holders import Reference
from infra.vault.persons import merge
from infra.vault.references import Hashed, References
from schemas.names import AgencyId, SubjectId

_BIND = (
    "INSERT INTO vault.subject_reference (agency, reference_mac, subject_id) "
    "SELECT t.agency, t.mac, o.subject_id "
    "FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::bytea[]) AS t(referral_id, offering, agency, mac) "
    "JOIN vault.referral r ON (r.referral_id, r.offering, r.answering) = (t.referral_id, t.offering, t.agency) "
    "JOIN vault.subject s ON s.subject_id = r.offered "
    "JOIN vault.subject o ON o.subject_id = coalesce(s.same_as, s.subject_id) "
    "WHERE NOT (s.restricted OR o.restricted) AND o.wrapped_secret IS NOT NULL "
    "ORDER BY t.agency, t.mac ON CONFLICT DO NOTHING"
)
_ADD = (
    "INSERT INTO vault.referral (referral_id, offering, answering, offered, answered) "
    "SELECT * FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::uuid[], %s::uuid[]) ORDER BY 1, 2, 3 "
    "ON CONFLICT (referral_id, offering, answering) DO UPDATE "
    "SET offered = coalesce(referral.offered, excluded.offered), "
    "answered = coalesce(referral.answered, excluded.answered) "
    "RETURNING offered::text, answered::text"
)
_NOT_CARRIED = (
    "SELECT s.subject_id::text FROM vault.subject s LEFT JOIN vault.subject o ON o.subject_id = s.same_as "
    "WHERE s.subject_id = ANY(%s::uuid[]) AND (s.restricted OR o.restricted OR s.wrapped_secret IS NULL)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferralSide:
    """What one agency said in a referral about a person who is not restricted."""

    referral_id: str
    """A UUID."""
    speaker: AgencyId
    other: AgencyId
    """Whom it offers the person to, or whose offer it answers."""
    reference: Reference
    is_offer: bool

    @property
    def pair(self) -> tuple[str, str, str]:
        """Return referral, offering agency, answering agency."""
        agencies = (self.speaker, self.other) if self.is_offer else (self.other, self.speaker)
        return self.referral_id.lower(), *agencies


class Referrals:
    """The referrals behind *connections*."""

    def __init__(self, connections: Connections, references: References) -> None:
        self._connections = connections
        self._references = references

    async def bind(self, sides: Sequence[ReferralSide]) -> None:
        """Let new references in answers mean the person whom the offer was about, where that has come."""
        answers = [side for side in sides if not side.is_offer]
        if not answers:
            return
        hashed: dict[Reference, Hashed] = {
            reference: key
            for key, reference in (
                await self._references.hashed("subject_reference", [side.reference for side in answers])
            ).items()
        }
        async with self._connections() as connection:
            await connection.execute(
                _BIND.encode(),
                (
                    [side.pair[0] for side in answers],
                    [side.pair[1] for side in answers],
                    [side.speaker for side in answers],
                    [hashed[side.reference][1] for side in answers],
                ),
            )

    async def add(self, sides: Sequence[ReferralSide], subjects: Mapping[Reference, SubjectId]) -> bool:
        """Keep *sides*, about *subjects*, and return whether they made two persons one; idempotent.

        Of a side that is said twice the first counts.
        """
        pairs: dict[tuple[str, str, str], list[SubjectId | None]] = {}
        for side in sides:
            both = pairs.setdefault(side.pair, [None, None])
            place = 0 if side.is_offer else 1
            both[place] = both[place] or subjects[side.reference]
        async with self._connections() as connection, connection.transaction():
            rows = await rows_of(
                connection,
                _ADD,
                (
                    *([pair[part] for pair in pairs] for part in range(3)),
                    [both[0] for both in pairs.values()],
                    [both[1] for both in pairs.values()],
                ),
            )
            differing = [(a, b) for a, b in rows if a is not None and b is not None and a != b]
            return await _merge_all(connection, differing) if differing else False


async def _merge_all(connection: Connection, pairs: Sequence[tuple[SubjectId, SubjectId]]) -> bool:
    asked = sorted({subject for pair in pairs for subject in pair})
    not_carried = {row[0] for row in await rows_of(connection, _NOT_CARRIED, (asked,))}
    carried = [pair for pair in pairs if not_carried.isdisjoint(pair)]
    for a, b in sorted(carried):
        await merge(connection, a, b)
    return bool(carried)
