"""The commands `hub breakglass request | approve | open | review | list | verify`."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from infra.operator import REASON_CHARS_MAX, reason_given
from schemas.errors import MisuseError

if TYPE_CHECKING:
    from streams.breakglass.desk import Desk
    from streams.breakglass.rules import Access, Entry

Found = TypeVar("Found")
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]
AccessId = Annotated[str, typer.Argument(metavar="ACCESS_ID", help="As `hub breakglass list` has it.")]
Why = Annotated[str, typer.Option(help=f"In a sentence, without anything of a person; {REASON_CHARS_MAX}.")]

breakglass_app = typer.Typer(
    help="See one event in an emergency: with a reason, a second person, an end, and a review.", no_args_is_help=True
)


def register(app: typer.Typer) -> None:
    """Add these commands to *app*."""
    app.add_typer(breakglass_app, name="breakglass")


@breakglass_app.command("request")
def request(
    event_id: Annotated[str, typer.Argument(metavar="EVENT_ID", help="Id of an accepted event.")],
    reason: Why,
    ground: Annotated[str, typer.Option(help="Legal ground: a code of the list legal_basis, such as GDPR:6.1.d.")],
    as_json: AsJson = False,
) -> None:
    """Ask to see an event. Another person has to agree within a day: `hub breakglass approve`."""
    entry = _with_desk(lambda desk: desk.request(event_id, reason=reason_given(reason), ground=ground))
    _say(entry, f"Asked. Another person agrees with: hub breakglass approve {entry.access_id}", as_json=as_json)


@breakglass_app.command("approve")
def approve(
    access_id: AccessId,
    restricted: Annotated[
        bool, typer.Option("--restricted", help="You know that a restricted note protects a person of the event.")
    ] = False,
    officer: Annotated[str | None, typer.Option(help="Who you are, as hub-operator/OFFICER.")] = None,
    key: Annotated[Path | None, typer.Option(help="File of your signing key; needed once officers have keys.")] = None,
    as_json: AsJson = False,
) -> None:
    """Agree to an access that another person asked for; it is open from now on, for hours."""
    from streams.breakglass.desk import Key

    if (officer is None) != (key is None):
        raise MisuseError("give both --officer and --key, or neither")
    signing = None if officer is None or key is None else Key(officer=officer, file=key)
    entry = _with_desk(lambda desk: desk.approve(access_id, knows_restricted=restricted, key=signing))
    _say(entry, f"Open until {entry.until:%Y-%m-%d %H:%M} UTC, to be reviewed after that.", as_json=as_json)


@breakglass_app.command("open")
def open_command(
    access_id: AccessId,
    output: Annotated[Path | None, typer.Option(help="A file that only you can read, instead of the screen.")] = None,
) -> None:
    """Show the event of an access that is open to you, as JSON. Each look is on record before anything is shown."""
    from infra.home import write_atomically

    seen = _with_desk(lambda desk: desk.open(access_id))
    text = json.dumps(seen.content, indent=2, ensure_ascii=False)
    if output is None:
        typer.echo(text)
    else:
        write_atomically(output, text + "\n")
        typer.echo(f"Written to {output}; delete it when you have done what you needed it for.", err=True)


@breakglass_app.command("review")
def review(
    access_id: AccessId,
    finding: Annotated[str, typer.Option(help="JUSTIFIED or NOT_JUSTIFIED.")],
    note: Why,
    as_json: AsJson = False,
) -> None:
    """Review an access that somebody else had; that ends it."""
    entry = _with_desk(lambda desk: desk.review(access_id, finding=finding, note=reason_given(note)))
    _say(entry, f"Reviewed: {entry.finding}.", as_json=as_json)


@breakglass_app.command("list")
def list_command(as_json: AsJson = False) -> None:
    """Show every access, the newest first, how it is, and how often it was used."""
    from rich.console import Console
    from rich.table import Table

    found = _with_desk(lambda desk: desk.accesses())
    if as_json:
        typer.echo(json.dumps({"accesses": [_plain(access, state) for access, state in found]}, default=str))
        return
    table = Table("access", "state", "event", "asked by", "agreed by", "looks", "review by", box=None)
    for access, state in found:
        agreed = access.approved
        due = "" if agreed is None or agreed.review_by is None else f"{agreed.review_by:%Y-%m-%d}"
        asked = access.requested
        table.add_row(
            *(asked.access_id, state, asked.event_id, asked.by_whom),
            *(agreed.by_whom if agreed else "", str(len(access.opened)), due),
        )
    Console().print(table if found else "Nobody has asked for anything.")


@breakglass_app.command("verify")
def verify(as_json: AsJson = False) -> None:
    """Check that no entry of the audit was altered or taken out; exit code 1 when one was."""
    noted, wrong = _with_desk(lambda desk: desk.verify())
    if as_json:
        typer.echo(json.dumps({"entries": len(noted), "wrong": wrong}))
    else:
        typer.echo("\n".join(wrong) if wrong else f"{len(noted)} entries, and nothing is wrong with them.")
    if wrong:
        raise typer.Exit(1)


def _say(entry: "Entry", text: str, *, as_json: bool) -> None:
    plain = {name: value for name, value in asdict(entry).items() if name != "signature"}
    typer.echo(json.dumps(plain, default=str) if as_json else text)


def _plain(access: "Access", state: str) -> dict[str, object]:
    asked, agreed, reviewed = access.requested, access.approved, access.reviewed
    return {
        "access_id": asked.access_id,
        "state": state,
        "event_id": asked.event_id,
        "asked_by": asked.by_whom,
        "asked_at": asked.at,
        "reason": asked.reason,
        "ground": asked.ground,
        "agreed_by": agreed and agreed.by_whom,
        "until": agreed and agreed.until,
        "review_by": agreed and agreed.review_by,
        "restricted": agreed and agreed.restricted,
        "signed_with": agreed and agreed.key_id,
        "looks": [each.at for each in access.opened],
        "reviewed_by": reviewed and reviewed.by_whom,
        "finding": reviewed and reviewed.finding,
    }


def _with_desk(action: "Callable[[Desk], Awaitable[Found]]") -> Found:
    from infra.workplace import at_vault
    from streams.breakglass.desk import Desk

    return at_vault(lambda place, pool: action(Desk(place, pool)))
