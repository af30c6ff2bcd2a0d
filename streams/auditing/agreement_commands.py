"""The commands `hub agreement list | show | diff | check`."""

import datetime as dt
import json
import re
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from infra.progress_bar import progress_bar
from schemas.errors import MisuseError
from streams.auditing.asking import AsJson, At, asked, show_rows, utc

if TYPE_CHECKING:
    from infra.topology.agreements import Agreement

AgreementId = Annotated[str, typer.Argument(metavar="AGREEMENT_ID", help="As `hub agreement list` has it.")]
PERIOD = re.compile(r"(\d{1,4})(d|mo|y)")
DAYS = {"d": 1, "mo": 30.4375, "y": 365.25}

agreement_app = typer.Typer(help="Agreements as they are, as they were, and as they might be.", no_args_is_help=True)


@agreement_app.command("list")
def list_command(at: At = None, as_json: AsJson = False) -> None:
    """Show the agreements that are told, or were at a moment, and whether each is in force."""
    found, now = asked(lambda auditor: auditor.agreements(utc(at)))
    rows = [
        {**asdict(each), "state": _state(each.valid_from, each.valid_until, now.date())}
        for each in sorted(found, key=lambda agreement: (str(agreement.partner), agreement.id))
    ]
    show_rows({"agreements": rows}, ("partner", "id", "version", "view", "valid_until", "state"), as_json=as_json)


@agreement_app.command("show")
def show(agreement_id: AgreementId, as_json: AsJson = False) -> None:
    """Show every version of an agreement that was told, or withdrawn, and what changed from one to the next."""
    from streams.auditing.versions import changes

    told = asked(lambda auditor: auditor.versions(agreement_id))
    if as_json:
        rows = [{"written_at": each.written_at, "withdrawn": each.withdrawn, **asdict(each.agreement)} for each in told]
        typer.echo(json.dumps({"versions": rows}, default=str))
        return
    before: Agreement | None = None
    for each in told:
        terms = each.agreement
        what = "withdrawn" if each.withdrawn else f"{terms.valid_from} to {terms.valid_until}"
        typer.echo(f"{each.written_at:%Y-%m-%d %H:%M:%S} UTC  version {terms.version}: {what}")
        for change in [] if before is None else changes(before, terms):
            typer.echo(f"  {change.plain()}")
        before = terms
    typer.echo()
    for name, value in asdict(told[-1].agreement).items():
        said = ", ".join(value) if isinstance(value, tuple) else "all" if value is None else value
        typer.echo(f"{name.replace('_', ' ')}: {said}")


@agreement_app.command("diff")
def diff(
    agreement_id: AgreementId,
    draft: Annotated[Path | None, typer.Option(help="Compare with this file, not with the version before.")] = None,
    as_json: AsJson = False,
) -> None:
    """Tell, term by term, what the last version of an agreement changed, or what a draft would change.

    Exit code 1 when they differ.
    """
    from infra.topology.load import draft_of
    from infra.topology.model import load_topology
    from streams.auditing.versions import changes

    versions = {each.agreement.version: each.agreement for each in asked(lambda desk: desk.versions(agreement_id))}
    several = [versions[number] for number in sorted(versions)]
    if draft is not None:
        several.append(draft_of(draft, load_topology()))
        if several[-1].id != agreement_id:
            raise MisuseError("the draft has another id")
    if len(several) == 1:
        raise MisuseError("there is one version alone; give a --draft")
    one, other = several[-2:]
    found = changes(one, other)
    if as_json:
        told = [asdict(each) for each in found]
        typer.echo(json.dumps({"id": agreement_id, "from": one.version, "to": other.version, "changes": told}))
    else:
        typer.echo(f"{agreement_id}: version {one.version} -> {other.version}")
        for change in found:
            typer.echo(f"  {change.plain()}")
    if found:
        raise typer.Exit(1)


@agreement_app.command("check")
def check(
    draft: Annotated[Path, typer.Argument(metavar="DRAFT", help="A TOML file as in infra/topology/agreements.")],
    since: Annotated[str, typer.Option(help="How far back: 30d, 12mo, 2y.")] = "12mo",
    fail: Annotated[
        bool, typer.Option("--fail-on-newly-visible", help="Exit code 1 when anything would newly be visible.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Decide the events of the past with and without a draft, and show what its partner would see that it does not."""
    with progress_bar("reading the ledger") as bar:
        read = 0

        def progress(page: int) -> None:
            nonlocal read
            read += page
            bar(read, read, "reading the ledger")

        agreement, found = asked(lambda auditor: auditor.check(draft, _back(since), progress))
    plain = {"draft": agreement.id, "version": agreement.version, **found.plain()}
    if as_json:
        typer.echo(json.dumps(plain))
    else:
        typer.echo(
            f"{agreement.id}, version {agreement.version}, for {found.partner}: {found.events} events decided twice"
        )
        for title in ("newly_visible", "newly_hidden", "seen_otherwise", "still_hidden"):
            counts: Counter[str] = getattr(found, title)
            told = ", ".join(f"{name} {count}" for name, count in counts.most_common())
            typer.echo(f"  {title.replace('_', ' ')}: {told or 'none'}")
        typer.echo(
            f"  persons newly visible {len(found.persons_newly_visible)}, "
            f"newly hidden {len(found.persons_newly_hidden)}"
        )
    if fail and found.newly_visible:
        raise typer.Exit(1)


def _state(begins: dt.date, ends: dt.date, today: dt.date) -> str:
    return "not yet valid" if today < begins else "in force" if today <= ends else "expired"


def _back(text: str) -> dt.timedelta:
    found = PERIOD.fullmatch(text)
    if found is None:
        raise MisuseError("say how far back as 30d, 12mo or 2y")
    return dt.timedelta(days=int(found[1]) * DAYS[found[2]])
