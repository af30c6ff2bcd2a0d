"""The commands `hub evidence export | key` and `hub verify`."""

import datetime as dt
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from infra.command_groups import ShowByDefault
from infra.progress_bar import progress_bar

if TYPE_CHECKING:
    from infra.evidence.findings import Findings

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]
KeyFile = Annotated[
    Path | None,
    typer.Option("--key", help="Public keys of the hub (PEM), from a source you trust; else those the file names."),
]
GROUP = "evidence"
SHOWN_MAX = 50


def register(app: typer.Typer) -> None:
    """Add these commands to *app*."""
    group = evidence_group(app)
    group.command("export")(export_command)
    group.command("key")(key_command)
    app.command("verify")(verify_command)


def evidence_group(app: typer.Typer) -> typer.Typer:
    """Return the group `hub evidence` of *app*, made now when there is none: several rooms add to it."""
    for known in app.registered_groups:
        if known.name == GROUP and known.typer_instance is not None:
            return known.typer_instance
    made = typer.Typer(
        cls=ShowByDefault,
        help="What the hub can prove of what it answered and delivered: `hub evidence EVENT_ID` shows one event.",
        no_args_is_help=True,
    )
    app.add_typer(made, name=GROUP)
    return made


def export_command(
    output: Annotated[Path, typer.Option("--output", help="The file to write, mode 0600.")],
    agency: Annotated[list[str] | None, typer.Option(help="Of this agency; may be given several times.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Of every agency.")] = False,
    from_position: Annotated[int, typer.Option(min=0, help="From this position of the chain.")] = 0,
    to_position: Annotated[int | None, typer.Option(min=0, help="To this position, included.")] = None,
    since: Annotated[dt.datetime | None, typer.Option(help="Answered at or after, UTC.")] = None,
    until: Annotated[dt.datetime | None, typer.Option(help="Answered before, UTC.")] = None,
    as_json: AsJson = False,
) -> None:
    """Export what the hub answered, with all that proves it: whole batches, ciphertext only, signed as a whole.

    Check it anywhere, without the hub: `hub verify FILE --key hub.pem`.
    """
    from infra.evidence.exporting import Wanted
    from infra.evidence.exporting_here import export_here
    from infra.topology.model import load_topology
    from schemas.errors import MisuseError

    known = [str(each.id) for each in load_topology().agencies]
    chosen = known if everything else list(agency or ())
    if not chosen or (everything and agency):
        raise MisuseError("say whose answers: `--agency rs-police`, or `--all`")
    if unknown := sorted(set(chosen) - set(known)):
        raise MisuseError(f"no such agency: {', '.join(unknown)}; `hub topology show` lists them")
    wanted = Wanted(first_position=from_position, last_position=to_position, since=_utc(since), until=_utc(until))
    with progress_bar("reading statements") as progress:
        counts = export_here(chosen, wanted, output, progress)
    if as_json:
        typer.echo(json.dumps({"output": str(output), **counts}))
        return
    typer.echo(f"{output}: {counts['statements']} statements about {counts['answers']} answers.")


def key_command(
    output: Annotated[Path | None, typer.Option("--output", help="Write them to this file.")] = None,
    rotate: Annotated[
        bool, typer.Option("--rotate", help="Make a new one first; it signs within five minutes.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Give the public keys of the hub (PEM, Ed25519), the oldest first; the last one signs now.

    Publish them where agencies and auditors trust what they find.
    """
    from infra.evidence.exporting_here import public_keys
    from infra.evidence.signatures import key_id_of, pem_of

    keys = public_keys(rotate=rotate)
    if output is not None:
        output.write_bytes(pem_of(keys))
    if as_json:
        found = [{"key": key_id_of(each), "public_key": each.public_bytes_raw().hex()} for each in keys]
        typer.echo(json.dumps({"keys": found}))
    elif output is None:
        typer.echo(pem_of(keys).decode(), nl=False)
    else:
        typer.echo(f"{output}: {', '.join(key_id_of(each) for each in keys)}")


def verify_command(
    export: Annotated[Path, typer.Argument(help="A file that `hub evidence export` or `hub receipt export` wrote.")],
    key: KeyFile = None,
    timestamp_ca: Annotated[
        Path | None, typer.Option("--timestamp-ca", help="Certificate (PEM) of who vouches for the time-stamps.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check an export offline, with public keys alone, and say everything that is wrong with it, and where.

    Exit code 0: nothing is wrong; 1: something is, and all of it is listed.
    """
    from cryptography.x509 import Certificate

    from infra.evidence.signatures import keys_in
    from infra.evidence.verifying import verify
    from schemas.errors import MisuseError

    roots: tuple[Certificate, ...] = ()
    if timestamp_ca is not None:
        from infra.evidence.stamps import roots_in

        roots = roots_in(timestamp_ca)
    try:
        with export.open("rb") as lines:
            found = verify(lines, None if key is None else keys_in(key), roots)
    except OSError as error:
        raise MisuseError(f"cannot read {export}: {error.strerror}") from None
    if as_json:
        typer.echo(json.dumps(_summary(found) | {"keys_given": key is not None}))
    else:
        _tell(found, keys_given=key is not None)
    raise typer.Exit(0 if found.is_good else 1)


def _summary(found: "Findings") -> dict[str, object]:
    return {
        "good": found.is_good,
        "statements": found.statements,
        "accepted": found.accepted,
        "refused": found.refused,
        "stamps": found.stamps,
        "problems": [asdict(each) for each in found.problems],
        "problems_left_out": found.left_out,
        "notes": found.notes,
        "ranges": found.ranges,
    }


def _tell(found: "Findings", *, keys_given: bool) -> None:
    for each in found.problems[:SHOWN_MAX]:
        typer.secho(str(each), fg=typer.colors.RED)
    hidden = len(found.problems) - SHOWN_MAX + found.left_out
    if hidden > 0:
        typer.secho(f"and {hidden} more: `--json` lists them", fg=typer.colors.RED)
    for told in found.ranges:
        typer.echo(f"read: {told}")
    for note in found.notes:
        typer.echo(f"note: {note}")
    counts = f"{found.statements} statements, {found.accepted} accepted, {found.refused} refused, {found.stamps} stamps"
    good = "nothing is wrong" if keys_given else "nothing is wrong in itself; whose it is only `--key` shows"
    typer.echo(f"{good if found.is_good else 'NOT GOOD'}: {counts}")


def _utc(moment: dt.datetime | None) -> dt.datetime | None:
    return None if moment is None else moment.replace(tzinfo=dt.UTC)
