"""Tells a scenario: events as JSON lines on standard output, counts for scripts, or tables for people."""

import datetime as dt
import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import orjson
from rich.console import Console, Group
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from connectors.scenario.stream import Act, Scenario
from schemas.catalogue import contract

STEP = 1_000
"""After so many events the progress bar moves."""


@dataclass(slots=True)
class Counts:
    """What was told."""

    events: int = 0
    repeats: int = 0
    """Events that were told before: so many duplicates a hub must find, when it is given all of them."""
    first: dt.datetime | None = None
    last: dt.datetime | None = None
    types: Counter[str] = field(default_factory=Counter)
    agencies: Counter[str] = field(default_factory=Counter)
    months: Counter[str] = field(default_factory=Counter)

    def note(self, act: Act) -> None:
        """Count *act*."""
        self.events += 1
        self.repeats += act.repeated
        self.first = self.first or act.at
        self.last = act.at
        self.types[str(act.event["event_type"])] += 1
        self.agencies[act.agency] += 1
        self.months[f"{act.at:%Y-%m}"] += 1

    @property
    def families(self) -> Counter[str]:
        """Return how many events of each family were told."""
        found: Counter[str] = Counter()
        for name, number in self.types.items():
            found[contract(name).family] += number
        return found

    def summary(self) -> dict[str, object]:
        """Return the counts as the command prints them with `--json`."""
        return {
            "events": self.events,
            "repeats": self.repeats,
            "first": self.first and self.first.isoformat(),
            "last": self.last and self.last.isoformat(),
            "families": dict(sorted(self.families.items())),
            "types": dict(sorted(self.types.items())),
            "agencies": dict(sorted(self.agencies.items())),
            "months": dict(sorted(self.months.items())),
        }


def tell(scenario: Scenario, events: int, agency: str | None, *, lines: bool, as_json: bool) -> None:
    """Tell *events* of *scenario*, or what *agency* publishes of them, in the form that is asked for."""
    counts = Counts()
    write = sys.stdout.buffer.write
    for act in _watched(scenario, events):
        if agency is None or act.agency == agency:
            counts.note(act)
            if lines:
                write(orjson.dumps(act.event, option=orjson.OPT_APPEND_NEWLINE))
    if lines:
        sys.stdout.buffer.flush()
    elif as_json:
        found = {"seed": scenario.seed, "run": scenario.run, **counts.summary()}
        sys.stdout.write(json.dumps(found) + "\n")
    else:
        _show(counts)


def _watched(scenario: Scenario, events: int) -> Iterator[Act]:
    """Yield the acts and show on a terminal how far they are."""
    console = Console(stderr=True)
    columns = (TextColumn("told"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("told", total=events)
        for number, act in enumerate(scenario.events(events)):
            if number % STEP == 0:
                progress.update(task, completed=number)
            yield act


def _show(counts: Counts) -> None:
    console = Console(highlight=False)
    families: dict[str, list[tuple[str, int]]] = {}
    for name, number in sorted(counts.types.items()):
        families.setdefault(contract(name).family, []).append((name, number))
    by_type = _table("event type", {})
    for family, types in sorted(families.items()):
        by_type.add_row(family, f"{sum(number for _, number in types):,}", style="bold")
        for name, number in types:
            by_type.add_row(f"  {name}", f"{number:,}")
    others = Group(_table("agency", counts.agencies), "", _table("month", counts.months))
    side_by_side = Table.grid(padding=(0, 4))
    side_by_side.add_row(by_type, others)
    console.print(side_by_side)
    console.print(f"{counts.events:,} events, {counts.repeats:,} of them told before: duplicates to be found")


def _table(title: str, counts: Mapping[str, int]) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column(title, no_wrap=True)
    table.add_column("events", justify="right", no_wrap=True)
    for name, number in sorted(counts.items()):
        table.add_row(name, f"{number:,}")
    return table
