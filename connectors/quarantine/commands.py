"""The commands `hub quarantine list | show | fix | resubmit | discard`."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from connectors.principal import CredentialsFile, agency_of
from infra.cli import EXIT_REFUSED
from infra.home import write_atomically

if TYPE_CHECKING:
    from connectors.quarantine.desk import Desk
    from infra.topology.credentials import Credentials
    from schemas.codec import Codec

AsJson = Annotated[bool, typer.Option("--json", help="Machine-readable output on standard output.")]
Agency = Annotated[str | None, typer.Option(help="As this agency of the local home; else whose the record is.")]
IdText = Annotated[str, typer.Argument(metavar="ID", help="Such as rs-police@17.", show_default=False)]

quarantine_app = typer.Typer(
    help="Your events that the hub refused: see them, put them right, send them again, give them up.",
    no_args_is_help=True,
)


class State(StrEnum):
    """What became of a record."""

    OPEN = "open"
    RESUBMITTED = "resubmitted"
    DISCARDED = "discarded"


def register(app: typer.Typer) -> None:
    """Add these commands to *app*."""
    app.add_typer(quarantine_app, name="quarantine")


@quarantine_app.command("list")
def list_command(
    agency: Agency = None,
    credentials: CredentialsFile = None,
    state: Annotated[State | None, typer.Option(help="Those alone that are so.")] = None,
    as_json: AsJson = False,
) -> None:
    """List what the hub refused of one agency, oldest first, and what became of it since; never what it says."""
    from connectors.quarantine import screens

    with _desk(agency_of(agency, credentials)) as (desk, _):
        found = list(desk.entries(None if state is None else state.value))
    if as_json:
        typer.echo(json.dumps({"quarantine": [screens.shown(each) for each in found]}))
    elif found:
        screens.console().print(screens.listing(found), markup=False)
    else:
        typer.echo(screens.EMPTY)


@quarantine_app.command("show")
def show_command(
    name: IdText,
    agency: Agency = None,
    credentials: CredentialsFile = None,
    reveal: Annotated[bool, typer.Option("--reveal", help="Show the event as well; the hub writes it down.")] = False,
    output: Annotated[
        Path | None,
        typer.Option(help="Write the event to this file, mode 0600; its bytes where they cannot be read."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show why one record was refused, and on request the record itself."""
    from connectors.quarantine import screens
    from connectors.quarantine.event_file import text_of
    from connectors.quarantine.ids import QuarantineId
    from connectors.quarantine.reading import sent_in

    wanted = QuarantineId.read(name)
    sent = None
    with _desk(_as_whom(wanted.agency, agency, credentials)) as (desk, codec):
        entry = desk.details(wanted)
        if reveal or output is not None:
            value = desk.record(wanted)
            sent = sent_in(value, codec)
            if output is not None:
                write_atomically(output, value if sent.event is None else text_of(sent.event))
    if as_json:
        typer.echo(json.dumps(screens.shown_all(entry) | (screens.shown_sent(sent) if sent and reveal else {})))
        return
    out = screens.console()
    for line in (*screens.lines(entry), *screens.about(sent, output)):
        out.print(line, markup=False, soft_wrap=True)
    if reveal and sent is not None and sent.event is not None:
        typer.echo(text_of(sent.event), nl=False)


