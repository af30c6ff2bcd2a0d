"""The commands `hub evidence show | overdue | refused-acks`."""

import json
from typing import Annotated

import typer

from infra.evidence.commands import AsJson, evidence_group


def register(app: typer.Typer) -> None:
    """Add these commands to `hub evidence`."""
    group = evidence_group(app)
    known = {command.name for command in group.registered_commands}
    if "show" not in known:
        group.command("show")(show_command)
        group.command("overdue")(overdue_command)
        group.command("refused-acks")(refused_command)


def show_command(
    event_id: Annotated[str, typer.Argument(metavar="EVENT_ID", help="Id of an event, or of a recall.")],
    as_json: AsJson = False,
) -> None:
    """Show how far an event has come to each partner: accepted, relayed, delivered, retrieved, with its limits.

    Of an event that asks, such as a referral, it shows whether it was answered, and by when it has to be.
    Partners that it was withheld from are listed with the rules that decided.
    """
    from infra.home import Home
    from streams.delivery.screens import shown, told

    found = shown(Home.current(), event_id)
    typer.echo(json.dumps(found, default=str) if as_json else told(found))


def overdue_command(as_json: AsJson = False) -> None:
    """List what partners have not acknowledged in time, by partner; recalls as soon as they are out.

    Questions, such as referrals, that nobody has answered in time are listed too, and those still open counted; so is
    what was accepted and should have been decided about by now.
    """
    from infra.home import Home
    from streams.delivery.question_screens import told_unanswered, unanswered
    from streams.delivery.screens import overdue, told_overdue, told_undecided
    from streams.delivery.undecided import undecided

    found, questions, waiting = overdue(Home.current()), unanswered(Home.current()), undecided(Home.current())
    if as_json:
        typer.echo(json.dumps({"deliveries": found, "questions": questions, "undecided": waiting}, default=str))
        return
    typer.echo(f"{told_overdue(found)}\n{told_unanswered(questions)}\n{told_undecided(waiting)}")


def refused_command(as_json: AsJson = False) -> None:
    """List acknowledgements that moved nothing, by partner and rule, with where the last one is."""
    from infra.home import Home
    from streams.delivery.screens import refused, told_refused

    found = refused(Home.current())
    typer.echo(json.dumps(found, default=str) if as_json else told_refused(found))
