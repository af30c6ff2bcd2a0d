"""What `hub indicator` prints: for people a table, for scripts one object."""

import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from projections.indicators.carried import fields_of, tiers_of
from projections.indicators.catalogue import Catalogue
from projections.indicators.describing import fold_in_words
from projections.indicators.entries import Indicator, SameAs, Source

if TYPE_CHECKING:
    from rich.console import Console

WIDTH_IN_A_PIPE = 250
_COLOURS = {Source.COMPUTED: "green", Source.RETURNED: "cyan", Source.NEITHER: "yellow"}


def as_object(catalogue: Catalogue, entry: Indicator) -> dict[str, object]:
    """Return *entry* for a script, with what follows from its measure."""
    own = catalogue.measured(entry)
    return {
        **asdict(entry),
        "source": str(own.source),
        "fold": fold_in_words(own),
        "tiers": list(tiers_of(own)),
        "events": {name: list(paths) for name, paths in fields_of(own).items()},
        "lacks": list(own.lacks),
        "reason": entry.reason or own.reason,
        "caveat": entry.caveat or own.caveat,
        "by": dict(own.by),
        "by_lacks": dict(own.by_lacks),
        "returned_as": entry.code,
    }


def print_list(catalogue: Catalogue, chosen: Sequence[Indicator]) -> None:
    """Print *chosen* under the chapters that they are of, and how many come from where."""
    from rich.table import Table

    console = _console()
    for chapter in catalogue.chapters:
        own = [entry for entry in chapter.indicators if entry in chosen]
        if not own:
            continue
        console.print(f"\n[bold]{chapter.title}[/] ({chapter.framework})", highlight=False)
        table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False)
        table.add_column("indicator", no_wrap=True, min_width=10)
        table.add_column("in words", ratio=1, overflow="fold")
        table.add_column("unit", no_wrap=True)
        table.add_column("source", no_wrap=True)
        for entry in own:
            source = catalogue.source_of(entry)
            table.add_row(entry.id, entry.wording, entry.unit, f"[{_COLOURS[source]}]{source}[/]")
        console.print(table, highlight=False)
    counts = Counter(catalogue.source_of(entry) for entry in chosen)
    said = ", ".join(f"{counts[source]} {source}" for source in Source if counts[source])
    console.print(f"\n{len(chosen)} indicators: {said or 'none'}", highlight=False)


def print_one(catalogue: Catalogue, entry: Indicator) -> None:
    """Print all that the catalogue says of *entry*."""
    from rich.table import Table

    own = catalogue.measured(entry)
    console = _console()
    console.print(f"[bold]{entry.id}[/]  {entry.wording}\n", highlight=False)
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column(no_wrap=True, style="dim")
    table.add_column(overflow="fold", ratio=1)
    for name, text in rows_of(catalogue, entry, own):
        table.add_row(name, text)
    console.print(table, highlight=False, markup=False)


def rows_of(catalogue: Catalogue, entry: Indicator, own: Indicator) -> list[tuple[str, str]]:
    """Return what to say of *entry*, whose measure is that of *own*; what it does not say is left out."""
    verified = "" if entry.verified else " (second hand or from memory: check it before you print it)"
    same = f"the same as {entry.measure.indicator}; " if isinstance(entry.measure, SameAs) else ""
    caveat = entry.caveat or own.caveat
    found = [
        ("section", f"{entry.printed_as or entry.section}, {entry.framework}{verified}"),
        ("definition", entry.definition),
        ("unit", f"{entry.unit}, by {entry.period}"),
        ("numerator", entry.numerator or own.numerator),
        ("denominator", entry.denominator or own.denominator),
        ("source", str(catalogue.source_of(entry))),
        ("folded from", same + fold_in_words(own)),
        ("tiers", ", ".join(tiers_of(own))),
        ("told by", "; ".join(f"{name}: {', '.join(paths)}" for name, paths in fields_of(own).items())),
        ("broken down by", ", ".join(own.by)),
        ("not by", "; ".join(f"{name}: {why}" for name, why in own.by_lacks.items())),
        ("lacks", ", ".join(own.lacks)),
        ("why", entry.reason or own.reason),
        ("mind", caveat),
        ("returned as", entry.code if own.source is not Source.COMPUTED else ""),
    ]
    return [(name, text) for name, text in found if text]


def _console() -> "Console":
    from rich.console import Console

    return Console() if sys.stdout.isatty() else Console(width=WIDTH_IN_A_PIPE)
