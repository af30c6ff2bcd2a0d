"""The commands `hub explain`, `hub audit could-have-seen | did-see | replay`, `hub agreement list | check`."""

import datetime as dt
import json
import re
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from infra.progress_bar import progress_bar
from schemas.errors import MisuseError

if TYPE_CHECKING:
    from streams.auditing.desk import Auditor

Found = TypeVar("Found")
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]
EventId = Annotated[str, typer.Argument(metavar="EVENT_ID", help="Id of an accepted event.")]
About = Annotated[str, typer.Argument(metavar="ID", help="Id of an event, or random id of a person.")]
At = Annotated[dt.datetime | None, typer.Option("--at", help="As of this moment, UTC; without it, now.")]
PERIOD = re.compile(r"(\d{1,4})(d|mo|y)")
DAYS = {"d": 1, "mo": 30.4375, "y": 365.25}

audit_app = typer.Typer(help="Who could have seen an event or a person, and who did.", no_args_is_help=True)
agreement_app = typer.Typer(help="Agreements as they are, as they were, and as they might be.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add these commands to *app*."""
    app.command("explain")(explain)
    app.add_typer(audit_app, name="audit")
    app.add_typer(agreement_app, name="agreement")


def explain(
    event_id: EventId,
    audience: Annotated[str, typer.Option(help="The partner, such as europol.")],
    at: At = None,
    as_json: AsJson = False,
) -> None:
    """Tell in plain words why a partner gets an event or not, and what would have to change.

    Exit code 0 when it is released to the partner, 1 when it is withheld.
    """
    found, decisions = _asked(lambda auditor: auditor.explain(event_id, audience, _utc(at)))
    if as_json:
        typer.echo(json.dumps({**asdict(found), "decisions": decisions}, default=str))
    else:
        shown = f"in the {found.view} view" if found.view else "to nobody of this partner"
        typer.echo(f"{found.outcome}: {audience} is shown it {shown}.")
        for sentence in found.sentences():
            typer.echo(f"  {sentence}")
        for step in found.steps:
            said = "covers it" if step.passes else ", ".join(step.reasons)
            typer.echo(f"  agreement {step.agreement}, version {step.version} ({step.valid}): {said}")
        for consent in found.consents:
            typer.echo(f"  consent given by {consent}")
        for approval in found.approvals:
            typer.echo(f"  approved by {approval}")
        for each in decisions:
            moment = f"{each['decided_at']:%Y-%m-%d %H:%M:%S}"
            typer.echo(f"  decided {moment} UTC: {each['outcome']}, {', '.join(each['reasons'])} ({each['because']})")  # type: ignore[arg-type]  # a list
    if found.outcome != "RELEASED":
        raise typer.Exit(1)


@audit_app.command("could-have-seen")
def could_have_seen(about: About, at: At = None, as_json: AsJson = False) -> None:
    """List who could have seen an event, or the events of a person, at a moment, and under which agreement.

    The rules of this release are asked with the agreements, consents and approvals that were told until then, by the
    broker's clock.
    """
    found = _asked(lambda auditor: auditor.could_have_seen(about, _utc(at) or dt.datetime.now(dt.UTC)))
    rows = [asdict(each) for each in found]
    _show({"could_have_seen": rows}, ("event_id", "audience", "view", "agreement", "version"), as_json=as_json)


@audit_app.command("did-see")
def did_see(about: About, at: At = None, as_json: AsJson = False) -> None:
    """List to whom an event, or the events of a person, were released until a moment; see also `hub evidence show`."""
    found = _asked(lambda auditor: auditor.did_see(about, _utc(at) or dt.datetime.max.replace(tzinfo=dt.UTC)))
    _show({"did_see": found}, ("event_id", "audience", "view", "agreement", "decided_at"), as_json=as_json)


@audit_app.command("replay")
def replay(
    event_id: Annotated[str | None, typer.Argument(metavar="[EVENT_ID]", help="Without it, every decision.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make recorded decisions again from what they rested on; exit code 1 when one comes out otherwise."""
    from streams.auditing.replaying import Verdict

    with progress_bar("making decisions again") as bar:
        found = _asked(lambda auditor: auditor.replay(event_id, bar))
    counts = Counter(str(each.verdict) for each in found)
    other = [asdict(each) for each in found if each.verdict is Verdict.OTHER]
    if as_json:
        typer.echo(json.dumps({"decisions": len(found), "verdicts": counts, "other": other}, default=str))
    else:
        typer.echo(f"{len(found)} decisions: " + ", ".join(f"{count} {verdict}" for verdict, count in counts.items()))
        for each in other:
            typer.echo(f"  {each['event_id']} for {each['audience']}: recorded {each['recorded']}")
    if other:
        raise typer.Exit(1)


@agreement_app.command("list")
def list_command(at: At = None, as_json: AsJson = False) -> None:
    """Show the agreements that are told, or were at a moment, and whether each is in force."""
    found, now = _asked(lambda auditor: auditor.agreements(_utc(at)))
    rows = [
        {**asdict(each), "state": _state(each.valid_from, each.valid_until, now.date())}
        for each in sorted(found, key=lambda agreement: (str(agreement.partner), agreement.id))
    ]
    _show({"agreements": rows}, ("partner", "id", "version", "view", "valid_until", "state"), as_json=as_json)


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

        agreement, found = _asked(lambda auditor: auditor.check(draft, _since(since), progress))
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


def _since(text: str) -> dt.datetime:
    found = PERIOD.fullmatch(text)
    if found is None:
        raise MisuseError("say how far back as 30d, 12mo or 2y")
    return dt.datetime.now(dt.UTC) - dt.timedelta(days=int(found[1]) * DAYS[found[2]])


def _utc(moment: dt.datetime | None) -> dt.datetime | None:
    return None if moment is None else moment.replace(tzinfo=dt.UTC)


def _show(found: "dict[str, list[dict[str, object]]]", columns: tuple[str, ...], *, as_json: bool) -> None:
    from rich.console import Console
    from rich.table import Table

    if as_json:
        typer.echo(json.dumps(found, default=str))
        return
    ((_, rows),) = found.items()
    table = Table(*(name.replace("_", " ") for name in columns), box=None)
    for row in rows:
        table.add_row(*(str(row[name]) for name in columns))
    Console().print(table if rows else "Nobody.")


def _asked(action: "Callable[[Auditor], Awaitable[Found]]") -> Found:
    from infra.workplace import at_vault
    from streams.auditing.desk import Auditor

    return at_vault(lambda place, pool: action(Auditor(place, pool)))
