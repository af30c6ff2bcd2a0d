"""The command `hub test`: the whole suite, on every core."""

import typer


def register(app: typer.Typer) -> None:
    """Add the command to *app*."""
    app.command(
        "test",
        context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []},
    )(test)


def test(context: typer.Context) -> None:
    """Run the tests; what follows goes to pytest, such as `-k vault` or `-m "not stack"`; exit as it does."""
    import subprocess
    import sys
    from pathlib import Path

    project = Path(__file__).resolve().parents[1]
    command = [sys.executable, "-m", "pytest", "--numprocesses=auto", "--dist=loadgroup", *context.args]
    raise typer.Exit(subprocess.run(command, cwd=project, check=False).returncode)
