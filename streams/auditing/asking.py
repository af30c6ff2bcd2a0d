"""How commands ask an auditor's questions, and show rows of answers."""

import datetime as dt
import json
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

if TYPE_CHECKING:
    from streams.auditing.desk import Auditor

Found = TypeVar("Found")
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]
At = Annotated[dt.datetime | None, typer.Option("--at", help="As of this moment, UTC; without it, now.")]


def utc(moment: dt.datetime | None) -> dt.datetime | None:
    """Return *moment*, as typed, in UTC."""
    return None if moment is None else moment.replace(tzinfo=dt.UTC)


def show_rows(found: "dict[str, list[dict[str, object]]]", columns: tuple[str, ...], *, as_json: bool) -> None:
    """Show the rows of *found*, one list under its name, as a table of *columns* or one JSON object."""
    from rich.console import Console
    from rich.table import Table

    if as_json:
        typer.echo(json.dumps(found, default=str))
        return
    ((_, rows),) = found.items()
    table = Table(*(name.replace("_", " ") for name in columns), box=None)
    for row in rows:
        table.add_row(*(str(row[name]) for name in columns))
    Console().print(table if rows else "Nobody.")


def asked(action: "Callable[[Auditor], Awaitable[Found]]") -> Found:
    """Return the answer of an auditor in the current home."""
    from infra.workplace import at_vault
    from streams.auditing.desk import Auditor

    return at_vault(lambda place, pool: action(Auditor(place, pool)))
