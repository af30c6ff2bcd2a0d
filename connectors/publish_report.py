"""What became of the events of a file, told to people as it happens, or to programs as one object at the end."""

import json
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from connectors.events_file import Place
from connectors.placing import Placed, Sent
from connectors.receipts import Receipt
from schemas.errors import InvalidEventError, Problem

LISTED_MAX = 10_000
"""So many problems are in the object for programs; how many are left out is in it too."""
SHOW_EVERY = 100


@dataclass(slots=True)
class Report:
    """Counts, and tells problems: at once to a *console*, or to a program at the end."""

    console: Console
    as_json: bool
    read: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    problems: list[tuple[Place, Problem]] = field(default_factory=list)

    def refuse(self, place: Place, problems: Iterable[Problem]) -> None:
        """Note that the event at *place* was refused."""
        self.counts["refused"] += 1
        for problem in problems:
            self.counts["problems"] += 1
            if not self.as_json:
                self.console.print(f"{place}: {problem}", style="red", markup=False, soft_wrap=True)
            elif len(self.problems) < LISTED_MAX:
                self.problems.append((place, problem))

    def place(self, place: Place, result: Placed | InvalidEventError) -> None:
        """Note what publishing the event at *place* came to."""
        if isinstance(result, InvalidEventError):
            self.refuse(place, result.problems)
        else:
            self.counts["sent" if isinstance(result, Sent) else "spooled"] += 1

    def answer(self, place: Place, receipt: Receipt) -> None:
        """Note the *receipt* of the event at *place*."""
        if receipt.outcome == "REFUSED":
            self.refuse(place, receipt.problems)
        else:
            self.counts[receipt.outcome.lower()] += 1
        self.counts["answered"] += 1

    def tell(self, *, waited: bool) -> None:
        """Say the counts; *waited* for receipts or not."""
        counts = self.counts
        if self.as_json:
            summary: dict[str, object] = {
                "read": self.read,
                "sent": counts["sent"],
                "spooled": counts["spooled"],
                "accepted": counts["accepted"] if waited else None,
                "duplicates": counts["duplicate"] if waited else None,
                "refused": counts["refused"],
                "problems": [_row(*each) for each in sorted(self.problems, key=_in_order)],
                "problems_left_out": counts["problems"] - len(self.problems),
            }
            sys.stdout.write(json.dumps(summary) + "\n")
            return
        told = [f"{counts['sent']} sent"]
        if waited:
            told = [f"{counts['accepted']} accepted", f"{counts['duplicate']} duplicates"]
        if counts["spooled"]:
            told.append(f"{counts['spooled']} in the spool")
        told.append(f"{counts['refused']} refused")
        self.console.print(f"{self.read} read: {', '.join(told)}", markup=False)


def _in_order(found: tuple[Place, Problem]) -> tuple[str, int, int]:
    place, _ = found
    return place.unit, place.number, place.index or 0


def _row(place: Place, problem: Problem) -> dict[str, object]:
    said = {"path": problem.path, "rule": problem.rule, "advice": problem.advice}
    return {place.unit: place.number, "event": place.index, **said}


class Bar:
    """A progress bar on standard error while the block runs, when that is a terminal.

    With the number of bytes of the file it says how far it is and when it will be done.
    """

    def __init__(self, report: Report, bytes_total: int | None) -> None:
        known = (BarColumn(), TaskProgressColumn(), TimeRemainingColumn()) if bytes_total else ()
        columns = (SpinnerColumn(), TextColumn("{task.description}"), *known, _Rate(report), TimeElapsedColumn())
        console = report.console
        self._report = report
        self._progress = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
        self._task: TaskID = self._progress.add_task("publishing", total=bytes_total)
        self._calls = 0

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def show(self, bytes_read: int, *, now: bool = False) -> None:
        """Show how far it is: each hundredth call, or *now*."""
        self._calls += 1
        if self._progress.disable or (self._calls % SHOW_EVERY and not now):
            return
        counts = self._report.counts
        kept = f", {counts['spooled']:,} in the spool" if counts["spooled"] else ""
        said = f"{self._report.read:,} read, {counts['sent']:,} sent{kept}, {counts['answered']:,} answered"
        self._progress.update(self._task, completed=bytes_read, description=said)


class _Rate(ProgressColumn):
    """Events a second."""

    def __init__(self, report: Report) -> None:
        super().__init__()
        self._report = report

    def render(self, task: Task) -> Text:
        return Text(f"{self._report.read / task.elapsed:,.0f}/s" if task.elapsed else "")
