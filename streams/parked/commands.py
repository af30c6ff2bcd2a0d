"""The commands `hub parked list | summary | show | retry | discard`."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from infra.cli import EXIT_REFUSED

if TYPE_CHECKING:
    from streams.parked.asking import Asked, Outcome
    from streams.parked.shelf import Connection

TIMEOUT_S = 60.0
WAIT_HELP = "Only note what is wanted, and do not wait for the outcome."
TIMEOUT_HELP = "For how many seconds to wait."

parked_app = typer.Typer(
    help="Records that could not be processed: see them, try them again, give them up.", no_args_is_help=True
)


def _ids(incomplete: str) -> list[str]:
    """Return the ids that a shell may complete; none when the hub does not answer."""
    from schemas.errors import HubError
    from streams.parked.shelf import records

    try:
        with _connection() as connection:
            return [name for name in map(str, records(connection)) if name.startswith(incomplete)]
    except HubError:
        return []


ParkedIdText = Annotated[
    str, typer.Argument(metavar="ID", help="Such as release:ledger-3@17.", autocompletion=_ids, show_default=False)
]
PROCESSORS = ("intake", "release", "reconsider", "recall", "cohort", "delivery")
AsJson = Annotated[bool, typer.Option("--json", help="Machine-readable output on standard output.")]
OneProcessor = Annotated[
    str | None, typer.Option("--processor", help="Of this processor alone: intake, release, recall or cohort.")
]
OneCode = Annotated[
    str | None,
    typer.Option("--code", help="Stopped by this error alone: output-too-large.", show_default=False),
]
NoWait = Annotated[bool, typer.Option("--no-wait", help=WAIT_HELP)]
Timeout = Annotated[float, typer.Option("--timeout", min=1, help=TIMEOUT_HELP)]


def _expect_processor(name: str | None) -> None:
    from schemas.errors import MisuseError

    if name not in (None, *PROCESSORS):
        raise MisuseError(f"there is no such processor; there are: {', '.join(PROCESSORS)}")


def register(app: typer.Typer) -> None:
    """Add these commands to *app*."""
    app.add_typer(parked_app, name="parked")


@parked_app.command("list")
def list_command(processor: OneProcessor = None, code: OneCode = None, as_json: AsJson = False) -> None:
    """Show each sequence that waits: its first record, why, since when, and how many wait behind it."""
    from streams.parked import screens
    from streams.parked.shelf import sequences

    _expect_processor(processor)
    with _connection() as connection:
        found = sequences(connection, processor, code)
    if as_json:
        _print_json({"parked": [screens.shown_sequence(each) for each in found]})
    elif found:
        screens.console().print(screens.listing(found), markup=False)
    else:
        typer.echo(screens.EMPTY if processor is None and code is None else screens.NONE_SUCH)


@parked_app.command("summary")
def summary_command(as_json: AsJson = False) -> None:
    """Show on one screen how much is parked with which error and since when, and what stands still."""
    from streams.parked import summary
    from streams.parked.screens import console
    from streams.parked.tallies import halts, tallies

    with _connection() as connection, connection.transaction():
        found, still = tallies(connection), halts(connection)
    if as_json:
        _print_json(summary.shown(found, still))
        return
    out = console()
    if found:
        out.print(summary.table(found), markup=False)
    for line in summary.lines(found, still):
        out.print(line, markup=False, soft_wrap=True)


@parked_app.command("show")
def show_command(name: ParkedIdText, as_json: AsJson = False) -> None:
    """Show all that is known of one record, with what has happened to it; never what it says."""
    from infra.home import Home
    from streams.parked import screens, shelf
    from streams.parked.delayed import agency_of
    from streams.parked.ids import ParkedId

    wanted = ParkedId.read(name)
    with _connection() as connection:
        trail = shelf.audit(connection, wanted)
        found = shelf.details(connection, wanted) if not trail or shelf.is_parked(connection, wanted) else None
    agency = None if found is None else agency_of(Home.current(), found.record)
    if as_json:
        gone: dict[str, object] = {"id": str(wanted), "parked": False}
        known = gone if found is None else screens.shown_all(found, agency)
        _print_json({**known, "audit": [screens.shown_entry(entry) for entry in trail]})
        return
    out = screens.console()
    for line in (f"{wanted}", "  no longer parked") if found is None else screens.lines(found, agency):
        out.print(line, markup=False, soft_wrap=True)
    out.print()
    out.print(screens.trail(trail), markup=False)


@parked_app.command("retry")
def retry_command(
    name: Annotated[str | None, typer.Argument(metavar="ID", autocompletion=_ids, show_default=False)] = None,
    everything: Annotated[bool, typer.Option("--all", help="The first record of every sequence.")] = False,
    processor: OneProcessor = None,
    no_wait: NoWait = False,
    timeout: Timeout = TIMEOUT_S,
    as_json: AsJson = False,
) -> None:
    """Try a record again, and after it those that wait behind it; exit 1 when one stays parked."""
    from infra.operator import operator_name
    from schemas.errors import MisuseError
    from streams.parked.asking import ask
    from streams.parked.ids import ParkedId
    from streams.parked.shelf import NotParkedError, sequences

    if (name is None) is not everything or (processor and not everything):
        raise MisuseError("name one record, or `--all`, which `--processor` may narrow")
    _expect_processor(processor)
    with _connection() as connection:
        if name is not None:
            asked = [ask(connection, ParkedId.read(name), "retry", operator_name())]
        else:
            asked = []
            for each in sequences(connection, processor):
                try:
                    asked.append(ask(connection, each.head.id, "retry", operator_name()))
                except NotParkedError:
                    continue  # gone since it was listed
        _finish(connection, asked, no_wait=no_wait, timeout_s=timeout, as_json=as_json)


@parked_app.command("discard")
def discard_command(
    name: ParkedIdText,
    reason: Annotated[
        str,
        typer.Option("--reason", help="Why, in 200 characters; kept for ever: write no personal data into it."),
    ],
    no_wait: NoWait = False,
    timeout: Timeout = TIMEOUT_S,
    as_json: AsJson = False,
) -> None:
    """Give a record up for good, then try those behind it; of intake the agency is told that it was refused."""
    from infra.operator import operator_name
    from streams.parked.asking import ask, checked_reason
    from streams.parked.ids import ParkedId

    why = checked_reason(reason)
    with _connection() as connection:
        asked = ask(connection, ParkedId.read(name), "discard", operator_name(), why)
        _finish(connection, [asked], no_wait=no_wait, timeout_s=timeout, as_json=as_json)


@contextmanager
def _connection() -> "Iterator[Connection]":
    """Open the database of the current home as the streams do; raise DatabaseUnavailableError."""
    import psycopg

    from infra.database import DatabaseUnavailableError
    from infra.home import Home

    try:
        with psycopg.connect(Home.current().dsn("hub_streams"), connect_timeout=5, autocommit=True) as connection:
            yield connection
    except psycopg.OperationalError as error:
        raise DatabaseUnavailableError(f"PostgreSQL does not answer ({type(error).__name__}); run `hub up`") from None


def _finish(connection: "Connection", asked: "list[Asked]", *, no_wait: bool, timeout_s: float, as_json: bool) -> None:
    """Say what became of what was asked, and exit with 1 when something stays parked."""
    from rich.console import Console

    from streams.parked import screens
    from streams.parked.asking import follow

    if no_wait or not asked:
        if as_json:
            _print_json({"asked": [str(each.record.id) for each in asked], "outcomes": []})
        else:
            text = "the owner of the partition does it; `hub parked list` shows what stays"
            typer.echo(f"{len(asked)} asked for: {text}" if asked else screens.EMPTY)
        return
    outcomes: list[Outcome] = []
    terminal = Console(stderr=True)
    out = screens.console()
    with terminal.status("asking") as status:
        for each in asked:
            outcome = follow(connection, each, timeout_s, status.update)
            outcomes.append(outcome)
            if not as_json:
                for line in screens.told(outcome):
                    out.print(line, markup=False, soft_wrap=True)
    if as_json:
        ids = [str(each.record.id) for each in asked]
        _print_json({"asked": ids, "outcomes": [screens.shown_outcome(each) for each in outcomes]})
    if not all(each.is_good for each in outcomes):
        raise typer.Exit(EXIT_REFUSED)


def _print_json(told: dict[str, object]) -> None:
    import json

    typer.echo(json.dumps(told))
