"""Keys of persons and agencies, one for each recipient: made once, opened from memory or the database.

A key is never made for a person who was erased, and a destroyed one never again: who asks for it gets none. A process
that makes keys locks the persons against erasure until it has committed.
"""

import secrets
import uuid
from collections.abc import Collection, Mapping, Sequence

from infra.vault.connection import Connections, rows_of
from infra.vault.holders import LEDGER, Holder, subject_of
from infra.vault.kek import KekId, Wrapped
from infra.vault.key_cache import KeyCache
from infra.vault.own_keys import KEY_BYTES
from infra.vault.wrapping import Wrapping
from schemas.names import KeyId, PartnerId
from schemas.sealing import DataKey

Recipient = PartnerId | str
_COLUMNS = "g.generation, k.kid::text, k.holder, k.subject, k.wrapped, k.kek_id"
_BY_HOLDER = (
    f"SELECT {_COLUMNS} FROM vault.shredding g "  # noqa: S608 - columns are ours
    "LEFT JOIN vault.data_key k ON k.recipient = %s AND k.holder = ANY(%s::text[])"
)
_BY_KID = (
    f"SELECT {_COLUMNS} FROM vault.shredding g "  # noqa: S608 - columns are ours
    "LEFT JOIN vault.data_key k ON k.recipient = %s AND k.kid = ANY(%s::uuid[])"
)
_MAKE = (
    "WITH living AS MATERIALIZED (SELECT subject_id FROM vault.subject "
    "WHERE subject_id = ANY(%s::uuid[]) AND wrapped_secret IS NOT NULL ORDER BY subject_id FOR SHARE) "
    "INSERT INTO vault.data_key (kid, holder, recipient, subject, wrapped, kek_id) "
    "SELECT t.kid, t.holder, %s, t.subject, t.wrapped, t.kek_id "
    "FROM unnest(%s::uuid[], %s::text[], %s::text[], %s::bytea[], %s::text[], %s::uuid[]) "
    "AS t(kid, holder, subject, wrapped, kek_id, person) "
    "WHERE t.person IS NULL OR t.person IN (SELECT subject_id FROM living) "
    "ON CONFLICT (holder, recipient) DO NOTHING RETURNING kid::text"
)


class Keys:
    """The keys behind *connections*."""

    def __init__(self, connections: Connections, wrapping: Wrapping, cache: KeyCache) -> None:
        self._connections = connections
        self._wrapping = wrapping
        self._cache = cache

    async def keys(self, holders: Mapping[Holder, str], recipient: Recipient = LEDGER) -> dict[Holder, DataKey]:
        """Return the key of each holder for *recipient*, made now where there was none.

        *holders* gives the subject to write on the channel. A holder whose key was destroyed is left out.
        """
        if not holders:
            return {}
        found, generation, known = await self._known(holders, recipient)
        fresh = sorted(holders.keys() - known)
        if fresh:
            made = await self._make({holder: holders[holder] for holder in fresh}, recipient)
            for holder, key in made.items():
                self._cache.keep(generation, recipient, holder, key)
            found |= made
            if len(made) < len(fresh):  # another process was quicker, or the person was erased
                found |= (await self._known(fresh, recipient))[0]
        return found

    async def open(self, kids: Collection[KeyId], recipient: Recipient = LEDGER) -> dict[KeyId, bytes | None]:
        """Return the key of each of *kids* that was made for *recipient*; None when destroyed or not theirs."""
        found: dict[KeyId, bytes | None] = dict.fromkeys(kids)
        wanted = [kid for kid in found if _is_uuid(kid)]
        if not wanted:
            return found
        # A partner's keys are asked for anew: a recall may have destroyed one of them and nothing else.
        kept = {kid: self._cache.of_kid(recipient, kid) for kid in wanted} if recipient == LEDGER else {}
        missing = [kid for kid in wanted if kept.get(kid) is None]
        generation, rows = await self._read(_BY_KID, recipient, missing)
        if len(missing) < len(wanted) and not self._is_current(generation):
            kept = {}
            generation, rows = await self._read(_BY_KID, recipient, wanted)
        self._is_current(generation)
        found |= {kid: key.secret for kid, key in kept.items() if key is not None}
        opened = await self._opened(generation, recipient, rows)
        return found | {key.kid: key.secret for key in opened.values()}

    async def _known(
        self, holders: Collection[Holder], recipient: Recipient
    ) -> tuple[dict[Holder, DataKey], int, set[Holder]]:
        """Return the keys that there are, the generation, and all holders that have a row, destroyed ones too."""
        kept = {holder: key for holder in holders if (key := self._cache.of_holder(recipient, holder))}
        missing = sorted(holder for holder in holders if holder not in kept)
        generation, rows = await self._read(_BY_HOLDER, recipient, missing)
        if kept and not self._is_current(generation):
            kept = {}
            generation, rows = await self._read(_BY_HOLDER, recipient, sorted(holders))
        self._is_current(generation)
        found = kept | await self._opened(generation, recipient, rows)
        return found, generation, kept.keys() | {row[1] for row in rows}

    def _is_current(self, generation: int) -> bool:
        if self._cache.is_of(generation):
            return True
        self._wrapping.doubt()
        return False

    async def _read(
        self, query: str, recipient: Recipient, wanted: Sequence[str]
    ) -> tuple[int, list[tuple[str, Holder, str, bytes | None, str]]]:
        async with self._connections() as connection:
            rows = await rows_of(connection, query, (recipient, wanted))
        return rows[0][0], [row[1:] for row in rows if row[1] is not None]

    async def _opened(
        self, generation: int, recipient: Recipient, rows: Sequence[tuple[str, Holder, str, bytes | None, str]]
    ) -> dict[Holder, DataKey]:
        live = [
            (kid, holder, subject, Wrapped(KekId(kek), bytes(data))) for kid, holder, subject, data, kek in rows if data
        ]
        opened = await self._wrapping.unwrapped([(wrapped, kid) for kid, _, _, wrapped in live])
        found = {}
        for (kid, holder, subject, _), secret in zip(live, opened, strict=True):
            found[holder] = DataKey(KeyId(kid), subject, secret)
            self._cache.keep(generation, recipient, holder, found[holder])
        return found

    async def _make(self, holders: Mapping[Holder, str], recipient: Recipient) -> dict[Holder, DataKey]:
        """Make a key for each of *holders* and return those that were made, not those that others have made."""
        made = {
            holder: DataKey(KeyId(str(uuid.uuid4())), subject, secrets.token_bytes(KEY_BYTES))
            for holder, subject in holders.items()
        }
        people = [subject_of(holder) for holder in made]

        async def write(wrapped: list[Wrapped]) -> set[str]:
            async with self._connections() as connection:
                rows = await rows_of(
                    connection,
                    _MAKE,
                    (
                        [person for person in people if person is not None],
                        recipient,
                        [key.kid for key in made.values()],
                        list(made),
                        [key.subject for key in made.values()],
                        [each.data for each in wrapped],
                        [each.kek_id for each in wrapped],
                        people,
                    ),
                )
            return {row[0] for row in rows}

        written = await self._wrapping.written([(key.secret, key.kid) for key in made.values()], write)
        return {holder: key for holder, key in made.items() if key.kid in written}


def _is_uuid(text: str) -> bool:
    """Whether *text* is a UUID in its canonical form; Python and PostgreSQL each take others that the other refuses."""
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False
