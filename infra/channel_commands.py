"""The commands `hub channel list | show`: what each channel may carry of each event type, source and derived."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from schemas.channel_table import Carried, Side

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]

channel_app = typer.Typer(
    help="Channels: what each may carry of each event type, and why the rest stays.", no_args_is_help=True
)


def register(app: typer.Typer) -> None:
    """Add these commands to *app*."""
    app.add_typer(channel_app, name="channel")


@channel_app.command("list")
def list_channels(as_json: AsJson = False) -> None:
    """Show every channel with the number of fields that it carries of each event type."""
    from infra.schema_screens import console, table_of, write_json
    from schemas.catalogue import contracts
    from schemas.channel_table import CHANNELS, carried

    found = {
        each.name: {name: sum(side.becomes is not None for side in carried(each, name).sides) for name in CHANNELS}
        for each in contracts()
    }
    if as_json:
        write_json({"channels": list(CHANNELS), "fields": found})
        return
    table = table_of("fields of", *CHANNELS)
    for event_type, counts in found.items():
        table.add_row(event_type, *(str(counts[name] or "") for name in CHANNELS))
    console().print(table)


@channel_app.command("show")
def show(
    channel: Annotated[str, typer.Argument(metavar="CHANNEL", help="Such as anon.open; `hub channel list` has all.")],
    event_type: Annotated[str, typer.Argument(metavar="EVENT_TYPE", help="Such as PersonIdentified.")],
    as_json: AsJson = False,
) -> None:
    """Show the source and what CHANNEL carries of it side by side, and for every other field why it stays."""
    from dataclasses import asdict

    from infra.schema_screens import console, table_of, write_json
    from schemas.catalogue import contract
    from schemas.channel_table import carried

    found = carried(contract(event_type), channel)
    if as_json:
        write_json(asdict(found))
        return
    screen = console()
    screen.print(_head(found), markup=False)
    table = table_of("field of the source", "class", "ladder", "leaves as", "on the level, or why it stays")
    for side in (*_leaving(found), *(side for side in found.sides if side.becomes is None)):
        style = "dim" if side.becomes is None else None
        table.add_row(side.path, side.privacy_class, side.ladder or "", side.becomes or "", side.form, style=style)
    screen.print(table)


def _leaving(found: "Carried") -> "list[Side]":
    return [side for side in found.sides if side.becomes is not None]


def _head(found: "Carried") -> str:
    if found.fullname is None:
        return f"{found.channel} carries nothing of {found.event_type}"
    what = f"{found.channel} carries of {found.event_type} {len(_leaving(found))} of {len(found.sides)} fields"
    return f"{what}, as {found.fullname}\nissued by the compiler: {found.fingerprint}"
