"""What an import tells: progress and remarks on standard error, the summary as text or as one JSON object."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)

from connectors.importing.tally import Tally


@dataclass(frozen=True, slots=True)
class Bar:
    """A progress bar that is on the screen."""

    progress: Progress
    task: TaskID

    def add(self, done: int) -> None:
        """Move on by *done*."""
        self.progress.advance(self.task, done)

    def move(self, done: int, total: int) -> None:
        """Show *done* of *total*."""
        self.progress.update(self.task, completed=done, total=total or None)


class Telling:
    """Talks to a person, or with *as_json* to a program; no value of a row is ever said."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._console = Console(stderr=True, highlight=False)

    @contextmanager
    def progress(self, what: str, total: int) -> Iterator[Bar]:
        """Show a bar while the block runs."""
        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=self._console, transient=True, disable=not self._console.is_terminal) as shown:
            yield Bar(shown, shown.add_task(what, total=total or None))

    def say(self, text: str) -> None:
        """Say a remark."""
        self._console.print(text, markup=False, soft_wrap=True)

    def summary(self, tally: Tally, refused_file: str | None, *, dry_run: bool) -> None:
        """Tell what became of the rows."""
        found = {**tally.summary(), "refused_file": refused_file, "dry_run": dry_run}
        if self._as_json:
            sys.stdout.write(json.dumps(found) + "\n")
            return
        for line in tally.shown:
            self._console.print(line, style="red", markup=False, soft_wrap=True)
        more = tally.rows["refused"] - len(tally.shown)
        if more > 0 and tally.shown:
            self.say(f"and {more:,} more refused rows")
        for title, counts in (
            ("repaired", tally.repaired),
            ("noticed", tally.reported),
            ("refused", tally.refused_by_column),
        ):
            for rule, number in counts.most_common():
                if number:
                    self.say(f"{title}: {number:,} {rule}")
        if refused_file:
            self.say(f"refused rows, with what to do: {refused_file}")
        verb = "would be accepted" if dry_run else "accepted"
        rows = tally.rows
        self.say(
            f"{tally.total:,} rows: {rows['accepted']:,} {verb}, {rows['duplicates']:,} duplicates, "
            f"{rows['refused']:,} refused; {tally.events.total():,} events"
        )
