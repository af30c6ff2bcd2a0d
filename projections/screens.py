"""What `hub projection list` and `show` print: for people a table, for scripts one object."""

import datetime as dt
import json
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

    from projections.reading import Filled
    from projections.status import Other, Status

WIDTH_IN_A_PIPE = 250
"""Columns for who reads with `grep`: nothing is cut off."""
Ages = dict[tuple[str, int], float]
"""By projection and generation, how old the oldest record is that it has not folded, seconds."""


def as_object(status: "Status", ages: Ages) -> dict[str, object]:
    """Return *status* for a script; `offsets` is what `hub projection rebuild --offsets` takes."""
    offsets: dict[str, dict[str, int]] = {}
    for one in status.partitions:
        offsets.setdefault(one.topic, {})[str(one.partition)] = one.next_offset
    return {
        "name": status.name,
        "title": status.title,
        "state": status.state,
        "generation": status.generation,
        "rows": status.rows,
        "lag": status.lag,
        "oldest_unprocessed_s": _rounded(ages.get((status.name, status.generation or 0))),
        "offsets": offsets,
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
        "generations": [_other(each, ages) for each in status.others],
    }


def _other(other: "Other", ages: Ages) -> dict[str, object]:
    found = other.generation
    return {
        "generation": found.number,
        "state": found.state,
        "lag": other.lag,
        "oldest_unprocessed_s": _rounded(ages.get((found.projection, found.number))),
        "created_at": found.created_at,
        "switched_at": found.switched_at,
        "code": found.code,
        "advice": found.advice,
    }


def _rounded(age_s: float | None) -> float | None:
    return None if age_s is None else round(age_s, 1)


def print_list(found: "tuple[Status, ...]", ages: Ages) -> None:
    """Print every generation of every projection, the live one first, and what is wrong."""
    from rich.console import Console
    from rich.table import Table

    console = Console() if sys.stdout.isatty() else Console(width=WIDTH_IN_A_PIPE)
    table = Table(
        *("projection", "generation", "state", "rows", "checkpoint", "lag", "oldest waiting", "since"), box=None
    )
    for each in found:
        colour = "green" if each.state == "running" else "red"
        read = sum(one.next_offset for one in each.partitions)
        checkpoint = f"{read} in {len(each.partitions)} partitions"
        age = _age(ages.get((each.name, each.generation or 0)))
        number = "" if each.generation is None else f"{each.generation} live"
        table.add_row(each.name, number, f"[{colour}]{each.state}[/]", str(each.rows), checkpoint, str(each.lag), age)
        for other in each.others:
            one = other.generation
            age = _age(ages.get((each.name, one.number)))
            since = _text(one.switched_at or one.created_at)
            table.add_row("", str(one.number), one.state, "", "", str(other.lag), age, since)
    console.print(table)
    for each in found:
        _print_troubles(console, each)


def _print_troubles(console: "Console", status: "Status") -> None:
    for said in sorted({(one.state, one.code, one.advice) for one in status.troubles}):
        places = [f"{o.topic}-{o.partition}" for o in status.troubles if (o.state, o.code, o.advice) == said]
        where = places[0] if len(places) == 1 else f"{len(places)} partitions"
        text = f"{status.name}, {where}: {said[0]} ({said[1]}): {said[2]}"
        console.print(text, markup=False, soft_wrap=True)
    for other in status.others:
        if other.generation.code:
            one = other.generation
            text = f"{status.name}, generation {one.number}: {one.state} ({one.code}): {one.advice}"
            console.print(text, markup=False, soft_wrap=True)


def _age(age_s: float | None) -> str:
    return "" if age_s is None else f"{age_s:.0f} s"


def print_sheet(sheet: "Filled", rows_max: int) -> None:
    """Print *sheet* as a table."""
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


def write(content: Any) -> None:
    """Write *content* as JSON to standard output."""
    sys.stdout.write(json.dumps(content, indent=2, default=_json) + "\n")


def _json(value: object) -> str:
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")
    return str(value)
