"""How every chart looks and what it says: title, note, description, colours that colour-blind people tell apart."""

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from projections.exporting.metadata import LogState
from projections.indicators.entries import Indicator, OverPersons

if TYPE_CHECKING:
    import altair as alt

FONT = "Liberation Sans, Arial, Helvetica, sans-serif"
INK, FAINT, GRID = "#222222", "#595959", "#E4E4E4"
OKABE_ITO = ("#D55E00", "#0072B2", "#CC79A7", "#009E73", "#E69F00", "#56B4E9", "#F0E442")
"""Eight colours less black, told apart with every kind of colour blindness (Okabe and Ito 2008)."""
REST = "#8A8A8A"
WIDTH = 860
_TITLE_CHARACTERS, _NOTE_CHARACTERS = 84, 140
_UNITS = {
    "PERCENT": "percent",
    "RATE": "per 100,000 inhabitants",
    "DAYS": "days",
    "MONTHS": "months",
    "MONEY": "amount of money",
    "YES_NO": "1 for yes, 0 for no",
    "INDEX": "score",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """A chart: the specification, what it shows as a table, and what it says to who cannot see it."""

    spec: Mapping[str, Any]
    title: str
    description: str
    header: tuple[str, ...]
    rows: tuple[tuple[str | float | None, ...], ...]


def finished(
    chart: "alt.LayerChart", title: str, subtitle: str, notes: Sequence[str], description: str
) -> dict[str, Any]:
    """Return the specification of *chart* under its title, with the *notes* below it."""
    import altair as alt

    lines = [line for note in notes for line in textwrap.wrap(note, _NOTE_CHARACTERS)]
    head = alt.Title(
        textwrap.wrap(title, _TITLE_CHARACTERS),
        subtitle=textwrap.wrap(subtitle, _NOTE_CHARACTERS),
        anchor="start",
        fontSize=17,
        fontWeight="bold",
        color=INK,
        subtitleColor=FAINT,
        subtitleFontSize=12,
        offset=14,
    )
    foot = alt.Title(lines, orient="bottom", anchor="start", fontSize=11, fontWeight="normal", color=FAINT, offset=14)
    whole = (
        alt.vconcat(chart, title=foot, data=data([]))
        .properties(padding=18, background="white", description=description)
        .configure(font=FONT)
        .configure_axis(
            labelColor=INK,
            labelFontSize=12,
            titleColor=FAINT,
            titleFontSize=12,
            titleFontWeight="normal",
            gridColor=GRID,
            domainColor=FAINT,
            tickColor=FAINT,
        )
        .configure_view(stroke=None)
        .configure_concat(spacing=0)
    )
    spec: dict[str, Any] = whole.to_dict()
    spec["vconcat"][0]["title"] = head.to_dict()
    return spec


def data(values: Sequence[Mapping[str, object]]) -> Any:
    """Return *values* as the data of a layer."""
    import altair as alt

    return alt.Data(values=list(values))  # type: ignore[no-untyped-call]  # altair's generated classes are untyped


def subtitle_of(entry: Indicator, state: LogState, what: str) -> str:
    """Return the line below a title: what is shown, for whom, and for persons the rule that protects."""
    rule = f" A number of persons is nobody or at least {state.k}." if counts_persons(entry) else ""
    return f"{what}. Tier: {state.tier}.{rule}"


def counts_persons(entry: Indicator) -> bool:
    """Return whether *entry*, one with a measure of its own, counts released persons."""
    return isinstance(entry.measure, OverPersons)


def source_note(entry: Indicator, state: LogState) -> str:
    """Return where the numbers come from."""
    return (
        f"Source: anti-trafficking hub, indicator {entry.id} ({entry.framework}, section "
        f"{entry.printed_as or entry.section}), log position {state.position or 'none'}, parameters "
        f"{state.parameters_hash[:12] or 'none'}."
    )


def unit_of(entry: Indicator) -> str:
    """Return the unit of *entry* in words."""
    counted = "persons" if counts_persons(entry) else "number"
    return _UNITS.get(entry.unit, counted)


def number(value: float) -> str:
    """Return *value* as people read it: thousands apart, one decimal where it has any."""
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.1f}"
