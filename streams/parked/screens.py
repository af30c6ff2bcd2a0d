"""Parked records as people and programs read them."""

import datetime as dt
import sys
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Column, Table

from streams.parked.asking import Outcome
from streams.parked.shelf import AuditEntry, Details, ParkedRecord, ParkedSequence
from streams.pump.parking import BEHIND

PIPED_COLUMNS = 200
EMPTY = "Nothing is parked."
NONE_SUCH = "Nothing like that is parked; `hub parked summary` shows what is."


def console() -> Console:
    """Return where answers go: as wide as the terminal, wide enough for one line each where there is none."""
    return Console(width=None if sys.stdout.isatty() else PIPED_COLUMNS, highlight=False)


def shown(record: ParkedRecord) -> dict[str, object]:
    """Return all that is known of a parked record, for a program."""
    return {
        "id": str(record.id),
        "processor": record.id.processor,
        "topic": record.id.topic,
        "partition": record.id.partition,
        "offset": record.id.offset,
        "sequence": record.sequence,
        "code": record.code,
        "advice": record.advice,
        "parked_at": record.parked_at.isoformat(),
        "attempts": record.attempts,
        "requested": record.requested,
        "requested_by": record.requested_by,
        "reason": record.reason,
    }


def shown_sequence(found: ParkedSequence) -> dict[str, object]:
    """Return a line of the list, for a program."""
    return {**shown(found.head), "behind": found.behind}


def shown_outcome(outcome: Outcome) -> dict[str, object]:
    """Return an outcome, for a program."""
    return {
        "id": str(outcome.id),
        "outcome": outcome.action,
        "code": outcome.code,
        "advice": outcome.advice,
        "followed": list(outcome.followed),
        "left": [str(each.id) for each in outcome.left],
    }


def listing(found: Sequence[ParkedSequence]) -> Table:
    """Return the list: a line for each sequence."""
    table = Table(
        Column("first record", no_wrap=True),
        Column("behind", justify="right"),
        Column("code", no_wrap=True),
        Column("parked", no_wrap=True),
        Column("tried", justify="right"),
        Column("asked", no_wrap=True),
        "advice",
        box=None,
    )
    for each in found:
        head = each.head
        row = (str(head.id), str(each.behind), head.code, _moment(head.parked_at), str(tries_of(head)))
        table.add_row(*row, head.requested or "", head.advice)
    return table


def shown_all(found: Details, agency: str | None = None) -> dict[str, object]:
    """Return one record with its place in its sequence and whose case it delays, for a program."""
    place = {"parked": True, "head": str(found.head.id), "behind": found.behind}
    return {**shown(found.record), **place, "agency": agency, "delayed_since": found.head.parked_at.isoformat()}


def shown_entry(entry: AuditEntry) -> dict[str, object]:
    """Return a line of the audit, for a program."""
    told = {"action": entry.action, "code": entry.code, "by_whom": entry.by_whom, "reason": entry.reason}
    return {"at": entry.at.isoformat(), **told}


def lines(found: Details, agency: str | None = None) -> Iterable[str]:
    """Yield the lines about one record."""
    record, head, behind, owner = found.record, found.head, found.behind, found.owner
    yield str(record.id)
    yield f"  error     {record.code}: {record.advice}"
    yield f"  parked    {_moment(record.parked_at)}, {_tries(record)}"
    yield f"  sequence  {record.sequence or 'none: nobody waits for it'}"
    if head.id != record.id:
        yield f"  waits     behind {head.id} ({head.code}), which has to go first"
    elif record.sequence_key:
        yield f"  first     of its sequence; {behind} wait behind it"
    whose = f"of {agency}" if agency else "of an agency that is not known"
    yield f"  delays    {'a case' if record.sequence_key else 'an event'} {whose}, since {_moment(head.parked_at)}"
    if record.requested:
        yield f"  asked     {record.requested} by {record.requested_by}"
    said = f"{owner.state} {owner.code}".strip() or "not known"
    yield f"  owner     {said if owner.works else 'no worker runs'}"


def trail(entries: Iterable[AuditEntry]) -> Table:
    """Return the audit of one record."""
    table = Table("when", "what", "code", "by", "reason", box=None)
    for entry in entries:
        table.add_row(_moment(entry.at), entry.action, entry.code, entry.by_whom, entry.reason)
    return table


def told(outcome: Outcome) -> Iterable[str]:
    """Yield the lines about an outcome."""
    yield f"{outcome.id}: {outcome.action}{f': {outcome.code}: {outcome.advice}' if outcome.code else ''}"
    for line in outcome.followed:
        yield f"  then {line}"
    if outcome.left:
        first = outcome.left[0]
        yield f"  {len(outcome.left)} of its sequence wait, the first is {first.id} ({first.code})"


def tries_of(record: ParkedRecord) -> int:
    """Return how often the record was tried; one that waits behind another was not."""
    return 0 if record.code == BEHIND else record.attempts


def _tries(record: ParkedRecord) -> str:
    tries = tries_of(record)
    return "not tried" if not tries else "tried once" if tries == 1 else f"tried {tries} times"


def _moment(at: dt.datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M:%SZ")
