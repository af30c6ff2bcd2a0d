"""The commands `hub explain` and `hub audit could-have-seen | did-see | replay`."""

import datetime as dt
import json
from collections import Counter
from dataclasses import asdict
from typing import Annotated

import typer

from infra.progress_bar import progress_bar
from streams.auditing.agreement_commands import agreement_app
from streams.auditing.asking import AsJson, At, asked, show_rows, utc

EventId = Annotated[str, typer.Argument(metavar="EVENT_ID", help="Id of an accepted event.")]
About = Annotated[str, typer.Argument(metavar="ID", help="Id of an event, or random id of a person.")]

audit_app = typer.Typer(help="Who could have seen an event or a person, and who did.", no_args_is_help=True)


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
    found, decisions = asked(lambda auditor: auditor.explain(event_id, audience, utc(at)))
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
    found = asked(lambda auditor: auditor.could_have_seen(about, utc(at)))
    rows = [asdict(each) for each in found]
    show_rows({"could_have_seen": rows}, ("event_id", "audience", "view", "agreement", "version"), as_json=as_json)


@audit_app.command("did-see")
def did_see(about: About, at: At = None, as_json: AsJson = False) -> None:
    """List to whom an event, or the events of a person, were released until a moment; see also `hub evidence show`."""
    found = asked(lambda auditor: auditor.did_see(about, utc(at) or dt.datetime.max.replace(tzinfo=dt.UTC)))
    show_rows({"did_see": found}, ("event_id", "audience", "view", "agreement", "decided_at"), as_json=as_json)


@audit_app.command("replay")
def replay(
    event_id: Annotated[str | None, typer.Argument(metavar="[EVENT_ID]", help="Without it, every decision.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make recorded decisions again from what they rested on; exit code 1 when one comes out otherwise."""
    from streams.auditing.replaying import Verdict

    with progress_bar("making decisions again") as bar:
        found = asked(lambda auditor: auditor.replay(event_id, bar))
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
