"""`hub scenario`: invented events as JSON lines, or the counts of them."""

import datetime as dt
import os
import sys
from typing import Annotated

import typer

EVENTS = 20_000


def scenario(
    seed: Annotated[int, typer.Option(help="The same seed tells the same stories.")] = 7,
    events: Annotated[int, typer.Option(min=1, max=50_000_000, help="How many events of all agencies.")] = EVENTS,
    run: Annotated[int, typer.Option(min=1, help="Goes into references and ids, so that each run is new.")] = 1,
    start: Annotated[str, typer.Option(metavar="YYYY-MM-DD", help="First day of the two years.")] = "2024-01-01",
    agency: Annotated[str | None, typer.Option(help="Only what this agency publishes.")] = None,
    json_lines: Annotated[
        bool, typer.Option("--json-lines", help="Print the events, one a line, as `hub publish -` reads them.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object with the counts.")] = False,
) -> None:
    """Tell invented life stories over two years in two countries: events of every type, or how many there are.

    Nobody in them exists. Shares follow published statistics; connectors/scenario/distributions.toml cites them.
    """
    from connectors.scenario.cast import AGENCIES
    from connectors.scenario.stream import Scenario
    from connectors.scenario.telling import tell
    from schemas.errors import MisuseError

    if agency is not None and agency not in AGENCIES:
        raise MisuseError(f"nobody of this name acts in the scenario; the agencies are: {', '.join(AGENCIES)}")
    if json_lines and as_json:
        raise MisuseError("give `--json-lines` for the events or `--json` for the counts, not both")
    told = Scenario(seed=seed, run=run, start=_day(start))
    try:
        tell(told, events, agency, lines=json_lines, as_json=as_json)
    except BrokenPipeError:  # `hub scenario … | head` is no error
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _day(text: str) -> dt.date:
    from schemas.errors import MisuseError

    try:
        found = dt.date.fromisoformat(text)
    except ValueError:
        found = dt.date.min
    if not dt.date(1980, 1, 1) <= found <= dt.date(2190, 1, 1):
        raise MisuseError("give `--start` as a day from 1980 to 2189, YYYY-MM-DD")
    return found
