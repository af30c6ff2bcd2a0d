"""`hub publish`: reads events, publishes them, tells what became of each."""

import json
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TextIO

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from connectors.events_file import Line, read_events
from connectors.publisher import Placed, Publisher, Sent
from connectors.receipts import Receipts, ReceiptsUnavailableError
from infra.topology.credentials import Credentials
from schemas.errors import InvalidEventError, MisuseError, Problem

Place = tuple[int, int | None]
"""Line of the file, and which event of an array, both from 1."""


@dataclass(slots=True)
class Outcome:
    """What became of the events of a file."""

    read: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    refused: list[tuple[Place, tuple[Problem, ...]]] = field(default_factory=list)
    place_by_offset: dict[int, Place] = field(default_factory=dict)
    late: ReceiptsUnavailableError | None = None

    def refuse(self, place: Place, problems: tuple[Problem, ...]) -> None:
        """Note that the event at *place* was refused."""
        self.counts["refused"] += 1
        self.refused.append((place, problems))


async def run(credentials: Credentials, source: TextIO, *, wait: bool, timeout_s: float, as_json: bool) -> int:
    """Publish the events of *source*; return the exit code."""
    outcome = Outcome()
    console = Console(stderr=True, highlight=False)
    async with Receipts(credentials) as receipts, Publisher(credentials) as publisher:
        with _progress(console) as progress:
            task = progress.add_task("published", total=None)
            valid: list[Place] = []
            async for result in publisher.publish_all(_events(source, outcome, valid)):
                _note(result, valid.pop(0), outcome)
                progress.update(task, description=f"published {outcome.counts['sent']:,} of {outcome.read:,} read")
            if wait and outcome.place_by_offset:
                async for answered in _answers(receipts, outcome, timeout_s):
                    progress.update(task, description=f"answered {answered:,} of {outcome.counts['sent']:,}")
    _tell(outcome, console, waited=wait, as_json=as_json)
    if outcome.late is not None:
        raise outcome.late
    if outcome.read == 0:
        raise MisuseError("there was no event to publish: is it the right file?")
    return 1 if outcome.refused else 0


async def _answers(receipts: Receipts, outcome: Outcome, timeout_s: float) -> AsyncIterator[int]:
    """Note the receipts as they come and yield how many there are; what is not answered in time is told at the end."""
    number = 0
    try:
        async for receipt in receipts.until(outcome.place_by_offset.keys(), timeout_s):
            number += 1
            if receipt.outcome == "REFUSED":
                outcome.refuse(outcome.place_by_offset[receipt.source_offset], receipt.problems)
            else:
                outcome.counts[receipt.outcome.lower()] += 1
            yield number
    except ReceiptsUnavailableError as error:
        outcome.late = error


async def _events(source: TextIO, outcome: Outcome, valid: list[Place]) -> AsyncIterator[Mapping[str, object]]:
    for line in _lines(source, outcome):
        if line.event is None:
            outcome.refuse((line.number, line.index), (line.problem,) if line.problem else ())
        else:
            valid.append((line.number, line.index))
            yield line.event


def _lines(source: TextIO, outcome: Outcome) -> Iterator[Line]:
    for line in read_events(source):
        outcome.read += 1
        yield line


def _note(result: Placed | InvalidEventError, place: Place, outcome: Outcome) -> None:
    if isinstance(result, InvalidEventError):
        outcome.refuse(place, result.problems)
    elif isinstance(result, Sent):
        outcome.counts["sent"] += 1
        outcome.place_by_offset[result.offset] = place


def _tell(outcome: Outcome, console: Console, *, waited: bool, as_json: bool) -> None:
    counts = outcome.counts
    refused = sorted(outcome.refused, key=lambda item: item[0])
    if as_json:
        summary = {
            "read": outcome.read,
            "sent": counts["sent"],
            "accepted": counts["accepted"] if waited else None,
            "duplicates": counts["duplicate"] if waited else None,
            "refused": counts["refused"],
            "problems": [
                {"line": line, "event": index, "path": problem.path, "rule": problem.rule, "advice": problem.advice}
                for (line, index), problems in refused
                for problem in problems
            ],
        }
        sys.stdout.write(json.dumps(summary) + "\n")
        return
    for (line, index), problems in refused:
        where = f"line {line}" if index is None else f"event {index}"
        for problem in problems:
            console.print(f"{where}: {problem}", style="red", markup=False, soft_wrap=True)
    answered = (
        f"{counts['accepted']} accepted, {counts['duplicate']} duplicates, " if waited else f"{counts['sent']} sent, "
    )
    console.print(f"{outcome.read} read: {answered}{counts['refused']} refused", markup=False)


def _progress(console: Console) -> Progress:
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
