"""Commands of the projections: `hub projection list | show | rebuild`."""

import datetime as dt
import json
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from projections.reading import Filled
    from projections.status import Status

AsJson = Annotated[bool, typer.Option("--json", help="Machine-readable output on standard output.")]
Name = Annotated[str, typer.Argument(metavar="NAME", help="One of those that `hub projection list` shows.")]
ROWS_SHOWN = 30
WIDTH_IN_A_PIPE = 250
"""Columns for who reads with `grep`: nothing is cut off."""


def register(app: typer.Typer) -> None:
    """Add the commands of this room to *app*."""
    group = typer.Typer(
        help="What the hub shows of its events: read models, folded from the topics.", no_args_is_help=True
    )
    group.command("list")(list_projections)
    group.command("show")(show)
    group.command("rebuild")(rebuild_projection)
    app.add_typer(group, name="projection")


def list_projections(as_json: AsJson = False) -> None:
    """Show every projection: how far it is, what it has not read yet and since when, whether it runs."""
    from infra.home import Home
    from projections import logs
    from projections.status import statuses

    home = Home.current()
    found = statuses(home)
    late = {(one.topic, one.partition): one.next_offset for each in found for one in each.partitions if one.lag}
    ages = logs.age_s(home, late)
    oldest = {
        each.name: max((ages.get((one.topic, one.partition), 0.0) for one in each.partitions if one.lag), default=None)
        for each in found
    }
    if as_json:
        _write({"projections": [_as_object(each, oldest[each.name]) for each in found]})
    else:
        _print_list(found, oldest)


def show(
    name: Name,
    as_json: AsJson = False,
    rows_max: Annotated[int, typer.Option("--rows", min=1, help="Show so many rows of each table.")] = ROWS_SHOWN,
) -> None:
    """Show what a projection holds. Persons are random ids; no value of a person is here."""
    from infra.home import Home
    from projections.catalogue import projection
    from projections.reading import filled

    found = filled(Home.current(), projection(name), rows_max)
    if as_json:
        _write({each.sheet.view: [dict(zip(each.columns, row, strict=True)) for row in each.rows] for each in found})
    else:
        for each in found:
            _print_sheet(each, rows_max)


def rebuild_projection(name: Name) -> None:
    """Throw a projection's tables away and let the worker fold them anew from the beginning of its topics."""
    from infra.home import Home
    from projections.catalogue import projection
    from projections.rebuild import rebuild

    rebuild(Home.current(), projection(name))
    typer.echo(f"{name} is being folded anew; `hub projection list` shows how far it is", err=True)


def _as_object(status: "Status", oldest_s: float | None) -> dict[str, object]:
    return {
        "name": status.name,
        "title": status.title,
        "state": status.state,
        "rows": status.rows,
        "lag": status.lag,
        "oldest_unprocessed_s": None if oldest_s is None else round(oldest_s, 1),
        "partitions": [
            {
                "topic": one.topic,
                "partition": one.partition,
                "state": one.state,
                "code": one.code,
                "advice": one.advice,
                "next_offset": one.next_offset,
                "end_offset": one.end_offset,
            }
            for one in status.partitions
        ],
    }


def _print_list(found: "tuple[Status, ...]", oldest: dict[str, float | None]) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    table = Table("projection", "state", "rows", "checkpoint", "lag", "oldest waiting", box=None)
    for each in found:
        colour = "green" if each.state == "running" else "red"
        age = oldest[each.name]
        read = sum(one.next_offset for one in each.partitions)
        checkpoint = f"{read} in {len(each.partitions)} partitions"
        since = "" if age is None else f"{age:.0f} s"
        table.add_row(each.name, f"[{colour}]{each.state}[/]", str(each.rows), checkpoint, str(each.lag), since)
    console.print(table)
    for each in found:
        for said in sorted({(one.state, one.code, one.advice) for one in each.troubles}):
            places = [f"{o.topic}-{o.partition}" for o in each.troubles if (o.state, o.code, o.advice) == said]
            where = places[0] if len(places) == 1 else f"{len(places)} partitions"
            text = f"{each.name}, {where}: {said[0]} ({said[1]}): {said[2]}"
            console.print(text, markup=False, soft_wrap=True)


def _print_sheet(sheet: "Filled", rows_max: int) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console() if sys.stdout.isatty() else Console(width=WIDTH_IN_A_PIPE)
    title = sheet.sheet.title + (f" (the first {rows_max})" if len(sheet.rows) == rows_max else "")
    console.print(f"\n[bold]{title}[/]")
    if not sheet.rows:
        console.print("nothing yet")
        return
    table = Table(box=None, padding=(0, 1, 0, 0))
    for name in sheet.columns:
        table.add_column(name.replace("_", " "), overflow="fold")
    for row in sheet.rows:
        table.add_row(*(_text(value) for value in row))
    console.print(table)


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dt.datetime):
        return f"{value.astimezone(dt.UTC):%Y-%m-%d %H:%M}Z"
    return str(value)


def _write(content: Any) -> None:
    sys.stdout.write(json.dumps(content, indent=2, default=_json) + "\n")


def _json(value: object) -> str:
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")
    return str(value)
