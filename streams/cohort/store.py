"""The state of populations in PostgreSQL: read and written in the SQL transaction of a batch.

Rule 1: what a row says is sealed under the key of its person, here too; without the key the row is gone.
Rule 2: a state that is remembered is used only while the database still has the version that it was.
"""

import secrets
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import cast

from psycopg.types.json import Jsonb

from infra.vault.holders import holder_of_subject
from infra.vault.vault import Vault
from schemas.names import AgencyId, KeyId, SubjectId
from schemas.sealing import DataKey, Nonce
from streams.cohort import saved
from streams.cohort.batches import Batch
from streams.cohort.records import Notice
from streams.cohort.rows import Kind, Layout, Place, Row, RowId, Tick
from streams.cohort.sealing import opened, sealed
from streams.cohort.state import State
from streams.pump.records import Transaction

_POPULATION = (
    "SELECT version, layout, rule, next_position, tick, ticker, suppressed, recent, awaited, halted, ledger_digest "
    "FROM streams.cohort WHERE population = %s FOR UPDATE"
)
_SAVE = (
    "INSERT INTO streams.cohort (population, version, layout, rule, next_position, tick, ticker, suppressed, recent, "
    "awaited, halted, ledger_digest, first_tick) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s) "
    "ON CONFLICT (population) DO UPDATE SET version = excluded.version, layout = excluded.layout, "
    "rule = excluded.rule, next_position = excluded.next_position, tick = excluded.tick, ticker = excluded.ticker, "
    "suppressed = excluded.suppressed, recent = excluded.recent, awaited = excluded.awaited, "
    "halted = excluded.halted, ledger_digest = excluded.ledger_digest, "
    "first_tick = coalesce(streams.cohort.first_tick, excluded.first_tick), updated_at = now()"
)


@dataclass(frozen=True, slots=True)
class Stored:
    """A state with what the database calls it."""

    state: State
    version: str
    ledger_digest: str
    kids: Mapping[RowId, KeyId]
    """Under which key each waiting row is sealed."""


