"""Commands of the connectors: `hub publish`, `hub feed`, `hub scenario` and `hub demo`."""

import asyncio
import io
import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from connectors.demo.command import demo
from connectors.scenario.command import scenario

if TYPE_CHECKING:
    from infra.topology.credentials import Credentials

AsJson = Annotated[bool, typer.Option("--json", help="Machine-readable output on standard output.")]
CredentialsFile = Annotated[
    Path | None,
    typer.Option(
        "--credentials",
        envvar="HUB_CREDENTIALS",
        help="File of `hub credentials … --format env`; else those of the local home.",
    ),
]


class From(StrEnum):
    """Where a feed is read from."""

    BEGINNING = "beginning"
    STORED = "stored"
    END = "end"


def register(app: typer.Typer) -> None:
    """Add the commands of this room to *app*."""
    app.command("publish")(publish)
    app.command("feed")(feed)
    app.command("scenario")(scenario)
    app.command("demo")(demo)


def credentials_of(principal: str | None, file: Path | None) -> "Credentials":
    """Return the credentials in *file*, or those of *principal* in the local home."""
    from infra.home import Home
    from infra.topology.credentials import Credentials
    from schemas.errors import MisuseError

    if file is not None:
        found = Credentials.load(file)
        if principal is not None and found.principal != principal:
            raise MisuseError(
                f"the credentials are those of {found.principal}, not of {principal}: leave one of the two out"
            )
        return found
    if principal is None:
        raise MisuseError("say who publishes: `--agency rs-police`, or a file with `--credentials` or HUB_CREDENTIALS")
    return Credentials.of(Home.current(), principal)


def publish(
    source: Annotated[
        str, typer.Argument(metavar="FILE|-", help="JSON lines, or one JSON document; `-` is standard input.")
    ],
    agency: Annotated[str | None, typer.Option(help="Publish as this agency of the local home.")] = None,
    credentials: CredentialsFile = None,
    wait: Annotated[bool, typer.Option(help="Wait for the receipt of each event.")] = True,
    timeout: Annotated[float, typer.Option(min=0.0, help="Wait for receipts so many seconds at most.")] = 60.0,
    as_json: AsJson = False,
) -> None:
    """Publish events; each is validated before it is sent, and answered with a receipt.

    Exit code 0: all accepted (a duplicate counts as accepted before); 1: some were refused; 3: the hub is away.
    """
    from connectors.publish_command import run
    from schemas.errors import MisuseError

    as_whom = credentials_of(agency, credentials)
    if f"in.{as_whom.principal}" not in as_whom.writes:
        raise MisuseError(
            f"{as_whom.principal} is no agency: only an agency publishes (`hub topology show` lists them)"
        )
    if source == "-":
        # Bytes that are not UTF-8 are the fault of their line, whatever the locale says.
        lines = io.TextIOWrapper(sys.stdin.buffer, encoding="utf-8", errors="surrogateescape")
        result = asyncio.run(run(as_whom, lines, wait=wait, timeout_s=timeout, as_json=as_json))
    else:
        try:
            with Path(source).open(encoding="utf-8", errors="surrogateescape") as file:
                result = asyncio.run(run(as_whom, file, wait=wait, timeout_s=timeout, as_json=as_json))
        except OSError as error:
            raise MisuseError(f"cannot read {source}: {error.strerror}") from None
    raise typer.Exit(result)


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
            run(as_whom, start.value, position=position, follow=follow, output=output, limit=limit, as_json=as_json)
        )
    except BrokenPipeError:  # `hub feed … | head` is no error
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
