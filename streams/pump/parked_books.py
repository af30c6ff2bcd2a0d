"""The SQL side of parking: positions, errors and requests, with an audit of each; never the record itself."""

# ruff: noqa: S608 - all that is put into a statement is a constant of this file

from collections.abc import Sequence

from streams.pump.ports import Place, Request
from streams.pump.records import Parked, Transaction

_PLACE = "processor = %s AND topic = %s AND partition = %s"
_AUDIT = 'INSERT INTO streams.parking_audit (processor, topic, partition, "offset", action, code, by_whom, reason) '


class ParkedBooks:
    """The parked records of *place*."""

    def __init__(self, place: Place) -> None:
        self.place = place

    async def parked(self, transaction: Transaction) -> Sequence[tuple[bytes | None, int]]:
        """Return key and offset of every record that is parked, by offset."""
        cursor = await transaction.execute(
            f'SELECT sequence_key, "offset" FROM streams.parked WHERE {_PLACE} ORDER BY "offset"', self.place.key
        )
        return [(bytes_of(key) or None, int(str(offset))) for key, offset in await cursor.fetchall()]

    async def park(self, transaction: Transaction, parked: Sequence[Parked]) -> None:
        """Set *parked* records aside; the same record again changes nothing."""
        if not parked:
            return
        columns = ([p.offset for p in parked], [p.key or b"" for p in parked])
        errors = ([p.code for p in parked], [p.advice for p in parked])
        await transaction.execute(
            "WITH new AS (INSERT INTO streams.parked "
            '(processor, topic, partition, "offset", sequence_key, code, advice) '
            "SELECT %s, %s, %s, o, k, c, a "
            "FROM unnest(%s::bigint[], %s::bytea[], %s::text[], %s::text[]) AS t(o, k, c, a) "
            'ON CONFLICT DO NOTHING RETURNING processor, topic, partition, "offset", code) '
            f"{_AUDIT} SELECT processor, topic, partition, \"offset\", 'parked', code, '', '' FROM new",
            (*self.place.key, *columns, *errors),
        )

    async def request(self, transaction: Transaction) -> Request | None:
        """Return the first parked record for which an operator asks something."""
        cursor = await transaction.execute(
            'SELECT "offset", sequence_key, requested, tried FROM streams.parked '
            f'WHERE {_PLACE} AND requested IS NOT NULL ORDER BY "offset" LIMIT 1 FOR UPDATE',
            self.place.key,
        )
        row = await cursor.fetchone()
        if row is None:
            return None
        offset, key, action, tried = row
        return Request(offset=int(str(offset)), key=bytes_of(key) or None, action=str(action), tried=int(str(tried)))

    async def begun(self, transaction: Transaction, asked: Request) -> None:
        """Count one more attempt at what is asked."""
        await transaction.execute(
            f'UPDATE streams.parked SET tried = tried + 1 WHERE {_PLACE} AND "offset" = %s',
            (*self.place.key, asked.offset),
        )

    async def release(self, transaction: Transaction, done: Request) -> None:
        """Take a record out of parking; the next one of its key is tried as well."""
        action = {"retry": "retried", "discard": "discarded"}[done.action]
        await transaction.execute(
            f'WITH gone AS (DELETE FROM streams.parked WHERE {_PLACE} AND "offset" = %s RETURNING *) '
            f"{_AUDIT} SELECT processor, topic, partition, \"offset\", %s, code, coalesce(requested_by, ''), "
            "coalesce(reason, '') FROM gone",
            (*self.place.key, done.offset, action),
        )
        if done.key is not None:
            await transaction.execute(
                "UPDATE streams.parked SET requested = 'retry', requested_by = 'the record before it', reason = NULL "
                f'WHERE {_PLACE} AND "offset" = (SELECT min("offset") FROM streams.parked '
                f"WHERE {_PLACE} AND sequence_key = %s) AND requested IS NULL",
                (*self.place.key, *self.place.key, done.key),
            )

    async def fail_again(self, transaction: Transaction, parked: Parked) -> None:
        """Keep a record parked that failed again, with its new error."""
        await transaction.execute(
            "WITH again AS (UPDATE streams.parked "
            "SET attempts = attempts + 1, tried = 0, code = %s, advice = %s, requested = NULL, reason = NULL "
            f'WHERE {_PLACE} AND "offset" = %s RETURNING *) '
            f"{_AUDIT} SELECT processor, topic, partition, \"offset\", 'failed again', code, "
            "coalesce(requested_by, ''), '' FROM again",
            (parked.code, parked.advice, *self.place.key, parked.offset),
        )


def bytes_of(value: object) -> bytes | None:
    """Return a binary column as bytes."""
    return bytes(value) if isinstance(value, bytes | memoryview) else None
