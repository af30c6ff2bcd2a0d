"""The commands `hub topology plan | apply | show` and `hub credentials`."""

import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Column, Table

from infra.command_groups import ShowByDefault
from infra.home import Home
from infra.progress_bar import progress_bar
from infra.topology.credentials import Credentials, Format
from infra.topology.model import Topology, load_topology

if TYPE_CHECKING:
    from infra.topology.plan import Plan

TopologyFile = Annotated[Path | None, typer.Option("--topology", help="Another topology.toml than the built-in one.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]
Prune = Annotated[bool, typer.Option(help="Also remove users that the topology does not know.")]
PIPED_COLUMNS = 200
"""Width of tables that go to a file or another program."""
MANY = 12
"""More permissions than this are counted, not listed, unless `--verbose`."""

topology_app = typer.Typer(
    help="Who takes part, which topics there are, who writes and reads them.", no_args_is_help=True
)


credentials_app = typer.Typer(
    cls=ShowByDefault,
    no_args_is_help=True,
    help="What clients need to connect: `hub credentials PRINCIPAL` writes it, `rotate` makes new passwords.",
)


def register(app: typer.Typer) -> None:
    """Add these commands to *app*."""
    app.add_typer(topology_app, name="topology")
    app.add_typer(credentials_app, name="credentials")


@topology_app.command("plan")
def plan_command(
    path: TopologyFile = None,
    as_json: AsJson = False,
    prune: Prune = False,
    verbose: Annotated[bool, typer.Option(help="List every permission and schema.")] = False,
) -> None:
    """Show what `apply` would change; changes nothing."""
    from infra.topology.apply import plan_for

    found = plan_for(Home.current(), load_topology(path), prune=prune)
    _show(found, "to make", as_json=as_json, verbose=verbose)


@topology_app.command("apply")
def apply_command(
    path: TopologyFile = None,
    as_json: AsJson = False,
    prune: Prune = False,
    reset_passwords: Annotated[bool, typer.Option(help="Give every principal its password again.")] = False,
    verbose: Annotated[bool, typer.Option(help="List every permission and schema.")] = False,
) -> None:
    """Make the servers as the topology says; repeating it is harmless."""
    from infra.topology.apply import apply

    with progress_bar("looking at the servers") as progress:
        found = apply(
            Home.current(),
            load_topology(path),
            prune=prune,
            reset_passwords=reset_passwords,
            progress=progress,
        )
    published = _publish_control(Home.current()) if path is None else ()
    _show(found, "made", as_json=as_json, verbose=verbose, agreements=published)


@topology_app.command("show")
def show_command(path: TopologyFile = None, as_json: AsJson = False) -> None:
    """Show agencies with what they may publish, partners, agreements and topics with who writes and reads them."""
    from infra.topology.check import require_valid

    topology = require_valid(load_topology(path))
    if as_json:
        import dataclasses

        import orjson

        typer.echo(orjson.dumps(dataclasses.asdict(topology), option=orjson.OPT_INDENT_2, default=str))
        return
    out = Console(width=None if sys.stdout.isatty() else PIPED_COLUMNS)
    for table in (_agencies(topology), _partners(topology), _agreements(topology), _topics(topology)):
        out.print(table)


@credentials_app.command("show")
def credentials(
    principal: Annotated[str, typer.Argument(help="Id of an agency, a partner or a part of the hub.")],
    form: Annotated[Format, typer.Option("--format", help="Who reads it.")] = "env",
    output: Annotated[Path | None, typer.Option(help="Write to this file, readable by its owner alone.")] = None,
) -> None:
    """Write what a client needs to connect as PRINCIPAL: addresses, user, password, certificate, topics."""
    found = Credentials.of(Home.current(), principal)
    if output is None:
        typer.echo(found.text(form), nl=False)
    else:
        found.write(output, form)
        Console(stderr=True).print(f"wrote {output} (readable by its owner alone)", markup=False)


def _publish_control(home: Home) -> tuple[str, ...]:
    """Publish the agreements that are new or changed, and keys for agencies that have none; a line for each."""
    import asyncio

    from infra.agreement_publishing import publish_agreements
    from infra.clock import now_in
    from infra.registry import registry_for
    from infra.signing.local import register_local_keys
    from schemas.codec import Codec

    registry = registry_for(home)
    try:
        codec = Codec(registry)
        agreements = asyncio.run(publish_agreements(home, codec))
        return agreements + asyncio.run(register_local_keys(home, codec, load_topology(), now_in(home)))
    finally:
        registry.close()


def _show(found: "Plan", what: str, *, as_json: bool, verbose: bool, agreements: tuple[str, ...] = ()) -> None:
    if as_json:
        import orjson

        answer = {"changes": [*map(str, found.changes), *agreements], "notices": list(found.notices)}
        typer.echo(orjson.dumps(answer, option=orjson.OPT_INDENT_2))
        return
    out = Console(soft_wrap=True, highlight=False)
    counts = Counter(type(change).__name__ for change in found.changes)
    for change in found.changes:
        if verbose or counts[type(change).__name__] <= MANY:
            out.print(str(change), markup=False)
    for name, count in counts.items():
        if count > MANY and not verbose:
            out.print(f"{name}: {count} (list them with --verbose)", markup=False)
    for line in agreements:
        out.print(line, markup=False)
    for notice in found.notices:
        out.print(f"note: {notice}", style="yellow", markup=False)
    total = len(found.changes) + len(agreements)
    out.print(
        f"{total} change{'s' * (total != 1)} {what}" if total else "no change: the servers are as the topology says"
    )


def _agencies(topology: Topology) -> Table:
    table = Table(
        Column("id", no_wrap=True),
        "name",
        "kind",
        "country",
        Column("publishes", overflow="fold"),
        title="Agencies",
        title_justify="left",
    )
    for agency in topology.agencies:
        table.add_row(agency.id, agency.name, agency.kind, agency.country, ", ".join(topology.permitted(agency.id)))
    return table


def _partners(topology: Topology) -> Table:
    table = Table(
        Column("id", no_wrap=True),
        "name",
        "kind",
        "country",
        Column("agreements", overflow="fold"),
        title="Partners",
        title_justify="left",
    )
    for partner in topology.partners:
        held = [agreement.id for agreement in topology.agreements if agreement.partner == partner.id]
        table.add_row(partner.id, partner.name, partner.kind, partner.country or "", ", ".join(held) or "none")
    return table


def _agreements(topology: Topology) -> Table:
    table = Table(
        Column("id", no_wrap=True),
        "partner",
        "event types",
        "view",
        "until",
        title="Agreements",
        title_justify="left",
    )
    for each in topology.agreements:
        row = (f"{each.id} v{each.version}", each.partner, ", ".join(each.event_types), each.view)
        table.add_row(*row, each.valid_until.isoformat())
    return table


def _topics(topology: Topology) -> Table:
    table = Table(
        Column("topic", no_wrap=True),
        "kept",
        "written by",
        "read by",
        "state",
        title="Topics",
        title_justify="left",
    )
    for topic in topology.topics:
        kept = "for ever" if topic.retention_days is None else f"{topic.retention_days} days"
        table.add_row(topic.name, kept, ", ".join(topic.writers), ", ".join(topic.readers), topic.state)
    return table
