"""Commands of the connectors: publish, feed, scenario, demo, spool, and those of importing."""

import asyncio
import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from connectors.demo.command import demo
from connectors.importing.command import register as register_importing
from connectors.principal import CredentialsFile, agency_of, credentials_of
from connectors.scenario.command import scenario

AsJson = Annotated[bool, typer.Option("--json", help="Machine-readable output on standard output.")]
Agency = Annotated[str | None, typer.Option(help="Publish as this agency of the local home.")]
Wait = Annotated[bool, typer.Option(help="Wait for the receipt of each event.")]
Timeout = Annotated[float, typer.Option(min=0.0, help="Give up when no receipt has come for so many seconds.")]


class From(StrEnum):
    """Where a feed is read from."""

    BEGINNING = "beginning"
    STORED = "stored"
    END = "end"


def register(app: typer.Typer) -> None:
    """Add the commands of this room to *app*."""
    app.command("publish")(publish)
    app.command("feed")(feed)
    app.command("feed-ack")(feed_ack)
    app.command("scenario")(scenario)
    app.command("demo")(demo)
    spool = typer.Typer(help="Events that wait on this machine for the broker.", no_args_is_help=True)
    spool.command("status")(spool_status)
    spool.command("drain")(spool_drain)
    app.add_typer(spool, name="spool")
    register_importing(app)


def publish(
    source: Annotated[
        str,
        typer.Argument(metavar="FILE|-", help="JSON lines, a JSON document or an Avro container; `-`: standard input."),
    ],
    agency: Agency = None,
    credentials: CredentialsFile = None,
    spool: Annotated[
        bool | None,
        typer.Option(
            "--spool/--no-spool", help="Keep events on disk, encrypted, while the broker is away [HUB_SPOOL]."
        ),
    ] = None,
    wait: Wait = True,
    timeout: Timeout = 60.0,
    as_json: AsJson = False,
) -> None:
    """Publish events; each is validated before it is sent, and answered with a receipt.

    Exit code 0: all accepted (a duplicate counts as accepted before); 1: some were refused; 3: the hub is away.
    """
    from connectors.publish_command import run
    from connectors.source import Source
    from connectors.spool_place import SpoolPlace
    from infra.settings import settings
    from schemas.errors import MisuseError

    wanted = settings().spool if spool is None else spool
    as_whom = agency_of(agency, credentials, must_run=not wanted)
    place = SpoolPlace.of(str(as_whom.principal), credentials) if wanted else None
    quieten()
    try:
        stream = sys.stdin.buffer if source == "-" else Path(source).open("rb")  # noqa: SIM115 - closed below
    except OSError as error:
        raise MisuseError(f"cannot read {source}: {error.strerror}") from None
    with stream:
        result = asyncio.run(
            run(as_whom, Source.of(stream), spool=place, wait=wait, timeout_s=timeout, as_json=as_json)
        )
    raise typer.Exit(result)


def quieten() -> None:
    """Keep the client library from telling of each attempt to reach a broker that is away: we tell what it means."""
    import logging

    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)


def spool_status(agency: Agency = None, credentials: CredentialsFile = None, as_json: AsJson = False) -> None:
    """Say how many events wait, since when, and how much room there is."""
    from connectors.spool_command import status
    from connectors.spool_place import SpoolPlace

    principal = str(agency_of(agency, credentials, must_run=False).principal)
    status(principal, SpoolPlace.of(principal, credentials), as_json=as_json)


def spool_drain(
    agency: Agency = None,
    credentials: CredentialsFile = None,
    past_damage: Annotated[
        bool, typer.Option("--past-damage", help="Send what is whole; set aside files that are damaged.")
    ] = False,
    wait: Wait = True,
    timeout: Timeout = 60.0,
    as_json: AsJson = False,
) -> None:
    """Send what waits, in order, with the same bytes; what had arrived before is answered as a duplicate.

    Exit code 0: nothing is left; 1: some were refused, or set aside; 3: the hub is away.
    """
    from connectors.spool_command import drain
    from connectors.spool_place import SpoolPlace

    as_whom = agency_of(agency, credentials)
    place = SpoolPlace.of(str(as_whom.principal), credentials)
    quieten()
    doing = drain(as_whom, place, past_damage=past_damage, wait=wait, timeout_s=timeout, as_json=as_json)
    raise typer.Exit(asyncio.run(doing))


def feed(
    partner: Annotated[str, typer.Argument(help="Whose feed, such as `europol`.")],
    start: Annotated[
        From, typer.Option("--from", help="Where to begin; `stored`: after what was read last.")
    ] = From.STORED,
    follow: Annotated[bool, typer.Option("--follow", help="Go on waiting for new events.")] = False,
    credentials: CredentialsFile = None,
    output: Annotated[
        Path | None, typer.Option(help="Append to this file, exactly once: its position is kept beside it.")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Stop after so many events.")] = None,
    acknowledge: Annotated[
        bool, typer.Option("--acknowledge", help="Tell the hub that an event is delivered once it is written out.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Read a partner's feed, opened with its keys.

    The position is kept in the home (or beside `--output`) after each event that was written out.
    """
    from connectors.feed_command import run
    from infra.home import Home

    as_whom = credentials_of(partner, credentials)
    if credentials is None:
        position = Home.current().path / "feeds" / f"{partner}.json"
    else:  # a partner's own machine has no home: the position is kept beside the credentials
        position = credentials.with_name(f"{credentials.name}.{as_whom.principal}.position")
    try:
        asyncio.run(
            run(
                as_whom,
                start.value,
                position=position,
                follow=follow,
                output=output,
                limit=limit,
                as_json=as_json,
                acknowledge=acknowledge,
            )
        )
    except BrokenPipeError:  # `hub feed … | head` is no error
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def feed_ack(
    partner: Annotated[str, typer.Argument(help="Whose feed, such as `europol`.")],
    ids: Annotated[list[str], typer.Argument(metavar="ID…", help="Ids of events, or of recalls.")],
    retrieved: Annotated[
        bool, typer.Option("--retrieved", help="The events were opened by whom they are for.")
    ] = False,
    applied: Annotated[bool, typer.Option("--applied", help="What the recalls name was deleted.")] = False,
    credentials: CredentialsFile = None,
) -> None:
    """Tell the hub that events of a feed were delivered, or `--retrieved`, and recalls `--applied`."""
    from connectors.acknowledging import Step
    from connectors.feed_command import acknowledge_some
    from schemas.errors import MisuseError

    if retrieved and applied:
        raise MisuseError("an event is retrieved, a recall applied: say one of them")
    step = Step.RETRIEVED if retrieved else Step.APPLIED if applied else Step.DELIVERED
    count = asyncio.run(acknowledge_some(credentials_of(partner, credentials), ids, step))
    typer.echo(f"{count} acknowledged: {step}")
