"""The commands `hub subject find | hold | unhold | erase | approve | list | show | merge`."""

import json
import sys
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from infra.operator import REASON_CHARS_MAX, operator_name, reason_given
from schemas.errors import MisuseError
from schemas.names import AgencyId, SubjectId

if TYPE_CHECKING:
    from infra.erasure.register import Erasure
    from infra.erasure.saga import ErasureDesk

Found = TypeVar("Found")
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]
Id = Annotated[str, typer.Argument(metavar="ID", help="Id of the person, as `hub subject find` prints it.")]
Why = Annotated[
    str, typer.Option("--reason", help=f"In a sentence, without anything of the person; {REASON_CHARS_MAX}.")
]
REASON_HELP = "NO_LONGER_NECESSARY, CONSENT_WITHDRAWN, OBJECTION, UNLAWFUL or LEGAL_OBLIGATION."

subject_app = typer.Typer(
    help="Persons in the vault: find one, hold or erase the data, say that two ids are one person.",
    no_args_is_help=True,
)


def register(app: typer.Typer) -> None:
    """Add these commands to *app*."""
    app.add_typer(subject_app, name="subject")


@subject_app.command("find")
def find(
    agency: Annotated[str, typer.Option(help="The agency whose reference it is.")],
    as_json: AsJson = False,
) -> None:
    """Print the random id of the person whom AGENCY means by a reference, which is read from standard input.

    Exit code 1 when nobody published it, or when a restricted note protects the person.
    """
    reference = typer.prompt("Reference", hide_input=True, err=True) if sys.stdin.isatty() else sys.stdin.readline()
    found = _with_desk(lambda desk: desk.vault.known((AgencyId(agency), reference.strip())))
    if as_json:
        typer.echo(json.dumps({"subject_id": found}))
    elif found is not None:
        typer.echo(found)
    else:
        typer.echo("Nobody has published this reference.", err=True)
    if found is None:
        raise typer.Exit(1)


@subject_app.command("hold")
def hold(subject: Id, reason: Why) -> None:
    """Keep the data of a person for proceedings: nothing is erased until the hold is ended."""

    async def act(desk: "ErasureDesk") -> None:
        await desk.vault.expect(_subject(subject))
        await desk.register.hold(_subject(subject), reason_given(reason), operator_name())

    _with_desk(act)
    typer.echo("Held. `hub subject unhold` ends it.")


@subject_app.command("unhold")
def unhold(subject: Id, reason: Why) -> None:
    """End the legal holds on a person; that they were there stays on record."""

    async def act(desk: "ErasureDesk") -> int:
        group = await desk.vault.expect(_subject(subject))
        return await desk.register.end_hold(group, reason_given(reason), operator_name())

    typer.echo(f"Ended {_with_desk(act)} holds.")


@subject_app.command("erase")
def erase(
    subject: Id, reason: Annotated[str, typer.Option("--reason", help=REASON_HELP)], as_json: AsJson = False
) -> None:
    """Ask to erase a person under all ids. Another operator has to agree: `hub subject approve`."""
    _show(_with_desk(lambda desk: desk.ask(_subject(subject), reason, operator_name())), as_json=as_json)


@subject_app.command("approve")
def approve(
    erasure_id: Annotated[str, typer.Argument(metavar="ERASURE_ID", help="As `hub subject list` has it.")],
    as_json: AsJson = False,
) -> None:
    """Agree to an erasure that another operator asked for, and carry it out.

    Given again, by either of the two, it goes on with one that was interrupted, and changes nothing about a
    completed one. There is no way back.
    """
    _show(_with_desk(lambda desk: desk.approve(erasure_id, operator_name())), as_json=as_json)


@subject_app.command("list")
def list_command(as_json: AsJson = False) -> None:
    """Show every erasure, the newest first."""
    from rich.console import Console
    from rich.table import Table

    found = _with_desk(lambda desk: desk.register.erasures())
    if as_json:
        typer.echo(json.dumps({"erasures": [_object(each) for each in found]}, default=str))
        return
    table = Table("erasure", "state", "reason", "asked by", "agreed by", "asked at", box=None)
    for each in found:
        row = (each.erasure_id, each.state, each.reason, each.requested_by, each.approved_by or "")
        table.add_row(*row, f"{each.requested_at:%Y-%m-%d %H:%M}")
    Console().print(table if found else "Nobody has asked for an erasure.")


@subject_app.command("show")
def show(
    erasure_id: Annotated[str, typer.Argument(metavar="ERASURE_ID", help="As `hub subject list` has it.")],
    as_json: AsJson = False,
) -> None:
    """Show one erasure and its proof."""
    _show(_with_desk(lambda desk: desk.register.erasure(erasure_id)), as_json=as_json)


@subject_app.command("merge")
def merge(subject: Id, other: Annotated[str, typer.Argument(metavar="OTHER", help="Another id.")], reason: Why) -> None:
    """Declare that two ids are one person: the younger becomes another name of the older. There is no way back."""

    async def act(desk: "ErasureDesk") -> SubjectId:
        why = reason_given(reason)  # before what cannot be taken back
        return await desk.declare_same(_subject(subject), _subject(other), why, operator_name())

    typer.echo(f"One person: {_with_desk(act)}")


def _show(erasure: "Erasure", *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(_object(erasure), default=str))
        return
    typer.echo(f"Erasure {erasure.erasure_id}: {erasure.state}, {erasure.reason}")
    typer.echo(f"  asked by {erasure.requested_by} at {erasure.requested_at:%Y-%m-%d %H:%M} UTC")
    if erasure.approved_at is None:
        typer.echo(f"  Another operator has to agree: `hub subject approve {erasure.erasure_id}`")
        return
    typer.echo(f"  agreed by {erasure.approved_by} at {erasure.approved_at:%Y-%m-%d %H:%M} UTC")
    if erasure.completed_at is not None:
        typer.echo(f"  {erasure.keys} keys destroyed; SHA-256 of their ids {erasure.keys_hash}")
        typer.echo(f"  partners told: {', '.join(erasure.partners) or 'none had a key'}")
        typer.echo(f"  ends of the ledger then: {', '.join(map(str, erasure.ledger_ends))}")


def _object(erasure: "Erasure") -> dict[str, object]:
    return {name: value for name, value in asdict(erasure).items() if name != "subject_id"} | {"state": erasure.state}


def _subject(text: str) -> SubjectId:
    try:
        return SubjectId(str(uuid.UUID(text)))
    except ValueError:
        raise MisuseError("give the random id of the person: `hub subject find` prints it") from None


def _with_desk(action: "Callable[[ErasureDesk], Awaitable[Found]]") -> Found:
    from infra.erasure.saga import ErasureDesk
    from infra.workplace import at_vault

    return at_vault(lambda place, pool: action(ErasureDesk(place, pool)))
