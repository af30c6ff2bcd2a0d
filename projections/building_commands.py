"""Commands that make generations: `hub projection rebuild | switch | rollback | drop | skip`."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from infra.home import Home
    from projections.logs import Vector
    from projections.projection import Projection
    from projections.rebuild import Outcome, Report

AsJson = Annotated[bool, typer.Option("--json", help="Machine-readable output on standard output.")]
Name = Annotated[str, typer.Argument(metavar="NAME", help="One of those that `hub projection list` shows.")]
OUTCOMES = {"switched": 0, "built": 0, "different": 1, "failed": 2}
"""Exit codes."""


def register(group: typer.Typer) -> None:
    """Add the commands to *group*."""
    for name, command in (
        ("rebuild", rebuild),
        ("switch", switch),
        ("rollback", rollback),
        ("drop", drop),
        ("skip", skip),
    ):
        group.command(name)(command)


def rebuild(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="One of those that are listed.")] = None,
    every: Annotated[bool, typer.Option("--all", help="All projections, in one pass over the topics.")] = False,
    at: Annotated[
        str | None, typer.Option("--at", metavar="TIME", help="As of then, to look at; never switched to.")
    ] = None,
    offsets: Annotated[
        Path | None,
        typer.Option("--offsets", metavar="FILE", help="As of the offsets in a JSON file; see `list --json`."),
    ] = None,
    anew: Annotated[
        bool, typer.Option("--anew", help="Drop a build that was left unfinished, and begin again.")
    ] = False,
    processes: Annotated[int | None, typer.Option("--processes", min=1, help="Builders side by side.")] = None,
    as_json: AsJson = False,
) -> None:
    """Build a projection anew beside the live one, compare both row by row, and switch when they are equal.

    Readers and the worker go on with the live one meanwhile. Interrupted or killed, the same command goes on where it
    was. Exit code 1 when the new one differs: then nothing is switched; 2 when an event could not be folded.
    """
    from infra.home import Home
    from projections.catalogue import PROJECTIONS, projection
    from projections.rebuild import workshop
    from schemas.errors import MisuseError

    if (name is None) is not every or (at is not None and offsets is not None):
        raise MisuseError("give the NAME of a projection or --all, and at most one of --at and --offsets")
    chosen = PROJECTIONS if name is None else (projection(name),)
    home, clock = Home.current(), _Clock()
    with _bar(as_json) as bar, workshop(home, chosen, clock.timing(bar), processes=processes) as made:
        if at is None and offsets is None:
            outcomes = made.rebuild(chosen, anew=anew)
        else:
            outcomes = tuple(made.build_as_of(each, _vector(home, each, at, offsets)) for each in chosen)
    _tell(outcomes, made.records, clock, as_json)
    raise typer.Exit(max(OUTCOMES[each.state] for each in outcomes))


def switch(name: Name) -> None:
    """Let readers see the generation that was built last, without a comparison; it is caught up first."""
    from projections.generations import unfinished

    _lead(name, unfinished, "readers see generation {number} of {name} now; `hub projection rollback {name}` undoes it")


def rollback(name: Name) -> None:
    """Let readers see the previous generation again; it is caught up first."""
    from projections.generations import previous

    _lead(name, previous, "readers see generation {number} of {name} again; `hub projection rollback {name}` undoes it")


def drop(
    name: Name,
    number: Annotated[int, typer.Argument(metavar="GENERATION", help="Its number; never the live one.")],
) -> None:
    """Drop a generation that readers do not see, with its tables."""
    from infra.home import Home
    from projections import generations
    from projections.catalogue import projection
    from schemas.errors import MisuseError

    known = projection(name)
    with generations.owner_of(Home.current()) as owner, generations.held(owner, name):
        found = generations.generation(owner, known.name, number)
        if found.state == "live":
            raise MisuseError(f"generation {number} is what readers see: build another one first")
        generations.drop(owner, found)
    typer.echo(f"generation {number} of {name} is dropped", err=True)


def skip(
    record: Annotated[str, typer.Argument(metavar="RECORD", help="Topic, partition and offset, such as ledger-3@17.")],
    reason: Annotated[
        str, typer.Option("--reason", help="Why, in 200 characters; kept for ever: write no personal data into it.")
    ],
) -> None:
    """Let no projection fold a record that nobody can read, such as one that somebody wrote by hand; for good."""
    from infra.home import Home
    from projections import generations, skipping

    with generations.owner_of(Home.current()) as owner:
        skipping.skip(owner, record, reason)
    typer.echo(f"{record} is skipped by every projection; restart the worker, and it goes on after it", err=True)


def _lead(name: str, choose: Callable[..., Any], said: str) -> None:
    from infra.home import Home
    from projections.catalogue import projection
    from projections.rebuild import workshop

    known = projection(name)
    with _bar(False) as report, workshop(Home.current(), [known], report) as made:
        found = choose(made.owner, known)
        made.switch_to(known, found)
    typer.echo(said.format(name=name, number=found.number), err=True)


def _vector(home: "Home", projection: "Projection", at: str | None, offsets: Path | None) -> "Vector":
    from infra.topology.model import load_topology
    from projections import logs
    from projections.offsets import moment_of, vector_in
    from projections.status import partitions_of

    places = partitions_of(projection, load_topology())
    if at is not None:
        return logs.at_time(home, places, moment_of(at))
    assert offsets is not None, "one of both is given"
    return vector_in(offsets, logs.bounds(home, places))


class _Clock:
    """How long a build has taken, and each of its phases."""

    def __init__(self) -> None:
        self._began = self._since = time.monotonic()
        self._phase = "beginning"
        self._spent: dict[str, float] = {}

    @property
    def took_s(self) -> float:
        """Seconds since it began."""
        return time.monotonic() - self._began

    @property
    def phases_s(self) -> dict[str, float]:
        """Seconds of each phase by name."""
        self._count(self._phase)
        return {phase: round(spent, 1) for phase, spent in self._spent.items()}

    def timing(self, report: "Report") -> "Report":
        """Return *report*, timed."""

        def timed(doing: str, done: int, total: int) -> None:
            self._count(doing.split(" ", maxsplit=1)[0] if doing.startswith("comparing") else doing)
            report(doing, done, total)

        return timed

    def _count(self, phase: str) -> None:
        now = time.monotonic()
        self._spent[self._phase] = self._spent.get(self._phase, 0.0) + now - self._since
        self._phase, self._since = phase, now


@contextmanager
def _bar(quiet: bool) -> "Iterator[Callable[[str, int, int], None]]":
    """Show what is done, how fast, and how long it still takes, where there is a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True, quiet=quiet)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("beginning", total=None, rate="")
        doing = "beginning"

        def report(what: str, done: int, total: int) -> None:
            nonlocal doing
            if what != doing:
                doing = what
                bar.reset(task, description=what, total=total or None, completed=0)
            speed = bar.tasks[0].speed
            bar.update(task, completed=done, total=total or None, rate=f"{speed:,.0f}/s" if speed else "")

        yield report


