"""The files of an export of figures: from a source and what was asked for to bytes."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from projections.exporting.choosing import Choice, chosen_figures, chosen_indicators, chosen_periods
from projections.exporting.columns import figures_table
from projections.exporting.forms import Form, as_csv, as_json_file, as_parquet, as_xlsx
from projections.exporting.metadata import of_figures, state_of
from projections.exporting.observations import observations
from projections.exporting.sdmx import Version, as_sdmx
from projections.exporting.source import Source
from projections.exporting.told import figures_of
from projections.indicators.catalogue import catalogue

FORMS: Final[Mapping[str, Form]] = {
    "tidy-csv": as_csv,
    "json": as_json_file,
    "parquet": as_parquet,
    "xlsx": as_xlsx,
}
SDMX: Final = "sdmx-csv"


def figure_files(
    source: Source, tier: str, choice: Choice, form: str, out: Path, sdmx: str = "3.0"
) -> Mapping[Path, bytes]:
    """Return by path what an export of figures writes, in the order in which it is to appear.

    Raises MisuseError when what was asked for is not there.
    """
    known = catalogue()
    indicators = chosen_indicators(known, choice)
    periods = chosen_periods(source.periods(), choice)
    state = state_of(source, tier)
    figures = chosen_figures(figures_of(known, source, tier), indicators, periods)
    rows = observations(known, figures, source.periods())
    table = figures_table(rows, state)
    metadata = of_figures(known, indicators, state, table.meanings, len(rows))
    metadata |= {"since": periods[0].label, "until": periods[-1].label}
    if form == SDMX:
        version: Version = "2.1" if sdmx == "2.1" else "3.0"
        return as_sdmx(known, rows, state, metadata, out, version)
    return FORMS[form](table, metadata, out)
