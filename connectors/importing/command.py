"""Commands of importing: `hub import`, and `hub mapping`."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from connectors.importing.mapping_command import mapping as mapping_commands


def register(app: typer.Typer) -> None:
    """Add the commands of importing to *app*."""
    app.command("import")(import_file)
    app.add_typer(mapping_commands, name="mapping")


def import_file(
    source: Annotated[Path, typer.Argument(metavar="FILE", help="CSV, XLSX, JSON lines, or one JSON document.")],
    mapping: Annotated[
        str, typer.Option(help="Name of a mapping (`hub mapping list`), or path of one of your own (.toml).")
    ],
    agency: Annotated[str | None, typer.Option(help="Import as this agency of the local home.")] = None,
    credentials: Annotated[
        Path | None,
        typer.Option(envvar="HUB_CREDENTIALS", help="File of `hub credentials … --format env`; else the local home."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check every row, and send nothing.")] = False,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Stop after so many rows; the next run goes on there.")
    ] = None,
    parameters: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="A parameter of the mapping; may be repeated."),
    ] = None,
    encoding: Annotated[str | None, typer.Option(help="Encoding of the file, when it is not the mapping's.")] = None,
    sheet: Annotated[str | None, typer.Option(help="Sheet of a workbook that has several.")] = None,
    refused: Annotated[
        Path | None, typer.Option(help="Where refused rows go; without it FILE.refused.csv beside the file.")
    ] = None,
    anew: Annotated[
        bool, typer.Option("--anew", help="Import although a file of this name was imported with other content.")
    ] = False,
    timeout: Annotated[float, typer.Option(min=1.0, help="Wait so many seconds for the receipts of a batch.")] = 120.0,
    as_json: Annotated[bool, typer.Option("--json", help="One object on standard output.")] = False,
) -> None:
    """Import a file: its rows become events by a mapping, and each is answered with a receipt.

    A file may be imported again: what the hub has is a duplicate. Refused rows are written beside the file, for you
    to correct and import with the same mapping. Exit code 0: no row was refused; 1: some were, or the file as a whole;
    3: the hub is away, the same command goes on where this one stopped.
    """
    from connectors.importing.import_run import job_of, run

    job, as_whom = job_of(
        source,
        mapping=mapping,
        agency=agency,
        credentials=credentials,
        dry_run=dry_run,
        limit=limit,
        parameters=parameters or [],
        encoding=encoding,
        sheet=sheet,
    )
    ok = asyncio.run(run(job, as_whom, refused, anew=anew, timeout_s=timeout, as_json=as_json))
    raise typer.Exit(0 if ok else 1)
