"""The command `hub credentials rotate`."""

from typing import Annotated

import typer

from infra.topology.commands import credentials_app


def register(_app: typer.Typer) -> None:
    """Do nothing more: the command is one of those of credentials since this module was read."""


@credentials_app.command("rotate")
def rotate_command(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[PRINCIPAL]…", help="Principals, or roles of the database.")
    ] = None,
    everybody: Annotated[bool, typer.Option("--all", help="Every password of this hub.")] = False,
    database: Annotated[bool, typer.Option("--database", help="Every role of the database.")] = False,
    registry: Annotated[bool, typer.Option("--registry", help="The user of the schema registry.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """Give each a new random password; the old one is refused from then on.

    The hub's own servers and the worker in the background take theirs over at once. Agencies and partners need the new
    one from you: `hub credentials PRINCIPAL --output FILE`. Interrupted, give the same command again.
    """
    import orjson

    from infra.home import Home
    from infra.passwords import drafts
    from infra.passwords.rotating import rotate, take_over
    from infra.progress_bar import progress_bar
    from infra.stack.progress import shown
    from infra.topology.model import load_topology

    home, topology = Home.current(), load_topology()
    home.endpoints()  # says what to do when the stack is down
    known = drafts.everybody(topology)
    wanted = [drafts.Credential.named(name, topology) for name in names or ()]
    wanted += [
        each
        for each in known
        if everybody or (database and each.server == "database") or (registry and each.server == "registry")
    ]
    if not wanted and not drafts.pending(home):
        raise typer.BadParameter("name a principal or a role, or give --all, --database or --registry")
    if everybody and not yes:
        typer.confirm(f"Change {len(wanted)} passwords? Every agency and partner then needs its new one.", abort=True)
    with progress_bar("signing in") as progress:
        changed = rotate(home, wanted, progress)
    with shown("Taking the new passwords over") as tell:
        take_over(home, topology, changed, tell)
    if as_json:
        typer.echo(orjson.dumps({"rotated": [{"name": each.name, "server": each.server} for each in changed]}))
        return
    for each in changed:
        typer.echo(f"new password: {each}")
    for name in sorted(each.name for each in changed if each.name in topology.organisations()):
        typer.echo(f"give {name} its own: hub credentials {name} --output FILE")
