"""Whom a command acts as: the agency or partner whose credentials it uses."""

from pathlib import Path
from typing import Annotated

import typer

from infra.home import Home
from infra.topology.credentials import Credentials
from schemas.errors import MisuseError

CredentialsFile = Annotated[
    Path | None,
    typer.Option(
        "--credentials",
        envvar="HUB_CREDENTIALS",
        help="File of `hub credentials … --format env`; else those of the local home.",
    ),
]
"""The option of every command that acts as an agency or a partner."""


def credentials_of(principal: str | None, file: Path | None, *, must_run: bool = True) -> Credentials:
    """Return the credentials in *file*, or those of *principal* in the local home, which *must_run* or not."""
    if file is not None:
        found = Credentials.load(file)
        if principal is not None and found.principal != principal:
            raise MisuseError(
                f"the credentials are those of {found.principal}, not of {principal}: leave one of the two out"
            )
        return found
    if principal is None:
        raise MisuseError("say who publishes: `--agency rs-police`, or a file with `--credentials` or HUB_CREDENTIALS")
    return Credentials.of(Home.current(), principal, must_run=must_run)


def agency_of(principal: str | None, file: Path | None, *, must_run: bool = True) -> Credentials:
    """Return the credentials as `credentials_of` does; raise MisuseError when they are not those of an agency."""
    found = credentials_of(principal, file, must_run=must_run)
    if f"in.{found.principal}" not in found.writes:
        raise MisuseError(f"{found.principal} is no agency: only an agency publishes (`hub topology show` lists them)")
    return found
