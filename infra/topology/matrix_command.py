"""The command `hub topology matrix`: who may do what, and whether the broker agrees."""

import dataclasses
import sys
from collections import Counter
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Column, Table

from infra.home import Home
from infra.progress_bar import progress_bar
from infra.topology.commands import PIPED_COLUMNS, AsJson, TopologyFile, topology_app
from infra.topology.matrix import Cell, cells, counts_of
from infra.topology.model import Topology, load_topology

if TYPE_CHECKING:
    from infra.topology.trying import Outcome

EXIT_DIFFERENCES = 1
SHOWN_MAX = 40
"""More differences than this are counted, not listed, outside `--json`."""
WORDS = {"topic": "of topics", "group": "of groups", "transactional_id": "of transactions", "cluster": "of the cluster"}
LETTERS = {"write": "w", "read": "r", "delete": "d", "create": "c", "alter": "a"}


def register(_app: typer.Typer) -> None:
    """Do nothing more: the command is one of those of the topology since this module was read."""


@topology_app.command("matrix")
def matrix_command(
    path: TopologyFile = None,
    as_json: AsJson = False,
    check: Annotated[bool, typer.Option("--check", help="Try every cell on the broker; changes nothing.")] = False,
) -> None:
    """Show for each principal on how many topics of each family it may write, read, delete, create, alter.

    With `--check` every cell, allowed and forbidden, is tried on the broker as the principal itself. Exit code 1 when
    the broker answers one of them differently.
    """
    from infra.topology.check import require_valid

    topology = require_valid(load_topology(path))
    found = cells(topology)
    outcome = _tried(topology, found) if check else None
    if as_json:
        _print_json(found, outcome)
    else:
        out = Console(width=None if sys.stdout.isatty() else PIPED_COLUMNS, highlight=False)
        out.print(table_of(topology, found))
        _print_counts(out, found, outcome)
    if outcome is not None and outcome.differences:
        raise typer.Exit(EXIT_DIFFERENCES)


def table_of(topology: Topology, found: tuple[Cell, ...]) -> Table:
    """Return the matrix of topics: principals down, families across, in each the number of topics per right."""
    families = {str(topic.name): str(topic.name).split(".", maxsplit=1)[0] for topic in topology.topics}
    sizes = Counter(families.values())
    held: dict[tuple[str, str], Counter[str]] = {}
    for cell in found:
        if cell.resource == "topic" and cell.allowed and cell.operation in LETTERS:
            held.setdefault((cell.principal, families[cell.name]), Counter())[LETTERS[cell.operation]] += 1
    heads = [Column(f"{family}\n{size}", no_wrap=True) for family, size in sizes.items()]
    table = Table(Column("principal\ntopics", no_wrap=True), *heads, box=None, padding=(0, 1))
    for principal in topology.principals():
        rights = [held.get((principal, family), Counter()) for family in sizes]
        table.add_row(principal, *(_short(right, size) for right, size in zip(rights, sizes.values(), strict=True)))
    return table


def _short(right: Counter[str], size: int) -> str:
    """Return the rights on a family: a letter for each, and on how many of its topics unless on all."""
    if len(right) == len(LETTERS):
        return "all"
    return " ".join(letter if times == size else f"{letter}{times}" for letter, times in right.items()) or "[dim]·[/]"


def _tried(topology: Topology, found: tuple[Cell, ...]) -> "Outcome":
    import asyncio

    from infra.topology.credentials import Credentials
    from infra.topology.trying import outcome_of, try_all

    home = Home.current()
    with progress_bar("signing in") as progress:
        return outcome_of(
            asyncio.run(try_all(found, lambda principal: Credentials.of(home, principal, topology), progress))
        )


def _print_counts(out: Console, found: tuple[Cell, ...], outcome: "Outcome | None") -> None:
    counts = counts_of(found)
    by_resource = ", ".join(f"{number} {WORDS[resource]}" for resource, number in counts.by_resource.items())
    out.print(
        "w write, r read, d delete records, c create, a alter; with a number: on so many of the family", style="dim"
    )
    out.print(f"{counts.cells} cells ({by_resource}): {counts.allowed} allowed, {counts.forbidden} forbidden")
    if outcome is None:
        return
    out.print(
        f"{outcome.tried} tried on the broker: {outcome.went_through} allowed went through, "
        f"{outcome.refused_by_broker} forbidden were refused by the broker itself, {len(outcome.differences)} differ"
    )
    for each in outcome.differences[:SHOWN_MAX]:
        out.print(str(each), style="red", markup=False, soft_wrap=True)
    if len(outcome.differences) > SHOWN_MAX:
        out.print(f"… and {len(outcome.differences) - SHOWN_MAX} more: `--json` lists all", style="red")
    if outcome.differences:
        out.print("`hub topology plan` shows what would put it right, `hub topology apply` does it", style="yellow")


def _print_json(found: tuple[Cell, ...], outcome: "Outcome | None") -> None:
    """Print the counts and every allowed cell: all others are forbidden."""
    import orjson

    answer: dict[str, object] = dataclasses.asdict(counts_of(found))
    if outcome is not None:
        differences = [
            {**dataclasses.asdict(each.cell), "answer": each.answer, "detail": each.detail}
            for each in outcome.differences
        ]
        answer |= {
            "tried": outcome.tried,
            "went_through": outcome.went_through,
            "refused_by_broker": outcome.refused_by_broker,
            "differences": differences,
        }
    answer["allowed_cells"] = [
        [cell.principal, cell.resource, cell.name, cell.operation] for cell in found if cell.allowed
    ]
    typer.echo(orjson.dumps(answer, option=orjson.OPT_INDENT_2))