class Store:
    """The state of the populations, their rows sealed with keys of *vault*."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self._known: dict[str, Stored] = {}

    async def load(self, transaction: Transaction, first: State, population: str) -> Stored:
        """Return the state of *population*, locked until the transaction ends; *first* when there is none yet."""
        row = await (await transaction.execute(_POPULATION, (population,))).fetchone()
        if row is None:
            return Stored(first, "", "", {})
        known = self._known.get(population)
        if known is not None and known.version == row[0]:
            return known
        return await self._read(transaction, population, row)

    async def _read(self, transaction: Transaction, population: str, row: Sequence[object]) -> Stored:
        version, layout, rule, position, tick, ticker, suppressed, recent, awaited, halted, digest = row
        pending, kids = await self._rows(transaction, population)
        found = await transaction.execute(
            "SELECT content FROM streams.cohort_batch WHERE population = %s ORDER BY tick, tier", (population,)
        )
        state = State(
            layout=str(layout),
            rule=saved.rule_of(cast("saved.Json", rule)),
            next_position=cast("int", position),
            tick=None if tick is None else Tick(cast("int", tick)),
            ticker=cast("int", ticker),
            pending=MappingProxyType(pending),
            embargoed=tuple(saved.batch_of(cast("saved.Json", content)) for (content,) in await found.fetchall()),
            suppressed=saved.steps_of(cast("saved.Json", suppressed)),
            recent=saved.Recent.of(cast("list[saved.Json]", recent)).ticks,
            awaited=saved.awaited_of(cast("saved.Json | None", awaited)),
            halted=str(halted),
        )
        return Stored(state, str(version), str(digest), kids)

    async def _rows(self, transaction: Transaction, population: str) -> tuple[dict[RowId, Row], dict[RowId, KeyId]]:
        found = await transaction.execute(
            "SELECT subject_id::text, kind, agencies, kid, ct, arrived, position, number FROM streams.cohort_row "
            "WHERE population = %s ORDER BY position, number",
            (population,),
        )
        several = await found.fetchall()
        keys = await self._vault.open({KeyId(str(row[3])) for row in several})
        pending, kids = dict[RowId, Row](), dict[RowId, KeyId]()
        for subject, kind, agencies, kid, ct, arrived, position, number in several:
            row_id, key = RowId(SubjectId(str(subject)), Kind(str(kind))), keys.get(KeyId(str(kid)))
            kids[row_id] = KeyId(str(kid))
            if key is None:  # destroyed: the person was erased, and what waited of them goes with the next change
                continue
            said = opened(key, bytes(cast("bytes", ct)), _bound(population, row_id, str(kid)))
            values, sensitive = cast("tuple[list[int], list[str | None]]", said)
            place = Place(cast("int", position), cast("int", number))
            supplied = frozenset(AgencyId(each) for each in cast("list[str]", agencies))
            since = Tick(cast("int", arrived))
            pending[row_id] = Row(row_id, supplied, tuple(values), tuple(sensitive), since, place)
        return pending, kids

    async def without_erased(self, stored: Stored) -> Stored:
        """Return *stored* without the rows whose keys were destroyed since it was read: they never leave."""
        keys = await self._vault.open(set(stored.kids.values()))
        kept = {kid for kid, key in keys.items() if key is not None}
        gone = {row for row in stored.state.pending if stored.kids.get(row) not in kept}
        if not gone:
            return stored
        rows = {row: each for row, each in stored.state.pending.items() if row not in gone}
        return replace(stored, state=replace(stored.state, pending=MappingProxyType(rows)))

    async def spent(self, transaction: Transaction, population: str, marks: Collection[bytes]) -> frozenset[bytes]:
        """Return which of *marks* are of rows that may never leave again."""
        found = await transaction.execute(
            "SELECT mark FROM streams.cohort_spent WHERE population = %s AND mark = ANY(%s)", (population, list(marks))
        )
        return frozenset(bytes(cast("bytes", mark)) for (mark,) in await found.fetchall())

    async def spend(self, transaction: Transaction, population: str, marks: Collection[bytes]) -> None:
        """Remember that the rows of *marks* may never leave again."""
        await transaction.execute(
            "INSERT INTO streams.cohort_spent (population, mark) SELECT %s, unnest(%s::bytea[]) ON CONFLICT DO NOTHING",
            (population, sorted(marks)),
        )

    async def save(
        self, transaction: Transaction, layout: Layout, before: Stored, after: State, ledger_digest: str, nonce: Nonce
    ) -> None:
        """Write *after*, which came of *before*: only what has changed."""
        version, name = secrets.token_hex(16), layout.population
        kids = await self._save_rows(transaction, name, before, after, nonce)
        await _save_batches(transaction, name, before.state.embargoed, after.embargoed)
        content = (
            Jsonb(saved.rule_to_json(after.rule)),
            after.next_position,
            after.tick,
            after.ticker,
            Jsonb(saved.steps_to_json(after.suppressed)),
            Jsonb(saved.Recent(after.recent).to_json()),
            None if after.awaited is None else Jsonb(saved.awaited_to_json(after.awaited)),
            after.halted,
            ledger_digest,
        )
        await transaction.execute(_SAVE, (name, version, after.layout, *content, after.tick))
        self._known[name] = Stored(after, version, ledger_digest, kids)

    async def _save_rows(
        self, transaction: Transaction, name: str, before: Stored, after: State, nonce: Nonce
    ) -> dict[RowId, KeyId]:
        old = before.state.pending
        gone = [row for row in before.kids if row not in after.pending]
        changed = [row for row_id, row in after.pending.items() if old.get(row_id) is not row]
        if gone:
            await transaction.execute(
                "DELETE FROM streams.cohort_row r USING unnest(%s::uuid[], %s::text[]) AS g (subject_id, kind) "
                "WHERE r.population = %s AND r.subject_id = g.subject_id AND r.kind = g.kind",
                ([row.subject for row in gone], [row.kind for row in gone], name),
            )
        holders = {holder_of_subject(row.id.subject): str(row.id.subject) for row in changed}
        keys = await self._vault.keys(holders)
        kids = {row: kid for row, kid in before.kids.items() if row in after.pending}
        new = [(row, keys[holder]) for row in changed if (holder := holder_of_subject(row.id.subject)) in keys]
        if new:
            await transaction.cursor().executemany(
                "INSERT INTO streams.cohort_row (population, subject_id, kind, agencies, kid, ct, arrived, position, "
                "number) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (population, subject_id, kind) DO "
                "UPDATE SET agencies = excluded.agencies, kid = excluded.kid, ct = excluded.ct, "
                "arrived = excluded.arrived, position = excluded.position, number = excluded.number",
                [_columns(name, row, key, nonce) for row, key in new],
            )
        return kids | {row.id: key.kid for row, key in new}


async def record_entry(
    transaction: Transaction, population: str, tick: Tick, digest: str, sizes: Sequence[int]
) -> None:
    """Note an entry of the release ledger in brief, for operators."""
    await transaction.execute(
        "INSERT INTO streams.cohort_entry (population, tick, digest, classes, persons, smallest) "
        "VALUES (%s, %s, %s, %s, %s, %s)",
        (population, tick, digest, len(sizes), sum(sizes), min(sizes, default=None)),
    )


async def note(transaction: Transaction, population: str, notices: Sequence[Notice]) -> None:
    """Add *notices* to what an operator sees: how often, and where first and last."""
    by_what: dict[tuple[str, str], list[int]] = defaultdict(list)
    for notice in notices:
        by_what[notice.told, notice.detail].append(notice.place.position)
    for (told, detail), positions in sorted(by_what.items()):
        await transaction.execute(
            "INSERT INTO streams.cohort_notice AS n (population, told, detail, times, first_position, last_position) "
            "VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT (population, told, detail) DO UPDATE SET "
            "times = n.times + excluded.times, last_position = excluded.last_position, last_at = now()",
            (population, told, detail, len(positions), positions[0], positions[-1]),
        )


async def _save_batches(transaction: Transaction, name: str, before: Sequence[Batch], after: Sequence[Batch]) -> None:
    known, kept = {batch.id for batch in before}, {batch.id for batch in after}
    for batch in before:
        if batch.id not in kept:
            await transaction.execute(
                "DELETE FROM streams.cohort_batch WHERE population = %s AND tick = %s AND tier = %s",
                (name, batch.tick, batch.tier),
            )
    for batch in after:
        if batch.id not in known:
            await transaction.execute(
                "INSERT INTO streams.cohort_batch (population, tick, tier, content) VALUES (%s, %s, %s, %s)",
                (name, batch.tick, batch.tier, Jsonb(saved.batch_to_json(batch))),
            )


def _columns(population: str, row: Row, key: DataKey, nonce: Nonce) -> tuple[object, ...]:
    ct = sealed(key.cipher, [row.values, row.sensitive], _bound(population, row.id, key.kid), nonce)
    return (population, row.id.subject, row.id.kind, sorted(row.agencies), key.kid, ct, row.arrived, *row.place)


def _bound(population: str, row: RowId, kid: str) -> str:
    """Return what binds a sealed row to its place."""
    return f"cohort|{population}|{row.kind}|{row.subject}|{kid}"
