"""Asking for a retry or a discard, and following what the owner of the partition makes of it.

Only the first record of a sequence may be asked for: another one would overtake it.
"""

import datetime as dt
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from infra.operator import REASON_CHARS_MAX, reason_in
from schemas.errors import MisuseError, UnavailableError
from streams.parked import shelf
from streams.parked.ids import ParkedId
from streams.parked.shelf import Connection, ParkedRecord

Action = Literal["retry", "discard"]
POLL_S = 0.2
DONE = ("retried", "failed again", "discarded")


class NotTheHeadError(MisuseError):
    """Another record of the same sequence has to go first."""

    code = "not-the-head"


class ReasonError(MisuseError):
    """A discard without a reason, or with one that is too long."""

    code = "reason"


class NobodyWorksError(UnavailableError):
    """What was asked is noted, and nobody does it now."""

    code = "nobody-works"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request that is noted."""

    record: ParkedRecord
    at: dt.datetime
    behind: tuple[int, ...] = ()
    """Offsets of the records that waited behind it then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a request."""

    id: ParkedId
    action: str
    """`retried`, `failed again` or `discarded`."""
    code: str = ""
    """Why it failed again."""
    advice: str = ""
    followed: tuple[str, ...] = ()
    """What happened to the records behind it, the first first."""
    left: tuple[ParkedRecord, ...] = field(default=(), repr=False)
    """What still waits of its sequence."""

    @property
    def is_good(self) -> bool:
        """Whether the record and all behind it are out of parking."""
        return self.action != "failed again" and not self.left


def checked_reason(text: str) -> str:
    """Return the reason of a discard; raise ReasonError when there is none, or too much of it."""
    reason = reason_in(text)
    if reason is None:
        raise ReasonError(f"say why in 1 to {REASON_CHARS_MAX} characters, without personal data: it is kept for ever")
    return reason


def ask(connection: Connection, wanted: ParkedId, action: Action, by_whom: str, reason: str = "") -> Asked:
    """Note that *action* is wanted for the record; raise NotParkedError or NotTheHeadError."""
    with connection.transaction():
        record = shelf.record(connection, wanted, lock=True)
        head = shelf.head_of(connection, record)
        if head.id != record.id:
            raise NotTheHeadError(f"{wanted} waits behind {head.id} of the same case: {action} that one first")
        connection.execute(
            "UPDATE streams.parked SET requested = %s, requested_by = %s, reason = %s "
            'WHERE processor = %s AND topic = %s AND partition = %s AND "offset" = %s',
            (action, by_whom, reason or None, *wanted.key),
        )
        row = connection.execute(
            'INSERT INTO streams.parking_audit (processor, topic, partition, "offset", action, code, by_whom, reason) '
            "VALUES (%s, %s, %s, %s, %s, %s, %s, %s) RETURNING at",
            (*wanted.key, f"{action} requested", record.code, by_whom, reason),
        ).fetchone()
        behind = tuple(each.id.offset for each in shelf.waiting(connection, record) if each.id != wanted)
    assert row is not None, "an INSERT returns its row"
    assert isinstance(row[0], dt.datetime), "the column is a timestamp"
    return Asked(record=record, at=row[0], behind=behind)


def follow(connection: Connection, asked: Asked, timeout_s: float, tell: Callable[[str], None]) -> Outcome:
    """Return what became of *asked* and of the records behind it; raise NobodyWorksError when nobody does it."""
    deadline = time.monotonic() + timeout_s
    while (outcome := _outcome(connection, asked)) is None:
        _require_worker(connection, asked.record.id, is_late=time.monotonic() > deadline)
        tell(f"{asked.record.id}: waiting for the worker that owns the partition")
        time.sleep(POLL_S)
    while outcome.left and any(each.requested for each in outcome.left):
        _require_worker(connection, asked.record.id, is_late=time.monotonic() > deadline)
        tell(f"{asked.record.id}: {outcome.action}; {len(outcome.left)} of its sequence wait")
        time.sleep(POLL_S)
        outcome = _outcome(connection, asked) or outcome
    return outcome


def _outcome(connection: Connection, asked: Asked) -> Outcome | None:
    with connection.transaction():
        trail = shelf.audit(connection, asked.record.id)
        done = next((entry for entry in trail if entry.at > asked.at and entry.action in DONE), None)
        if done is None:
            return None
        failed = done.action == "failed again"
        left = tuple(shelf.waiting(connection, asked.record))
        return Outcome(
            id=asked.record.id,
            action=done.action,
            code=done.code if failed else "",
            advice=left[0].advice if failed and left else "",
            followed=_followed(connection, asked, done.at),
            left=left,
        )


def _followed(connection: Connection, asked: Asked, since: dt.datetime) -> tuple[str, ...]:
    """Return what became of the records behind it since it was done itself."""
    place = asked.record.id.place
    rows = connection.execute(
        'SELECT "offset", action, code FROM streams.parking_audit WHERE processor = %s AND topic = %s '
        'AND partition = %s AND "offset" = ANY(%s) AND at > %s AND action = ANY(%s) ORDER BY at',
        (*place, list(asked.behind), since, list(DONE)),
    ).fetchall()
    return tuple(
        f"{ParkedId(*place, int(str(offset)))} {action}{f': {code}' if action == 'failed again' else ''}"
        for offset, action, code in rows
    )


def _require_worker(connection: Connection, of: ParkedId, *, is_late: bool) -> None:
    with connection.transaction():
        owner = shelf.owner(connection, of)
    stays = "what you asked is noted, and is done as soon as"
    if not owner.works:
        raise NobodyWorksError(f"no worker runs: {stays} one does: `hub worker --detach`")
    if owner.state == "halted":
        raise NobodyWorksError(f"the partition of {of} stands still ({owner.code}: {owner.advice}): {stays} it runs")
    if is_late:
        raise NobodyWorksError(f"the partition of {of} is {owner.state or 'not owned'} {owner.code}: {stays} it runs")
