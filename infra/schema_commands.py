"""The commands `hub schema list | show | privacy | diff | check | record | register`: the common language."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from schemas.errors import MisuseError

if TYPE_CHECKING:
    from schemas.catalogue import Contract
    from schemas.golden import Entry
    from schemas.review import Finding

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]
Name = Annotated[str, typer.Argument(metavar="NAME", help="An event type, such as PersonIdentified, or Receipt.")]

schema_app = typer.Typer(
    help="The common language: its event types, their versions, and whether a change may land.", no_args_is_help=True
)


def register(app: typer.Typer) -> None:
    """Add these commands to *app*."""
    app.add_typer(schema_app, name="schema")


@schema_app.command("list")
def list_schemas(as_json: AsJson = False) -> None:
    """Show every event type: family, versions that landed, fields, where its persons are."""
    from infra import schema_screens
    from schemas.catalogue import contracts, hub_contracts
    from schemas.summaries import summary

    found = [summary(each) for each in (*contracts(), *hub_contracts())]
    if as_json:
        schema_screens.write_json({"schemas": found})
    else:
        schema_screens.show_list(found)


@schema_app.command("show")
def show(name: Name, as_json: AsJson = False) -> None:
    """Show the fields of NAME: type, privacy class, ladder, code list, meaning."""
    from infra import schema_screens
    from schemas.summaries import fields, summary

    found = _known(name)
    if as_json:
        schema_screens.write_json({**summary(found), "doc": found.schema.get("doc"), "fields": fields(found.schema)})
    else:
        schema_screens.show_fields(found, fields(found.schema))


@schema_app.command("privacy")
def privacy(
    name: Annotated[
        str | None, typer.Argument(metavar="[EVENT_TYPE]", help="Such as PersonIdentified; all if left out.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show for each field what it means, its class, whose key seals it, and in which form it travels on each channel.

    For data protection officers. A field with a ladder shows the finest level that a non-personal channel may carry.
    """
    from infra import privacy_screen, schema_screens
    from schemas.catalogue import contract, contracts
    from schemas.channel_table import levels_by_path
    from schemas.privacy_table import as_object, privacy_table

    found = {
        each: privacy_table(each, levels_by_path(each)) for each in (contracts() if name is None else [contract(name)])
    }
    if as_json:
        schema_screens.write_json({"fields": [as_object(row) for rows in found.values() for row in rows]})
    else:
        privacy_screen.show(found)


@schema_app.command("diff")
def diff(
    name: Name,
    version: Annotated[
        int | None, typer.Option("--from", min=1, metavar="VERSION", help="A version that landed; else the last one.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show what changed in NAME since a version that landed, field by field, and why it may or may not land."""
    from infra import schema_screens
    from schemas.differences import differences
    from schemas.review import review

    found = _known(name)
    entry = _landed(found, version)
    changes = differences(entry.schema, found.schema)
    wrong = review(found, [entry.contract]) if changes else ()
    if as_json:
        schema_screens.write_json(schema_screens.diff_as_object(found, entry, changes, wrong))
    else:
        schema_screens.show_diff(found, entry, changes, wrong)


@schema_app.command("check")
def check(
    what: Annotated[
        str | None,
        typer.Argument(metavar="[FILE|NAME]", help="An .avsc file or an event type; everything if left out."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say whether schemas may land: rules of privacy, and compatibility with every version that landed.

    Needs no server. Ends with 1, and every reason, when one may not.
    """
    from infra import schema_screens

    checked, found = _reviewed(what)
    new = [] if found else _unrecorded(checked)  # of what may not land nothing is made
    if as_json:
        schema_screens.write_json(schema_screens.check_as_object(checked, found, new))
    else:
        schema_screens.show_check(checked, found, new)
    if found:
        raise typer.Exit(1)


@schema_app.command("record")
def record_command(as_json: AsJson = False) -> None:
    """Add to schemas/golden what is not in it: a message of each new schema version, and each new code.

    Do it last, right before a change lands; what is there is never edited. Commit the files.
    """
    from infra import schema_screens
    from schemas.landed_codes import record_codes
    from schemas.recording import record

    written = record()
    codes = record_codes()
    if as_json:
        schema_screens.write_json({"written": list(written), "codes": codes})
    else:
        schema_screens.show_written(written, codes)


@schema_app.command("register")
def register_command(
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME]...", help="Everything if left out.")] = None,
    as_json: AsJson = False,
) -> None:
    """Register the schemas of NAME for every topic that carries them; repeating it is harmless.

    Refuses what `check` refuses, and a version that is not recorded: intake would refuse it once the next one is there.
    """
    from infra import schema_screens
    from infra.home import Home
    from infra.progress_bar import progress_bar
    from infra.topology.apply import register as register_schemas
    from infra.topology.model import load_topology

    wanted = [_known(name) for name in names] if names else _everything()
    _require_fit(wanted)
    with progress_bar("looking at the registry") as progress:
        held, changes = register_schemas(Home.current(), load_topology(), {each.name for each in wanted}, progress)
    if as_json:
        schema_screens.write_json({"subjects": len(held), "changes": [str(change) for change in changes]})
    else:
        schema_screens.show_registered(len(held), [str(change) for change in changes])


def _everything() -> "list[Contract]":
    from schemas.catalogue import contracts, hub_contracts

    return [*contracts(), *hub_contracts()]


def _known(name: str) -> "Contract":
    from schemas.catalogue import contract, hub_contracts

    return next((each for each in hub_contracts() if each.name == name), None) or contract(name)


def _landed(found: "Contract", version: int | None) -> "Entry":
    """Return the version asked for; without one the last that is not the current."""
    from schemas import golden

    entries = golden.entries(found.fullname)
    if not entries:
        raise MisuseError(f"no version of {found.name} has landed; `hub schema record` records the first")
    if version is None:
        earlier = [entry for entry in entries if entry.fingerprint != found.fingerprint]
        return (earlier or entries)[-1]
    if version > len(entries):
        raise MisuseError(f"{found.name} has {len(entries)} version(s) that landed: give one of them to --from")
    return entries[version - 1]


def _reviewed(what: str | None) -> "tuple[list[str], tuple[Finding, ...]]":
    from schemas.review import findings, findings_of, read_contract

    if what is None:
        return [each.name for each in _everything()], findings()
    if not what.endswith(".avsc"):
        return [what], findings_of(_known(what))
    try:
        text = Path(what).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise MisuseError(f"{what} cannot be read") from None
    found = read_contract(text)
    return [found.name], findings_of(found)


def _unrecorded(names: list[str]) -> list[str]:
    from schemas.recording import unrecorded

    return sorted({each.contract.name for each in unrecorded()} & set(names))


def _require_fit(wanted: "list[Contract]") -> None:
    from schemas.review import UnfitSchemaError, findings_of

    if wrong := [str(finding) for each in wanted for finding in findings_of(each)]:
        raise UnfitSchemaError("\n".join(wrong))
    if missing := _unrecorded([each.name for each in wanted]):
        raise UnfitSchemaError(f"not recorded yet: {', '.join(missing)}; run `hub schema record` and commit its files")
