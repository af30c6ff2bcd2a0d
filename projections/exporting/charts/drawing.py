"""The files of a chart: the picture, and beside it what it shows as a table and in words."""

from collections.abc import Mapping
from pathlib import Path

from projections.exporting.charts.levels import draw_levels
from projections.exporting.charts.pictures import picture
from projections.exporting.charts.sankey import draw_flows
from projections.exporting.charts.series import draw_series
from projections.exporting.charts.style import Drawn
from projections.exporting.choosing import Choice, chosen_figures, chosen_indicators, chosen_periods
from projections.exporting.flows import flows_of
from projections.exporting.metadata import LogState, as_json, described, head, state_of
from projections.exporting.observations import observations
from projections.exporting.source import Source
from projections.exporting.told import figures_of
from projections.exporting.writing import beside
from projections.indicators.catalogue import Catalogue, catalogue
from projections.indicators.entries import Indicator


def chart_files(source: Source, tier: str, choice: Choice, kind: str, out: Path) -> Mapping[Path, bytes]:
    """Return by path the picture of the one indicator of *choice* as *kind* shows it, and what tells of it.

    Raises MisuseError when the indicator has no such chart, or nothing can be drawn.
    """
    known = catalogue()
    (entry,) = chosen_indicators(known, choice)
    state = state_of(source, tier)
    drawn = _drawn(known, source, state, choice, entry, kind)
    said = {
        **head(drawn.title, state, dict.fromkeys(drawn.header, ""), len(drawn.rows)),
        "kind": kind,
        "description": drawn.description,
        "indicator": {"id": entry.id, **described(known, entry)},
        "table": [dict(zip(drawn.header, row, strict=True)) for row in drawn.rows],
    }
    said["columns"] = list(drawn.header)
    return {beside(out): as_json(said), out: picture(drawn, out.suffix)}


def _drawn(known: Catalogue, source: Source, state: LogState, choice: Choice, entry: Indicator, kind: str) -> Drawn:
    periods = chosen_periods(source.periods(), choice)
    if kind == "flows":
        measured = known.measured(entry)
        labels = {each.label for each in periods}
        years = flows_of(measured, source.rows(state.tier), source.periods(), state.k)
        return draw_flows(entry, measured, [year for year in years if year.closed_by in labels], state)
    figures = chosen_figures(figures_of(known, source, state.tier), [entry], periods)
    rows = observations(known, figures, source.periods())
    return draw_levels(rows, state) if kind == "levels" else draw_series(rows, state)
