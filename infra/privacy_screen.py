"""What `hub schema privacy` shows: a table for each event type, or blocks of lines where that would be too wide."""

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from infra.schema_screens import console, table_of
from schemas.catalogue import Contract
from schemas.privacy_table import CHANNELS, Row

NARROWEST_TABLE = 170
"""Columns below which cells would be folded into pieces."""
INDENT = 4
FORMS = {
    "sealed": "under the key of the subject",
    "clear": "readable by whoever may read the topic",
    "by form": "clear for a legal person, else sealed",
    "company": "clear for a legal person without a restricted proprietor, else not there",
}


def show(found: Mapping[Contract, Sequence[Row]]) -> None:
    """Show the rows of each event type."""
    screen = console()
    for contract, rows in found.items():
        screen.print(f"{contract.name} ({contract.family}): {contract.schema.get('doc', '')}", markup=False)
        if screen.width < NARROWEST_TABLE:
            _blocks(screen, rows)
        else:
            _one_table(screen, rows)
        screen.print()
    for form, means in FORMS.items():
        screen.print(f"{form}: {means}", style="dim", markup=False)
    screen.print("not there: no code can write the field on that channel", style="dim")
    screen.print("of: whose key seals it; finest: the finest level that may leave non-personally", style="dim")


def _one_table(screen: Console, rows: Sequence[Row]) -> None:
    channels = _channels(rows)
    table = table_of("field", "class", "of", "ladder", "finest", *channels, "meaning")
    for row in rows:
        forms = (row.forms.get(channel, "") for channel in channels)
        said = (row.path, row.privacy_class, ", ".join(row.subjects), row.ladder or "", row.minimum or "")
        table.add_row(*said, *forms, row.meaning)
    screen.print(table)


def _blocks(screen: Console, rows: Sequence[Row]) -> None:
    for row in rows:
        whose = f", of {', '.join(row.subjects)}" if row.subjects else ""
        screen.print(Text.assemble((row.path, "bold"), f"  {row.privacy_class}{whose}"))
        for line in (row.meaning, *_ladder(row), _travels(row)):
            screen.print(Padding(Text(line), (0, 0, 0, INDENT)))


def _ladder(row: Row) -> tuple[str, ...]:
    if row.ladder is None:
        return ()
    finest = "never leaves" if row.minimum == "*" else f"may leave as {row.minimum} at the finest"
    return (f"ladder {row.ladder}: {finest}",)


def _travels(row: Row) -> str:
    """Return the channels by form: `sealed on ledger, stage; not on personal`."""
    by_form: dict[str, list[str]] = {}
    for channel, form in row.forms.items():
        by_form.setdefault(form, []).append(channel)
    said = [f"{form} on {', '.join(there)}" for form, there in by_form.items()]
    absent = [str(channel) for channel in CHANNELS if channel not in row.forms]
    return "; ".join([*said, *([f"not on {', '.join(absent)}"] if absent else [])])


def _channels(rows: Sequence[Row]) -> tuple[str, ...]:
    more = dict.fromkeys(channel for row in rows for channel in row.forms)
    return tuple(dict.fromkeys([*map(str, CHANNELS), *more]))
