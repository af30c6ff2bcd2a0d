"""The commands `hub test`, the whole suite on every core, and `hub chaos`, the tests that break a hub of their own."""

from typing import Annotated

import typer

EVENTS = 60_000
"""So many flow in `hub chaos` while workers are killed."""
EVENTS_QUICK = 6_000


def register(app: typer.Typer) -> None:
    """Add the commands to *app*."""
    app.command(
        "test",
        context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []},
    )(test)
    app.command("chaos")(chaos)


def test(context: typer.Context) -> None:
    """Run the tests; what follows goes to pytest, such as `-k vault` or `-m "not stack"`; exit as it does."""
    raise typer.Exit(_pytest("--numprocesses=auto", "--dist=loadgroup", *context.args))


def chaos(
    quick: Annotated[bool, typer.Option("--quick", help="The faults that CI has, with a tenth of the events.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object with `faults` on standard output.")] = False,
    only: Annotated[str | None, typer.Option("--only", help="Faults of one kind, as pytest's -k.")] = None,
) -> None:
    """Break a hub of its own in every way that is known, and show what each fault did; exit 0 when nothing was lost.

    Workers, servers and topics are killed, stopped and taken away while invented events flow. No other hub is touched.
    """
    import json
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "faults.jsonl"
        code = _pytest(
            *("tests/chaos", "--numprocesses=0", "--quiet", *(["-k", only] if only else [])),
            quiet=as_json,
            HUB_FAULTS_FILE=str(file),
            HUB_CHAOS_EVENTS=str(EVENTS_QUICK if quick else EVENTS),
            HUB_CHAOS_THOROUGH="" if quick else "true",
        )
        lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    if as_json:
        typer.echo(json.dumps({"faults": [json.loads(line) for line in lines], "passed": code == 0}))
    raise typer.Exit(code)


def _pytest(*arguments: str, quiet: bool = False, **environment: str) -> int:
    """Run pytest on the project and return its exit code; *quiet* sends what it prints to standard error."""
    import os
    import subprocess
    import sys
    from pathlib import Path

    project = Path(__file__).resolve().parents[1]
    command = [sys.executable, "-m", "pytest", *arguments]
    output = sys.stderr if quiet else None
    return subprocess.run(
        command, cwd=project, check=False, stdout=output, env={**os.environ, **environment}
    ).returncode
