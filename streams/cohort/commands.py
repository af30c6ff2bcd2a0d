"""The commands `hub cohort status | rule | resume`: the release of rows about persons, as its operator sees it."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streams.cohort.watching import Watched

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]
Population = Annotated[str, typer.Argument(metavar="POPULATION", help="Such as persons; `hub cohort status` has all.")]

cohort_app = typer.Typer(
    help="Cohort release: how rows about persons wait for, and leave in, classes that reveal nobody.",
    no_args_is_help=True,
)


def register(app: typer.Typer) -> None:
    """Add these commands to *app*."""
    app.add_typer(cohort_app, name="cohort")


@cohort_app.command("status")
def status(as_json: AsJson = False) -> None:
    """Show each population: its rule, what waits, what has left, what was suppressed, and what it noticed.

    Exit code 1 when the independent check has halted one.
    """
    import json
    import sys

    from infra.home import Home
    from infra.topology.model import load_topology
    from streams.cohort.watching import watched

    found = watched(Home.current(), load_topology())
    if as_json:
        sys.stdout.write(json.dumps({"populations": [each.as_object() for each in found]}, indent=2) + "\n")
    else:
        _print(found)
    if any(each.halted for each in found):
        raise typer.Exit(1)


@cohort_app.command("rule")
def rule(
    population: Population,
    k: Annotated[int | None, typer.Option("--k", min=2, help="Persons of a class, at least.")] = None,
    net: Annotated[int | None, typer.Option(min=0, help="Of them not from the largest contributor, at least.")] = None,
    embargo: Annotated[int | None, typer.Option(min=0, help="Ticks before a row may leave.")] = None,
    deadline: Annotated[int | None, typer.Option(min=1, help="Ticks within which it leaves or is suppressed.")] = None,
) -> None:
    """Change the rule of a population, for what waits and what comes; what has left stays as it is.

    A deadline within which too few persons come is refused, with the one that it would need. A weaker rule waits until
    nothing waits that was promised more.
    """
    from infra.home import Home
    from infra.registry import registry_for
    from infra.topology.model import load_topology
    from schemas.codec import Codec
    from schemas.errors import MisuseError
    from streams.cohort.watching import change_rule

    given = {"k": k, "net": net, "embargo": embargo, "deadline": deadline}
    wanted = {name: value for name, value in given.items() if value is not None}
    if not wanted:
        raise MisuseError("say what to change: --k, --net, --embargo or --deadline")
    home = Home.current()
    found = change_rule(home, load_topology(), Codec(registry_for(home)), population, wanted)
    typer.echo(f"{population}: k {found.k}, net {found.net}, embargo {found.embargo}, deadline {found.deadline} ticks")
    typer.echo(f"rule {found.hash[:12]}, in force once `hub cohort status` shows it", err=True)


@cohort_app.command("resume")
def resume_release(population: Population) -> None:
    """Let the release of a population go on that the independent check has halted, once its cause is mended."""
    from infra.home import Home
    from infra.registry import registry_for
    from infra.topology.model import load_topology
    from schemas.codec import Codec
    from streams.cohort.watching import resume

    home = Home.current()
    resume(home, load_topology(), Codec(registry_for(home)), population)
    typer.echo(f"{population}: goes on with the next day; `hub cohort status` shows it", err=True)


def _print(found: "Sequence[Watched]") -> None:
    import sys

    from rich.console import Console

    from infra.clock import day_of

    console = Console() if sys.stdout.isatty() else Console(width=200)
    for each in found:
        day = "no day yet" if each.tick is None else f"{day_of(each.tick)}"
        state = f"[red]halted: {each.halted}[/]" if each.halted else "[green]running[/]"
        console.print(f"\n[bold]{each.population}[/]  {state}  day {day}", highlight=False)
        rule = each.rule
        console.print(
            f"  rule        k {rule.k}, net {rule.net}, embargo {rule.embargo}, deadline {rule.deadline} ticks, "
            f"{rule.hash[:12]}",
            highlight=False,
        )
        if each.awaited is not None:
            console.print(f"  to come     {each.awaited.hash[:12]}, once nothing waits that was promised more")
        least = "" if each.smallest is None else f", the smallest class of {each.smallest} persons"
        console.print(f"  waiting     {each.waiting} rows", highlight=False)
        console.print(f"  released    {each.released} rows in {each.batches} batches{least}", highlight=False)
        console.print(f"  suppressed  {each.suppressed} rows", highlight=False)
        for told, detail, times in each.notices:
            console.print(f"  noticed     {told} {detail} ({times} times)", highlight=False)
