"""Commands of the projections that look: `hub projection list | show`."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from projections import building_commands, screens
from projections.indicators import commands as indicator_commands

if TYPE_CHECKING:
    from infra.home import Home
    from projections.logs import Vector
    from projections.status import Status

AsJson = Annotated[bool, typer.Option("--json", help="Machine-readable output on standard output.")]
Name = Annotated[str, typer.Argument(metavar="NAME", help="One of those that `hub projection list` shows.")]
ROWS_SHOWN = 30


def register(app: typer.Typer) -> None:
    """Add the commands of this room to *app*."""
    group = typer.Typer(
        help="What the hub shows of its events: read models, folded from the topics.", no_args_is_help=True
    )
    group.command("list")(list_projections)
    group.command("show")(show)
    building_commands.register(group)
    app.add_typer(group, name="projection")
    indicator_commands.register(app)


def list_projections(as_json: AsJson = False) -> None:
    """Show every projection: how far it is, what it has not read yet and since when, whether it runs."""
    from infra.home import Home
    from projections.status import statuses

    home = Home.current()
    found = statuses(home)
    ages = _ages(home, found)
    if as_json:
        screens.write({"projections": [screens.as_object(each, ages) for each in found]})
    else:
        screens.print_list(found, ages)


def _ages(home: "Home", found: "tuple[Status, ...]") -> screens.Ages:
    from projections import logs

    out = {}
    for each in found:
        own: Vector = {(one.topic, one.partition): one.next_offset for one in each.partitions if one.lag}
        waiting = [(each.generation or 0, own)]
        waiting += [(other.generation.number, other.positions) for other in each.others if other.generation.is_folded]
        for number, positions in waiting:
            if ages := logs.age_s(home, positions):
                out[each.name, number] = max(ages.values())
    return out


def show(
    name: Name,
    as_json: AsJson = False,
    rows_max: Annotated[
        int | None, typer.Option("--rows", min=1, help="So many rows of each table; 30 for people, all with --json.")
    ] = None,
    number: Annotated[int | None, typer.Option("--generation", help="Another one than the live one.")] = None,
) -> None:
    """Show what a projection holds. Persons are random ids; no value of a person is here."""
    from infra.home import Home
    from projections.catalogue import projection
    from projections.reading import filled

    shown = rows_max or (sys.maxsize if as_json else ROWS_SHOWN)
    found = filled(Home.current(), projection(name), shown, number)
    if as_json:
        screens.write(
            {each.sheet.view: [dict(zip(each.columns, row, strict=True)) for row in each.rows] for each in found}
        )
    else:
        for each in found:
            screens.print_sheet(each, shown)
