"""The commands `hub indicator list | show`: what is monitored, in whose words, and how each figure comes about."""

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
