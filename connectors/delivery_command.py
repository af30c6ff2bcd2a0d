"""The commands `hub delivery show | overdue | unanswered | refused`: deliveries as agencies and partners see them."""

import json
from contextlib import closing
from typing import Annotated, cast

import typer

from connectors.access import Access
from connectors.principal import CredentialsFile, credentials_of
from schemas.errors import MisuseError

AsJson = Annotated[bool, typer.Option("--json", help="Machine-readable output on standard output.")]
AsWhom = Annotated[str | None, typer.Option("--as", help="As this agency or partner of the local home.")]

delivery_app = typer.Typer(
    help="How far your events have come to each partner; what partners, or you, have not acknowledged in time.",
    no_args_is_help=True,
)


def register(app: typer.Typer) -> None:
    """Add these commands to *app*."""
    app.add_typer(delivery_app, name="delivery")


@delivery_app.command("show")
def show_command(
    event_id: Annotated[str, typer.Argument(metavar="EVENT_ID", help="As the receipt, or the feed, has it.")],
    as_whom: AsWhom = None,
    credentials: CredentialsFile = None,
    as_json: AsJson = False,
) -> None:
    """Show how far an event has come: your own to each partner, another's to you."""
    import uuid

    from connectors.delivery_screens import ladders

    try:
        known = uuid.UUID(event_id)
    except ValueError:
        raise MisuseError("an event id is a UUID: `hub receipt export` and your feed have them") from None
    found = cast("dict[str, object]", _asked(as_whom, credentials, f"/deliveries/{known}"))
    typer.echo(json.dumps(found) if as_json else ladders(found))


@delivery_app.command("overdue")
def overdue_command(as_whom: AsWhom = None, credentials: CredentialsFile = None, as_json: AsJson = False) -> None:
    """List what was not acknowledged in time: by partners of your events, and by you of what you got."""
    from connectors.delivery_screens import overdue

    found = cast("list[dict[str, object]]", _asked(as_whom, credentials, "/deliveries/overdue"))
    typer.echo(json.dumps({"overdue": found}) if as_json else overdue(found))


@delivery_app.command("unanswered")
def unanswered_command(as_whom: AsWhom = None, credentials: CredentialsFile = None, as_json: AsJson = False) -> None:
    """List questions without an answer, such as referrals, the first due first: yours, and those that address you."""
    from connectors.delivery_screens import unanswered

    found = cast("list[dict[str, object]]", _asked(as_whom, credentials, "/deliveries/unanswered"))
    typer.echo(json.dumps({"unanswered": found}) if as_json else unanswered(found))


@delivery_app.command("refused")
def refused_command(as_whom: AsWhom = None, credentials: CredentialsFile = None, as_json: AsJson = False) -> None:
    """List your acknowledgements that moved nothing, the newest first, with the rule that each broke."""
    from connectors.delivery_screens import refused

    found = cast("list[dict[str, object]]", _asked(as_whom, credentials, "/deliveries/refused"))
    typer.echo(json.dumps({"refused": found}) if as_json else refused(found))


def _asked(as_whom: str | None, credentials: CredentialsFile, path: str) -> object:
    """Return what the access server answers at *path*; raise as `Access.call`, MisuseError when nobody is named."""
    if as_whom is None and credentials is None:
        raise MisuseError("say as whom you ask: `--as rs-police`, or a file with `--credentials` or HUB_CREDENTIALS")
    with closing(Access(credentials_of(as_whom, credentials))) as access:
        return access.call("GET", path)
