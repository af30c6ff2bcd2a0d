"""`hub demo`: stack, topology, worker and a small scenario, shown live and counted."""

import asyncio
import json
import os
import sys
import time
from collections.abc import Mapping
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Annotated

import typer

from connectors.demo.pace import DAYS, EVENTS_PER_S

if TYPE_CHECKING:
    from infra.home import Home

STORIES = 100
WORKER_S = 60.0


def demo(
    seed: Annotated[
        int, typer.Option(help="The same seed tells the same stories; each run has references of its own.")
    ] = 7,
    stories: Annotated[int, typer.Option(min=1, max=20_000, help="How many life stories.")] = STORIES,
    days: Annotated[
        int, typer.Option(min=30, max=730, help="Over how many days; a day of the hub's clock passes in a blink.")
    ] = DAYS,
    events_per_s: Annotated[
        int, typer.Option("--events-per-second", min=1, max=500, help="How fast they are published.")
    ] = EVENTS_PER_S,
    stop: Annotated[bool, typer.Option("--stop", help="Stop everything at the end.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")] = False,
) -> None:
    """Start the hub and watch invented events go from agencies to partner feeds and projections.

    Exit code 1 when the counts do not add up. Leaves everything running unless `--stop` is given.
    """
    from connectors.demo.run import Plan, perform
    from connectors.demo.screen import Screen
    from connectors.demo.searching import personal_values, search
    from infra.home import Home
    from infra.settings import settings
    from infra.stack import supervisor, worker
    from infra.stack.progress import shown
    from infra.topology.model import load_topology

    began = time.monotonic()
    usual = Home.current() if "HUB_HOME" not in os.environ else None
    home = home_for_demo(Home.current())
    os.environ["HUB_HOME"] = str(home.path)
    home.make("simulated")
    with shown(f"Starting the hub in {home.path}") as tell:
        supervisor.start(home, settings(), tell, supervisor.make_ready)
        tell("worker", "starting")
        worker.start(home)
        _wait_for_worker(home)
        tell("worker", "runs")
    plan = Plan.next(home, _next_run(home), seed, stories, days, events_per_s)
    topology = load_topology()
    with Screen() as screen:
        tally = asyncio.run(perform(home, topology, plan, screen.tell, lambda: status_of(home)))
        screen.tell("searching every file for what was published", tally)
        tally.searched = asyncio.run(search(home, topology, personal_values(plan.acts())))
    tally.projections = _rows(status_of(home).get("projections"))
    tally.seconds = time.monotonic() - began
    screen.result(tally, _where_to_look(home, usual=home == usual, stopped=stop))
    if stop:
        with shown(f"Stopping the hub in {home.path}") as tell:
            supervisor.stop(home, settings(), tell)
    if as_json:
        sys.stdout.write(json.dumps(tally.summary(), indent=2) + "\n")
    if tally.faults():
        raise typer.Exit(1)


def home_for_demo(current: "Home") -> "Home":
    """Return *current* when it is new or lives by a simulated clock, else a home of the demonstration beside it."""
    from infra.home import Home

    if not current.is_made or current.clock == "simulated":
        return current
    return Home(current.path.with_name(f"{current.path.name}-demo"))


def status_of(home: "Home") -> dict[str, object]:
    """Return what the rooms add to `hub status`."""
    found: dict[str, object] = {}
    for entry in entry_points(group="hub.status"):
        found |= entry.load()(home)
    return found


def _wait_for_worker(home: "Home") -> None:
    """Wait until every processor and projection says that it runs; raise when the worker does not come up."""
    from infra.stack import worker
    from schemas.errors import UnavailableError

    deadline = time.monotonic() + WORKER_S
    while time.monotonic() < deadline:
        if worker.running(home) is None:
            break
        status = status_of(home)
        groups = [status[name] for name in ("processors", "projections") if name in status]
        if all(isinstance(group, Mapping) and group and _all_run(group) for group in groups):
            return
        time.sleep(0.3)
    raise UnavailableError(f"the worker did not come up; see {home.logs_dir / 'worker.log'}")


def _all_run(group: Mapping[str, object]) -> bool:
    return all(isinstance(one, Mapping) and one.get("state") == "running" for one in group.values())


def _rows(projections: object) -> dict[str, int]:
    found = projections if isinstance(projections, Mapping) else {}
    return {str(name): int(str(one.get("rows", 0))) for name, one in found.items() if isinstance(one, Mapping)}


def _next_run(home: "Home") -> int:
    """Return the number of this run in *home*, counted in a file."""
    from infra.home import write_atomically

    counter = home.path / "demo-runs"
    run = int(counter.read_text()) + 1 if counter.exists() else 1
    write_atomically(counter, f"{run}\n")
    return run


def _where_to_look(home: "Home", *, usual: bool, stopped: bool) -> str:
    """Return what to type next; *usual*: the home is the one that commands take without HUB_HOME."""
    hub = "./hub" if usual else f"HUB_HOME={home.path} ./hub"
    commands = {
        "status": "what runs, and how far it is",
        "feed europol --from beginning --json": "what Europol sees, opened with its keys",
        "feed observer": "a partner without an agreement",
        "projection show cross_border": "what went to whom",
        "cohort status": "how rows about persons wait, and leave in cohorts",
        "indicator figures": "every indicator of the guidelines, or why it has no value",
        "down": "stop it",
    }
    again = f"Everything is stopped; `{hub} up` and `{hub} worker --detach` start it again. Then:"
    first = again if stopped else "Everything goes on running. Where to look next:"
    return "\n".join([first, *(f"  {hub} {command:<38} {what}" for command, what in commands.items())])