@quarantine_app.command("fix")
def fix_command(
    name: IdText,
    output: Annotated[Path, typer.Option(help="The file to write, mode 0600.")],
    changes: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="PATH=VALUE",
            help="A change, such as status=PRESUMED; null takes a field out. "
            "What must not be in your shell's history is changed in the file.",
        ),
    ] = None,
    agency: Agency = None,
    credentials: CredentialsFile = None,
    as_json: AsJson = False,
) -> None:
    """Write the event to a file, with changes, and say what is still wrong with it.

    Exit code 0: nothing is, as far as can be told before it is sent; 1: something is.
    """
    from connectors.quarantine import screens
    from connectors.quarantine.event_file import text_of
    from connectors.quarantine.fixing import change_in, changed
    from connectors.quarantine.ids import QuarantineId
    from connectors.quarantine.reading import sent_in
    from connectors.quarantine.resubmitting import wrong_with
    from schemas.errors import MisuseError

    wanted, wishes = QuarantineId.read(name), [change_in(each) for each in changes or ()]
    as_whom = _as_whom(wanted.agency, agency, credentials)
    with _desk(as_whom) as (desk, codec):
        sent = sent_in(desk.record(wanted), codec)
    event = sent.event
    if event is None:
        raise MisuseError(
            f"{wanted} holds no event that can be read ({sent.unreadable}): `hub quarantine show --output` gives the "
            "bytes; write the event anew and give it to `hub quarantine resubmit --from`"
        )
    for path, value in wishes:
        event = changed(event, path, value)
    write_atomically(output, text_of(event))
    wrong = asyncio.run(wrong_with(as_whom, event))
    if as_json:
        typer.echo(json.dumps({"id": str(wanted), "output": str(output), "problems": screens.shown_problems(wrong)}))
    else:
        for problem in wrong:
            typer.echo(f"{output}: {problem}")
        again = f"`hub quarantine resubmit {wanted} --from {output}` sends it"
        typer.echo(f"still wrong: {len(wrong)}" if wrong else f"nothing is wrong in {output}: {again}")
    raise typer.Exit(EXIT_REFUSED if wrong else 0)


@quarantine_app.command("resubmit")
def resubmit_command(
    name: IdText,
    source: Annotated[Path, typer.Option("--from", help="File with the one event, as `fix` and `show` write it.")],
    agency: Agency = None,
    credentials: CredentialsFile = None,
    wait: Annotated[bool, typer.Option(help="Wait for the receipt.")] = True,
    timeout: Annotated[float, typer.Option(min=0.0, help="Give up after so many seconds without a receipt.")] = 60.0,
    as_json: AsJson = False,
) -> None:
    """Send an event in the place of the one that was refused, under its id; sent twice it is a duplicate.

    Exit code 0: accepted, now or before; 1: refused; 3: the hub is away.
    """
    from connectors.commands import quieten
    from connectors.quarantine import screens
    from connectors.quarantine.event_file import event_in
    from connectors.quarantine.ids import QuarantineId
    from connectors.quarantine.resubmitting import resubmit

    wanted, event = QuarantineId.read(name), event_in(source)
    as_whom = _as_whom(wanted.agency, agency, credentials)
    quieten()
    with _desk(as_whom) as (desk, _):
        entry = desk.details(wanted)
        outcome = asyncio.run(resubmit(as_whom, desk, entry, event, wait=wait, timeout_s=timeout))
    if as_json:
        typer.echo(json.dumps(screens.shown_outcome(entry, outcome)))
    else:
        out = screens.console()
        for line in screens.told(entry, outcome):
            out.print(line, markup=False, soft_wrap=True)
    raise typer.Exit(EXIT_REFUSED if outcome.outcome == "REFUSED" else 0)


@quarantine_app.command("discard")
def discard_command(
    name: IdText,
    reason: Annotated[
        str,
        typer.Option(help="Why, in 200 characters; kept for ever: write no personal data into it."),
    ],
    agency: Agency = None,
    credentials: CredentialsFile = None,
) -> None:
    """Give a refused record up for good: nothing of it is ever sent."""
    from connectors.quarantine.ids import QuarantineId

    wanted = QuarantineId.read(name)
    with _desk(_as_whom(wanted.agency, agency, credentials)) as (desk, _):
        desk.discard(wanted, reason)
    typer.echo(f"{wanted}: discarded")


def _as_whom(owner: str, agency: str | None, credentials: Path | None) -> "Credentials":
    """Return the credentials to use: those given, else those of whose record it is in the local home."""
    return agency_of(agency if agency is not None or credentials is not None else owner, credentials)


@contextmanager
def _desk(as_whom: "Credentials") -> "Iterator[tuple[Desk, Codec]]":
    from connectors.access import Access
    from connectors.quarantine.desk import Desk
    from schemas.codec import Codec

    access = Access(as_whom)
    try:
        yield Desk(access, str(as_whom.principal)), Codec(access.registry())
    finally:
        access.close()
