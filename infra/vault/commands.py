"""The commands `hub vault status | rotate`."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from infra.progress_bar import progress_bar

if TYPE_CHECKING:
    from infra.vault.rotation import KekState, Rotation

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]
Found = TypeVar("Found")

vault_app = typer.Typer(
    help="The keys of the hub: what wraps them, how old that is, and to replace it.", no_args_is_help=True
)


def register(app: typer.Typer) -> None:
    """Add these commands to *app*."""
    app.add_typer(vault_app, name="vault")


@vault_app.command("status")
def status_command(as_json: AsJson = False) -> None:
    """Show every key encryption key that the vault ever had, and how many keys are under each."""
    from rich.console import Console
    from rich.table import Table

    from infra.settings import settings

    days = settings().kek_rotation_days

    async def ask(rotation: "Rotation") -> "tuple[tuple[KekState, ...], bool]":
        return await rotation.states(), await rotation.is_due(days)

    states, is_due = _with_rotation(ask)
    if as_json:
        typer.echo(json.dumps({"keks": [asdict(each) for each in states], "due": is_due}, default=str))
        return
    table = Table("key encryption key", "state", "known since", "keys under it", box=None)
    for each in states:
        table.add_row(each.kek_id, each.state, f"{each.known_at:%Y-%m-%d %H:%M}", str(each.rows))
    Console().print(table)
    if is_due:
        typer.echo(f"A rotation is due (HUB_KEK_ROTATION_DAYS={days}): the worker does it, or `hub vault rotate`.")


@vault_app.command("rotate")
def rotate_command(as_json: AsJson = False) -> None:
    """Replace the key encryption key: wrap every key anew, then destroy the old one. Workers go on meanwhile."""
    with progress_bar("replacing the key encryption key") as progress:
        done = _with_rotation(lambda rotation: rotation.rotate(progress))
    if as_json:
        typer.echo(json.dumps(asdict(done)))
        return
    what = "Finished the rotation that was interrupted" if done.resumed else "Rotated"
    typer.echo(f"{what}: {done.rows} keys are under {done.current} now.")
    typer.echo(f"Destroyed: {', '.join(done.destroyed) or 'none'}. Destroy backups of the old key as well.")


def _with_rotation(action: "Callable[[Rotation], Awaitable[Found]]") -> Found:
    from infra.workplace import at_vault

    return at_vault(lambda place, pool: action(place.vault(pool).rotation))
