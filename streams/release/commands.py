"""The commands `hub approval give | list | pending`."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from infra.operator import REASON_CHARS_MAX, reason_given

if TYPE_CHECKING:
    from streams.release.approving import ApprovalDesk

Found = TypeVar("Found")
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]
VALID_DAYS = 30
HELD_BACK = ("needs-permission-of-owner", "held-for-manual-release")

approval_app = typer.Typer(
    help="Approvals of officers for events that their handling code holds back.", no_args_is_help=True
)


def register(app: typer.Typer) -> None:
    """Add these commands to *app*."""
    app.add_typer(approval_app, name="approval")


@approval_app.command("give")
def give(
    event_id: Annotated[str, typer.Argument(metavar="EVENT_ID", help="As `hub approval pending` has it.")],
    audience: Annotated[str, typer.Option(help="The partner that may get it.")],
    key: Annotated[Path, typer.Option(help="File of the officer's private key.")],
    officer: Annotated[str, typer.Option(help="Who approves, as ORGANISATION/OFFICER.")],
    reason: Annotated[str, typer.Option(help=f"In a sentence, without names; {REASON_CHARS_MAX} characters.")],
    valid_days: Annotated[int, typer.Option(min=1, help="So long it counts.")] = VALID_DAYS,
    as_json: AsJson = False,
) -> None:
    """Approve that a partner gets one event, signed with the officer's own key.

    Handling code H2 needs an officer of the agency that published the event; H3 that and one of hub-operator. An
    approval opens nothing that no agreement covers.
    """
    from infra.signing.signer import Signer

    why = reason_given(reason)
    signer = Signer.of(key)
    told = _with_desk(lambda desk: desk.give(event_id, audience, officer, signer, why, valid_days=valid_days))
    if as_json:
        typer.echo(json.dumps({"approval_id": told.approval_id, "valid_until": told.valid_until}, default=str))
        return
    typer.echo(f"Approved for {told.audience} until {told.valid_until:%Y-%m-%d %H:%M} UTC: {told.approval_id}")


@approval_app.command("list")
def list_command(as_json: AsJson = False) -> None:
    """Show every approval that was given, and whether its signature is good."""
    listed = _with_desk(lambda desk: desk.listed())
    found = [
        {
            "approval_id": each.approval_id,
            "event_id": each.event_id,
            "audience": each.audience,
            "approved_by": each.approved_by,
            "reason": each.reason,
            "approved_at": each.approved_at,
            "valid_until": each.valid_until,
            "key_id": each.key_id,
            "signature": "good" if fault is None else str(fault),
        }
        for each, fault in listed
    ]
    _show({"approvals": found}, ("event_id", "audience", "approved_by", "valid_until", "signature"), as_json=as_json)


@approval_app.command("pending")
def pending(as_json: AsJson = False) -> None:
    """Show which events wait for an approval, and for whom."""
    from infra.home import Home

    rows = asyncio.run(_pending(Home.current().dsn("hub_streams")))
    _show({"pending": rows}, ("event_id", "event_type", "agency", "audience", "needs", "since"), as_json=as_json)


async def _pending(dsn: str) -> list[dict[str, object]]:
    import psycopg

    async with await psycopg.AsyncConnection.connect(dsn) as connection:
        found = await connection.execute(
            "SELECT event_id::text, event_type, agency, audience, reasons, decided_at FROM streams.withheld "
            "WHERE reasons && %s::text[] ORDER BY decided_at, event_id, audience",
            (list(HELD_BACK),),
        )
        return [
            {
                "event_id": event_id,
                "event_type": event_type,
                "agency": agency,
                "audience": audience,
                "needs": next(each for each in HELD_BACK if each in reasons),
                "since": since,
            }
            for event_id, event_type, agency, audience, reasons, since in await found.fetchall()
        ]


def _show(found: dict[str, list[dict[str, object]]], columns: tuple[str, ...], *, as_json: bool) -> None:
    from rich.console import Console
    from rich.table import Table

    if as_json:
        typer.echo(json.dumps(found, default=str))
        return
    (rows,) = found.values()
    table = Table(*(column.replace("_", " ") for column in columns), box=None)
    for row in rows:
        table.add_row(*(str(row[column]) for column in columns))
    Console(width=None if Console().is_terminal else 200).print(table if rows else "None.")


def _with_desk(action: "Callable[[ApprovalDesk], Awaitable[Found]]") -> Found:
    from infra.home import Home
    from infra.workplace import workplace
    from streams.release.approving import ApprovalDesk

    async def run() -> Found:
        async with workplace(Home.current()) as place, ApprovalDesk(place) as desk:
            return await action(desk)

    return asyncio.run(run())
