"""The commands `hub key check | doubtful`."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated

import typer

from infra.operator import REASON_CHARS_MAX, reason_given
from infra.signing.commands import AsJson, KeyIdArgument, key_app

LISTED_MAX = 50


def register(_app: typer.Typer) -> None:
    """Add these commands to `hub key`."""
    known = {command.name for command in key_app.registered_commands}
    if "check" not in known:
        key_app.command("check")(check_command)
        key_app.command("doubtful")(doubtful_command)


def check_command(
    event_id: Annotated[str, typer.Argument(metavar="EVENT_ID", help="Id of an accepted event.")],
    reason: Annotated[str, typer.Option(help=f"Why, without names; {REASON_CHARS_MAX} characters; it is kept.")],
    as_json: AsJson = False,
) -> None:
    """Verify the signature of an accepted event again, and that the ledger says what was signed.

    The signed original is opened in memory and shown to nobody. Exit code 1 unless it is signed and beyond doubt.
    """
    from infra.workplace import at_vault
    from streams.signatures.checking import check
    from streams.signatures.verdict import SAID, Standing

    why = reason_given(reason)
    found = at_vault(lambda place, pool: check(place, pool, event_id, why))
    if as_json:
        typer.echo(json.dumps(asdict(found), default=str))
    else:
        typer.echo(f"{found.standing}: {SAID[found.standing]}{found.detail and f' ({found.detail})'}")
        typer.echo(f"  agency {found.agency}, accepted at {found.received_at:%Y-%m-%d %H:%M:%S} UTC")
        typer.echo(f"  key id {found.key_id or 'none'}")
    if found.standing is not Standing.SIGNED:
        raise typer.Exit(1)


def doubtful_command(key_id: KeyIdArgument, as_json: AsJson = False) -> None:
    """List the accepted events that a revoked key signed since it is in doubt, and the partners that got them.

    The agency confirms one by publishing a correction of it under another key: `corrects` names the event.
    """
    from infra.home import Home
    from infra.signing.desk import KeyDesk
    from infra.workplace import workplace
    from streams.signatures.doubt import Doubtful, doubtful, recipients

    async def act() -> tuple[list[Doubtful], Mapping[str, frozenset[str]]]:
        async with workplace(Home.current()) as place, KeyDesk(place) as desk:
            events = doubtful(place.home, await desk.keyring(), key_id)
            return events, await recipients(place, {each.event_id for each in events}) if events else {}

    found, told = asyncio.run(act())
    if as_json:
        events = [{**asdict(each), "recipients": sorted(told.get(each.event_id, ()))} for each in found]
        typer.echo(json.dumps({"count": len(found), "events": events}, default=str))
        return
    for each in found[:LISTED_MAX]:
        partners = ", ".join(sorted(told.get(each.event_id, ()))) or "no partner"
        typer.echo(f"{each.event_id}  {each.agency}  {each.received_at:%Y-%m-%d %H:%M:%S}  went to {partners}")
    if len(found) > LISTED_MAX:
        typer.echo(f"and {len(found) - LISTED_MAX} more: --json lists them all")
    typer.echo(f"{len(found)} accepted events are in doubt.")
