"""The commands `hub indicator list | show | figures`: what is monitored, how a figure comes about, and the figures."""

from typing import Annotated

import typer

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]

indicator_app = typer.Typer(
    help="Indicators: what is monitored, and where each figure comes from.", no_args_is_help=True
)


def register(app: typer.Typer) -> None:
    """Add these commands to *app*."""
    app.add_typer(indicator_app, name="indicator")


@indicator_app.command("list")
def list_indicators(
    framework: Annotated[str, typer.Option(help="Only this one, such as GUIDELINES_D or SDG.")] = "",
    section: Annotated[str, typer.Option(help="Only those whose section begins so, such as C.3.1.")] = "",
    source: Annotated[str, typer.Option(help="Only those that are computed, returned, or neither.")] = "",
    as_json: AsJson = False,
) -> None:
    """Show every indicator with its unit and where its figure comes from."""
    from projections.indicators.catalogue import catalogue
    from projections.indicators.screens import as_object, print_list
    from projections.screens import write

    found = catalogue()
    chosen = [
        entry
        for entry in found.indicators
        if framework in {"", entry.framework}
        and entry.section.startswith(section)
        and source in {"", found.source_of(entry)}
    ]
    if as_json:
        write({"indicators": [as_object(found, entry) for entry in chosen]})
    else:
        print_list(found, chosen)


@indicator_app.command("show")
def show(
    indicator: Annotated[str, typer.Argument(metavar="ID", help="Such as C.3.1-1; `hub indicator list` has all.")],
    as_json: AsJson = False,
) -> None:
    """Show one indicator: its words, its definition, what it is folded from, and what is lacking."""
    from projections.indicators.catalogue import catalogue
    from projections.indicators.screens import as_object, print_one
    from projections.screens import write

    found = catalogue()
    entry = found.get(indicator)
    if as_json:
        write(as_object(found, entry))
    else:
        print_one(found, entry)


@indicator_app.command("figures")
def figures(
    period: Annotated[
        str,
        typer.Option(help="A month such as 2026-03, or a year such as 2026; the last one that is whole if left out."),
    ] = "",
    tier: Annotated[str, typer.Option(help="As partners see it, or the public: partner or open.")] = "partner",
    framework: Annotated[str, typer.Option(help="Only this one, such as GUIDELINES_D or SDG.")] = "",
    as_json: AsJson = False,
) -> None:
    """Show the figure of every indicator: a value, or the reason why there is none.

    They are folded from cohorts and facts that have left the hub, and never change once told.
    """
    from infra.home import Home
    from projections.exporting.source import tier_of
    from projections.exporting.told import figures_of
    from projections.indicators.catalogue import catalogue
    from projections.indicators.figures_screen import as_figures, print_figures
    from projections.indicators.reading import chosen_periods, released_rows
    from projections.screens import write

    found, source = catalogue(), released_rows(Home.current())
    told = figures_of(found, source, tier_of(tier))
    labels = chosen_periods(source.periods(), period)
    wanted = {entry.id for entry in found.indicators if framework in {"", entry.framework}}
    shown = [each for each in told if each.period in labels and each.indicator in wanted]
    if as_json:
        write(as_figures(found, shown, tier, source.position(), source.parameters()))
    else:
        print_figures(found, shown, tier)


@indicator_app.command("estimate")
def estimate_undetected(as_json: AsJson = False) -> None:
    """Estimate how many persons no agency detected, for each year that is over, from how agencies' lists overlap.

    An estimate with an interval, from a model that is named; or the reason why there can be none.
    """
    from infra.home import Home
    from projections.estimates.describing import in_plain, in_words
    from projections.estimates.estimating import estimate_published
    from projections.indicators.reading import overlaps
    from projections.screens import write

    results = [estimate_published({"year": year, **told}) for year, told in overlaps(Home.current())]
    if as_json:
        write({"estimates": [in_plain(each) for each in results]})
    elif not results:
        typer.echo("No year is over yet: overlaps are told once, when it is.")
    else:
        typer.echo("\n\n".join(map(in_words, results)))
