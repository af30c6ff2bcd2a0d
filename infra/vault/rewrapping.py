"""Wrapping rows anew under the current key encryption key, page by page, without a lock on the table."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from infra.vault.connection import Connections, rows_of
from infra.vault.kek import KekId, Wrapped
from infra.vault.wrapping import Wrapping

PAGE = 500


@dataclass(frozen=True, slots=True)
class Table:
    """A table of wrapped keys; the id of a row is the name to which its key is bound."""

    name: str
    id: str
    type: str
    wrapped: str


TABLES = (
    Table("vault.secret", "name", "text", "wrapped"),
    Table("vault.subject", "subject_id", "uuid", "wrapped_secret"),
    Table("vault.data_key", "kid", "uuid", "wrapped"),
)


async def rewrap(
    connections: Connections,
    wrapping: Wrapping,
    old: Sequence[KekId],
    progress: Callable[[int, int, str], None],
    before: int = 0,
) -> int:
    """Wrap anew every row that is under one of *old*, and return how many; *before* were done earlier."""
    done = 0
    for table in TABLES:
        async with connections() as connection:
            counted = f"SELECT count(*) FROM {table.name} WHERE kek_id = ANY(%s)"  # noqa: S608 - names are ours
            total = done + (await rows_of(connection, counted, (list(old),)))[0][0]
            if table.name != "vault.secret":  # rows that were erased say nothing of a key encryption key
                erased = f"UPDATE {table.name} SET kek_id = NULL WHERE kek_id = ANY(%s) AND {table.wrapped} IS NULL"  # noqa: S608
                await connection.execute(erased.encode(), (list(old),))
        after: str | None = None
        while rows := await _page(connections, table, old, after):
            done += await _rewrap_page(connections, wrapping, table, rows)
            after = rows[-1][0]
            progress(before + done, before + max(total, done), f"wrapping anew what is in {table.name}")
    return done


async def _page(
    connections: Connections, table: Table, old: Sequence[KekId], after: str | None
) -> list[tuple[str, Wrapped]]:
    query = (
        f"SELECT {table.id}::text, kek_id, {table.wrapped} FROM {table.name} "  # noqa: S608 - names are ours
        f"WHERE kek_id = ANY(%(old)s) AND {table.wrapped} IS NOT NULL "
        f"AND (%(after)s::{table.type} IS NULL OR {table.id} > %(after)s::{table.type}) "
        f"ORDER BY {table.id} LIMIT {PAGE}"
    )
    async with connections() as connection:
        cursor = await connection.execute(query.encode(), {"old": list(old), "after": after})
        rows: list[tuple[str, str, bytes]] = await cursor.fetchall()  # type: ignore[assignment]  # as selected
    return [(name, Wrapped(KekId(kek), bytes(data))) for name, kek, data in rows]


async def _rewrap_page(
    connections: Connections, wrapping: Wrapping, table: Table, rows: Sequence[tuple[str, Wrapped]]
) -> int:
    """Replace what is wrapped in *rows*, where it is still what was read: an erasure in between wins."""
    keys = await wrapping.unwrapped([(wrapped, name) for name, wrapped in rows])
    query = (
        f"UPDATE {table.name} t SET {table.wrapped} = n.fresh, kek_id = n.kek_id "  # noqa: S608 - names are ours
        f"FROM unnest(%s::{table.type}[], %s::bytea[], %s::bytea[], %s::text[]) AS n(id, read, fresh, kek_id) "
        f"WHERE t.{table.id} = n.id AND t.{table.wrapped} = n.read"
    )

    async def write(fresh: list[Wrapped]) -> int:
        async with connections() as connection:
            cursor = await connection.execute(
                query.encode(),
                (
                    [name for name, _ in rows],
                    [wrapped.data for _, wrapped in rows],
                    [each.data for each in fresh],
                    [each.kek_id for each in fresh],
                ),
            )
        return cursor.rowcount

    return await wrapping.written([(key, name) for key, (name, _) in zip(keys, rows, strict=True)], write)
