"""`hub mapping`: the mappings there are, whether one fits, and a proposal for a new file."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from connectors.importing.mappings import LoadedMapping

AsJson = Annotated[bool, typer.Option("--json", help="One object on standard output.")]
mapping = typer.Typer(no_args_is_help=True, help="Mappings from files to events.")


@mapping.command("list")
def list_mappings(as_json: AsJson = False) -> None:
    """List the mappings that come with the hub."""
    from connectors.importing.mappings import load, shipped

    found = [load(name) for name in shipped()]
    if as_json:
        typer.echo(
            json.dumps([{"name": each.name, "title": each.spec.title, "events": _types(each)} for each in found])
        )
        return
    for each in found:
        typer.echo(f"{each.name:30} {each.spec.title}  →  {', '.join(_types(each))}")


@mapping.command("show")
def show(name: Annotated[str, typer.Argument(help="Name of a mapping, or path of one.")]) -> None:
    """Print a mapping, to read it or to make one of your own from it."""
    from connectors.importing.mappings import load

    typer.echo(load(name).text, nl=False)


@mapping.command("check")
def check(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A mapping of your own (.toml).")], as_json: AsJson = False
) -> None:
    """Check a mapping against the contracts; all that is wrong is told at once."""
    from connectors.importing.mappings import BadMappingError, load

    try:
        found = load(file)
    except BadMappingError as error:
        if not as_json:
            raise
        typer.echo(json.dumps({"ok": False, "problems": list(error.problems)}))
        raise typer.Exit(2) from None
    if as_json:
        typer.echo(json.dumps({"ok": True, "problems": [], "columns": len(found.columns), "events": _types(found)}))
    else:
        typer.echo(f"{file}: {len(found.columns)} columns, gives {', '.join(_types(found))}")


@mapping.command("new")
def new(
    source: Annotated[Path, typer.Argument(metavar="FILE", help="CSV, XLSX or JSON that no mapping was written for.")],
    event_type: Annotated[str | None, typer.Option(help="What a row is; without it the best fit.")] = None,
    output: Annotated[Path | None, typer.Option(help="Write the mapping here, instead of standard output.")] = None,
    encoding: Annotated[str, typer.Option(help="Encoding of the file.")] = "utf-8",
    sheet: Annotated[str | None, typer.Option(help="Sheet of a workbook that has several.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a mapping that is there.")] = False,
) -> None:
    """Propose a mapping from headers and values: how sure each column is and why; what is unsure is left to you."""
    from rich.console import Console

    from connectors.importing.proposing import propose
    from connectors.importing.sampling import sample_of
    from connectors.importing.writing import toml_of
    from infra.home import write_atomically
    from schemas.catalogue import contract
    from schemas.errors import MisuseError

    if event_type is not None:
        contract(event_type)
    if output is not None and output.exists() and not force:
        raise MisuseError(f"{output} is there already: name another file, or say `--force`")
    sample = sample_of(source, encoding, sheet)
    best, *others = propose(sample, event_type)
    if event_type is None and best.score == 0:
        raise MisuseError(
            "no event type fits these columns: say with `--event-type` what a row is, such as PersonIdentified"
        )
    text = toml_of(best, sample, source.stem, others)
    if output is None:
        typer.echo(text, nl=False)
    else:
        write_atomically(output, text)
    sure = sum(match.word == "sure" for match in best.matches.values()) + sum(map(len, best.flags.values()))
    Console(stderr=True, highlight=False).print(
        f"{best.event_type}: of {len(sample.texts)} columns {sure} are sure, "
        f"{len(best.matches) + sum(map(len, best.flags.values())) - sure} likely, {len(best.unsure)} for you to decide",
        markup=False,
    )


def _types(found: "LoadedMapping") -> list[str]:
    return [*dict.fromkeys(event.type for event in found.spec.events)]
