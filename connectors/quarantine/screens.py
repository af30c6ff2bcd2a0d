"""Refused records as people and programs read them."""

import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Column, Table

from connectors.quarantine.desk import Details, Entry
from connectors.quarantine.reading import Sent
from connectors.quarantine.resubmitting import Outcome
from schemas.errors import Problem

PIPED_COLUMNS = 200
EMPTY = "Nothing is in quarantine."


def console() -> Console:
    """Return where answers go: as wide as the terminal, wide enough for one line each where there is none."""
    return Console(width=None if sys.stdout.isatty() else PIPED_COLUMNS, highlight=False)


def shown(entry: Entry) -> dict[str, object]:
    """Return a record of the list, for a program."""
    return {**asdict(entry), "id": str(entry.id), "rules": list(entry.rules)}


def shown_all(entry: Details) -> dict[str, object]:
    """Return all that is known of a record without opening it, for a program."""
    return {**shown(entry), "problems": shown_problems(entry.problems)}


def shown_problems(problems: Iterable[Problem]) -> list[dict[str, str]]:
    """Return problems, for a program."""
    return [{"path": each.path, "rule": each.rule, "advice": each.advice} for each in problems]


def shown_sent(sent: Sent) -> dict[str, object]:
    """Return what was sent, for a program."""
    return {"event": sent.event, "signed_by": sent.key_id, "unreadable": sent.unreadable}


def shown_outcome(entry: Details, outcome: Outcome) -> dict[str, object]:
    """Return what became of a resubmission, for a program."""
    return {
        "id": str(entry.id),
        "event_id": outcome.event_id,
        "outcome": outcome.outcome,
        "settled": outcome.settles,
        "problems": shown_problems(outcome.problems),
    }


def listing(entries: Sequence[Entry]) -> Table:
    """Return the list: a line for each record."""
    names = ("id", "received", "event type", "event id", "state")
    table = Table(*(Column(name, no_wrap=True) for name in names), "rules", box=None)
    for each in entries:
        table.add_row(
            str(each.id),
            f"{each.received_at[:19]}Z",
            each.event_type or "not readable",
            each.event_id or "none",
            each.state,
            ", ".join(each.rules),
        )
    return table


def lines(entry: Details) -> Iterable[str]:
    """Yield the lines about one record."""
    yield str(entry.id)
    yield f"  received  {entry.received_at[:19]}Z, as record {entry.source_offset} of your topic"
    yield f"  event     {entry.event_type or 'not readable'} {entry.event_id or 'without an id that can be read'}"
    if entry.state == "resubmitted":
        yield f"  state     resubmitted: accepted as record {entry.accepted_offset} of your topic"
    else:
        yield f"  state     {entry.state}{f': {entry.reason}' if entry.reason else ''}"
    yield from (f"  wrong     {problem}" for problem in entry.problems)


def told(entry: Details, outcome: Outcome) -> Iterable[str]:
    """Yield the lines about a resubmission."""
    yield f"{entry.id}: {outcome.outcome.lower()}{f' as event {outcome.event_id}' if outcome.event_id else ''}"
    yield from (f"  wrong     {problem}" for problem in outcome.problems)
    if outcome.outcome == "DUPLICATE" and not outcome.settles:
        yield "  the same event had been accepted before this record was refused: discard the record"


def about(sent: Sent | None, output: Path | None) -> Iterable[str]:
    """Yield what is to be said of a record that was opened."""
    if sent is None:
        return
    if sent.key_id is not None:
        yield f"  signed    says it was, with the key {sent.key_id}"
    if sent.unreadable is not None:
        yield f"  record    cannot be read: {sent.unreadable}"
    if output is not None:
        yield f"  written   {'the bytes as they were sent' if sent.event is None else 'the event'} to {output}"
    elif sent.event is None:
        yield "  `--output FILE` gives its bytes"