def _tell(outcomes: "tuple[Outcome, ...]", records: int, clock: "_Clock", as_json: bool) -> None:
    if as_json:
        from projections.screens import write

        spent = {"took_s": round(clock.took_s, 1), "phases_s": clock.phases_s}
        write({"records": records, **spent, "outcomes": [_as_object(each) for each in outcomes]})
        return
    for each in outcomes:
        typer.echo(_said(each), err=True)
    typer.echo(f"{records} records in {clock.took_s:.1f} s", err=True)


def _said(outcome: "Outcome") -> str:
    name, number = outcome.projection, outcome.generation
    rows = sum(each.rows for each in outcome.compared)
    if outcome.state == "failed":
        assert outcome.failure is not None, "that is why"
        return f"{name}: generation {number} has failed ({outcome.failure.code}): {outcome.failure.advice}"
    if outcome.state == "built":
        return f"{name}: generation {number} is built; `hub projection show {name} --generation {number}` shows it"
    if outcome.state == "different":
        several = "; ".join(
            f"{each.table}: {each.missing} rows are only in the live one, {each.added} only in the new one, "
            f"{each.changed} differ"
            for each in outcome.compared
            if not each.is_equal
        )
        return (
            f"{name}: generation {number} differs from the live one, readers still see that one. {several}. "
            f"Look at `hub projection show {name} --generation {number}`; `hub projection switch {name}` switches"
        )
    compared = (
        f"equals the live one in {rows} rows of {len(outcome.compared)} tables"
        if outcome.compared
        else ("had nothing to be compared with: the live one is of other code, or of another log")
    )
    return f"{name}: generation {number} {compared}; readers see it now"


def _as_object(outcome: "Outcome") -> dict[str, object]:
    from dataclasses import asdict

    return {
        "projection": outcome.projection,
        "generation": outcome.generation,
        "state": outcome.state,
        "compared": [asdict(each) for each in outcome.compared],
        "failure": None if outcome.failure is None else asdict(outcome.failure),
    }
