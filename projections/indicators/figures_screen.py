"""What `hub indicator figures` prints: for people a table, for scripts one object."""

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict

from projections.indicators.catalogue import Catalogue
from projections.indicators.figures import Figure, State
from projections.indicators.screens import WIDTH_IN_A_PIPE

_COLOURS = {State.FULL: "green", State.PARTIAL: "cyan", State.WAITING: "yellow"}
_PERCENT = "percent"


def as_figures(
    catalogue: Catalogue,
    shown: Sequence[Figure],
    tier: str,
    positions: Mapping[str, int],
    parameters: Mapping[str, object],
) -> dict[str, object]:
    """Return *shown* for a script, with where in the log they were folded and under which rule."""
    return {
        "tier": tier,
        "log_position": dict(sorted(positions.items())),
        "parameters": dict(parameters),
        "figures": [{**asdict(each), "unit": catalogue.get(each.indicator).unit} for each in shown],
    }


def print_figures(catalogue: Catalogue, shown: Sequence[Figure], tier: str) -> None:
    """Print *shown* chapter by chapter, each with its value or why there is none."""
    from rich.console import Console
    from rich.table import Table

    console = Console() if sys.stdout.isatty() else Console(width=WIDTH_IN_A_PIPE)
    for chapter in catalogue.chapters:
        names = {entry.id: entry for entry in chapter.indicators}
        own = [each for each in shown if each.indicator in names]
        if not own:
            continue
        console.print(f"\n[bold]{chapter.title}[/] ({chapter.framework}), as {tier} sees it", highlight=False)
        table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False)
        for column in ("indicator", "period", "value", "of", "covers", "parts", "in words"):
            table.add_column(column, no_wrap=column != "in words", overflow="fold")
        for each in own:
            entry = names[each.indicator]
            words = entry.wording if each.value is not None else f"{entry.wording} - {each.reason or each.state}"
            colour = _COLOURS.get(each.state, "red")
            value = f"[{colour}]{_number(each.value, entry.unit) or each.state}[/]"
            parts = str(len(each.cells)) if each.cells else ""
            table.add_row(each.indicator, each.period, value, _of(each), _share(each.completeness), parts, words)
        console.print(table, highlight=False)
    counts = Counter(each.state for each in shown)
    said = ", ".join(f"{counts[state]} {state}" for state in State if counts[state])
    console.print(f"\n{len(shown)} figures: {said or 'none'}", highlight=False)


def _number(value: float | None, unit: str) -> str:
    if value is None:
        return ""
    text = f"{value:,.0f}" if float(value).is_integer() else f"{value:,.1f}"
    return f"{text} %" if unit == _PERCENT else text


def _of(figure: Figure) -> str:
    if figure.denominator is None or figure.numerator is None:
        return ""
    return f"{figure.numerator:,.0f} of {figure.denominator:,.0f}"


def _share(completeness: float | None) -> str:
    return "" if completeness is None else f"{100 * completeness:.0f} %"
