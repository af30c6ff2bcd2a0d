"""The commands of the local stack: `hub up`, `hub status`, `hub down`, `hub reset`."""

from collections import Counter
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from infra.home import Home
    from infra.stack.supervisor import PartStatus

EXIT_DOWN = 3


def register(app: typer.Typer) -> None:
    """Add the commands of this module to *app*."""
    app.command()(up)
    app.command()(status)
    app.command()(down)
    app.command()(reset)


def up(
    clock: Annotated[
        str | None,
        typer.Option(help="`real` or `simulated`; fixed for good when the home is made.", show_default="real"),
    ] = None,
) -> None:
    """Start Kafka, the registry and PostgreSQL, and wait until they answer.

    Safe to repeat at any time: what runs is left alone, what was killed starts again. Data are in `.local`,
    or in the folder that HUB_HOME names. HUB_BROKERS=3 makes a home with three brokers, of which one may be lost.
    """
    from infra.home import Home
    from infra.settings import settings
    from infra.stack import supervisor, worker
    from infra.stack.progress import shown

    home = Home.current()
    home.make(_clock(clock), settings().brokers)
    with shown(f"Starting the hub in {home.path}") as tell:
        supervisor.start(home, settings(), tell, supervisor.make_ready)
    if worker.running(home) is None:
        typer.echo("No worker runs in the background: events wait. `hub worker --detach` starts one.", err=True)


def status(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Also fail when events wait.")] = False,
) -> None:
    """Show how each part is, and how far events have come.

    Exit code 0 when all servers are up, 3 when one is not. With `--strict` also 3 when events wait: no worker, or a
    processor or projection that does not run.
    """
    import json

    from infra.home import Home
    from infra.settings import settings
    from infra.stack import supervisor

    home = Home.current()
    found = supervisor.status(home, settings()) if home.is_made else ()
    extra = _additions(home) if found else {}
    if as_json:
        print(json.dumps({"home": str(home.path), "parts": _as_json(found)} | extra, indent=2))  # noqa: T201
    else:
        _print_table(home, found, extra)
    if not found or any(part.state != "up" for part in found) or (strict and _events_wait(extra)):
        raise typer.Exit(EXIT_DOWN)


def down() -> None:
    """Stop every part; data stay."""
    from infra.home import Home
    from infra.settings import settings
    from infra.stack import supervisor
    from infra.stack.progress import shown

    home = Home.current()
    if home.is_made:
        with shown(f"Stopping the hub in {home.path}") as tell:
            supervisor.stop(home, settings(), tell)


def reset(
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Stop the hub and delete all of its data: the ledger, the keys, everything in its home."""
    from infra.home import Home
    from infra.settings import settings
    from infra.stack import supervisor
    from infra.stack.progress import shown

    home = Home.current()
    if not yes and home.is_made:
        typer.confirm(f"Delete everything in {home.path}, keys included, for good?", abort=True, err=True)
    with shown(f"Deleting the hub in {home.path}") as tell:
        supervisor.remove(home, settings(), tell)


def _additions(home: "Home") -> dict[str, Any]:
    """Return what other rooms add to the status."""
    extra: dict[str, Any] = {}
    for entry in sorted(entry_points(group="hub.status"), key=lambda entry: entry.name):
        extra |= entry.load()(home)
    return extra


def _events_wait(extra: dict[str, Any]) -> bool:
    if extra.get("worker", {}).get("state") == "down":
        return True  # its last word may still say that all runs
    groups = [extra.get(name) for name in ("processors", "projections")]
    return any(not group or any(one["state"] != "running" for one in group.values()) for group in groups)


def _as_json(found: "tuple[PartStatus, ...]") -> dict[str, dict[str, Any]]:
    from dataclasses import asdict

    return {part.name: {key: value for key, value in asdict(part).items() if key != "name"} for part in found}


def _print_table(home: "Home", found: "tuple[PartStatus, ...]", extra: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    if not found:
        console.print(f"No hub has been started in {home.path}: `./hub up` starts one.", markup=False, soft_wrap=True)
        return
    table = Table("part", "state", "pid", "address", "version", "data", box=None)
    for part in found:
        colour = "green" if part.state == "up" else "red"
        state = f"[{colour}]{part.state}[/]"
        table.add_row(part.name, state, str(part.pid or ""), part.address, part.version, part.data)
    console.print(table)
    for name, value in extra.items():
        console.print()
        _print_addition(console, name, value)


def _print_addition(console: "Console", name: str, value: object) -> None:
    """Print what a room added: a line for each of its things, and under it what is wrong with that."""
    console.print(f"{name}", style="bold", markup=False)
    if not isinstance(value, dict):
        console.print(f"  {value}", markup=False, soft_wrap=True)
        return
    for thing, state in value.items() or [("none", "")]:
        words: dict[str, Any] = state if isinstance(state, dict) else {"": state}
        text = ", ".join(f"{key} {word}".strip() for key, word in words.items() if key != "troubles")
        console.print(f"  {thing:<18} {text}", markup=False, soft_wrap=True)
        said = Counter((each["code"], each["advice"]) for each in words.get("troubles", []))
        for (code, advice), number in said.items():
            text = f"    {number} of its partitions: {code or words.get('state', '')} {advice}"
            console.print(text, style="yellow", markup=False, soft_wrap=True)


def _clock(text: str | None) -> Any:
    if text not in (None, "real", "simulated"):
        raise typer.BadParameter("it is `real` or `simulated`", param_hint="--clock")
    return text
