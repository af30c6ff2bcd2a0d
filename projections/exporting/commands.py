"""The commands `hub export figures | rows | chart`: what was released, as files for other people's programs."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from projections.exporting.source import TIERS, Source

Tier = Annotated[str, typer.Option(help=f"For whom: {' or '.join(TIERS)}; what is open, partners have as well.")]
Out = Annotated[Path, typer.Option("--out", help="The file to write; one that is there is replaced.")]
Since = Annotated[str, typer.Option(help="First month, such as 2024-01, or year; from the beginning when left out.")]
Until = Annotated[str, typer.Option(help="Last month or year; up to the last period that is closed when left out.")]
Many = list[str] | None

export_app = typer.Typer(
    help="Files for others: figures, released rows, charts, each with all that says what it holds.",
    no_args_is_help=True,
)


class FigureForm(StrEnum):
    """How figures are written."""

    TIDY_CSV = "tidy-csv"
    SDMX_CSV = "sdmx-csv"
    JSON = "json"
    PARQUET = "parquet"
    XLSX = "xlsx"


class RowForm(StrEnum):
    """How released rows are written."""

    CSV = "csv"
    PARQUET = "parquet"
    JSON = "json"


class Kind(StrEnum):
    """What a chart shows."""

    SERIES = "series"
    FLOWS = "flows"
    LEVELS = "levels"


class SdmxVersion(StrEnum):
    """Which SDMX."""

    V30 = "3.0"
    V21 = "2.1"


def register(app: typer.Typer) -> None:
    """Add these commands to *app*."""
    app.add_typer(export_app, name="export")


@export_app.command("figures")
def figures(
    out: Out,
    form: Annotated[FigureForm, typer.Option("--format", help="How to write them.")] = FigureForm.TIDY_CSV,
    tier: Tier = "open",
    since: Since = "",
    until: Until = "",
    indicator: Annotated[Many, typer.Option(help="Only this one, such as C.3.1-1; may be given several times.")] = None,
    framework: Annotated[
        Many, typer.Option(help="Only those of it, such as GUIDELINES_D or SDG; several times.")
    ] = None,
    sdmx_version: Annotated[SdmxVersion, typer.Option(help="Which SDMX, for sdmx-csv.")] = SdmxVersion.V30,
) -> None:
    """Write the figures of indicators: each with its definition, unit, completeness, and why there is none."""
    from projections.exporting.choosing import Choice
    from projections.exporting.figure_files import figure_files
    from projections.exporting.source import tier_of
    from projections.exporting.writing import write_whole

    choice = Choice(indicators=tuple(indicator or ()), frameworks=tuple(framework or ()), since=since, until=until)
    write_whole(figure_files(_source(), tier_of(tier), choice, form.value, out, sdmx_version.value))
    _say(out)


@export_app.command("rows")
def rows(
    out: Out,
    form: Annotated[RowForm, typer.Option("--format", help="How to write them.")] = RowForm.CSV,
    tier: Tier = "open",
    event_type: Annotated[Many, typer.Option(help="Only rows of it, such as PersonIdentified; several times.")] = None,
) -> None:
    """Write the released rows about persons, under the names of HTCDS where the standard has them."""
    from projections.exporting.microdata import chosen_kinds, row_files
    from projections.exporting.source import tier_of
    from projections.exporting.writing import write_whole

    chosen = chosen_kinds(tuple(event_type or ()))
    write_whole(row_files(_source(), tier_of(tier), chosen, form.value, out))
    _say(out)


@export_app.command("chart")
def chart(
    indicator: Annotated[str, typer.Argument(metavar="INDICATOR", help="Such as C.3.1-1.")],
    out: Annotated[Path, typer.Option("--out", help="The picture to write: its name ends in .svg or .png.")],
    kind: Annotated[Kind, typer.Option(help="A time series by group, flows, or levels of control.")] = Kind.SERIES,
    tier: Tier = "open",
    since: Since = "",
    until: Until = "",
) -> None:
    """Draw an indicator; what is drawn stands beside the picture as a table, with a description in words."""
    from projections.exporting.charts.drawing import chart_files
    from projections.exporting.choosing import Choice
    from projections.exporting.source import tier_of
    from projections.exporting.writing import write_whole

    choice = Choice(indicators=(indicator,), since=since, until=until)
    write_whole(chart_files(_source(), tier_of(tier), choice, kind.value, out))
    _say(out)


def _source() -> Source:
    from infra.home import Home
    from projections.exporting import source

    return source.open_source(Home.current())


def _say(out: Path) -> None:
    typer.echo(f"written: {out}")
