"""Records that no projection folds, because an operator said so: what somebody wrote by hand, and nobody can read.

A skip is for good and for all projections alike, so that a rebuild gives the same rows. Who said so, and why, is kept.
"""

import re

import psycopg

from infra.operator import REASON_CHARS_MAX, operator_name, reason_in
from projections.generations import Connection
from projections.logs import Partition
from schemas.errors import MisuseError

_PLACE = re.compile(r"(?P<topic>[a-z0-9.-]+)-(?P<partition>\d+)@(?P<offset>\d+)")
OFFSETS = 'SELECT "offset" FROM projections.skipped WHERE topic = %s AND partition = %s'


class NotSkippedError(MisuseError):
    """The record is not one that a projection stands still at, or no reason was given."""

    code = "not-skipped"


def skipped(connection: "psycopg.Connection[object]", partition: Partition) -> frozenset[int]:
    """Return the offsets of *partition* that no projection folds."""
    return frozenset(int(str(row[0])) for row in connection.execute(OFFSETS, partition).fetchall())  # type: ignore[index]  # rows are tuples


def skip(connection: Connection, name: str, reason: str) -> None:
    """Let no projection fold the record *name*, such as `ledger-3@17`; raise NotSkippedError.

    Only a record at which a generation stands still or failed can be skipped: nobody passes over a good one by mistake.
    """
    found, why = _PLACE.fullmatch(name), reason_in(reason)
    if found is None:
        raise NotSkippedError("name the record as topic, partition and offset, such as ledger-3@17")
    if why is None:
        raise NotSkippedError(f"say why in 1 to {REASON_CHARS_MAX} characters, without personal data: it is kept")
    place = (found["topic"], int(found["partition"]), int(found["offset"]))
    row = connection.execute(
        "SELECT count(*) FROM projections.checkpoint c LEFT JOIN projections.partition_state s "
        "USING (projection, generation, topic, partition) JOIN projections.generation g USING (projection, generation) "
        "WHERE c.topic = %s AND c.partition = %s AND c.next_offset = %s AND (s.state = 'halted' OR g.state = 'failed')",
        place,
    ).fetchone()
    if row is None or not row[0]:
        raise NotSkippedError(f"no projection stands still at {name}; `hub projection list` says where they do")
    connection.execute(
        'INSERT INTO projections.skipped (topic, partition, "offset", by_whom, reason) VALUES (%s, %s, %s, %s, %s) '
        "ON CONFLICT DO NOTHING",
        (*place, operator_name(), why),
    )
