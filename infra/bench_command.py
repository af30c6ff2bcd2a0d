"""The command `hub bench`: what `benchmarks/` measures, each in a process of its own."""

from pathlib import Path
from typing import Annotated

import typer

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"
NEED_NO_HUB = frozenset({"compiler"})


def register(app: typer.Typer) -> None:
    """Add the command to *app*."""
    app.command("bench", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})(bench)


def names() -> list[str]:
    """Return the name of every benchmark: the files of the folder, without those that others import."""
    return sorted(path.stem for path in BENCHMARKS.glob("*.py") if not path.stem.startswith("_"))


def bench(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(help="Which one; without it, their names.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable output on standard output.")] = False,
) -> None:
    """Measure a part of the hub as ratios in one run; what follows the name goes to the benchmark.

    Options of one benchmark: `hub bench NAME -- --help`.

    All but `compiler` need a running hub, and one that nobody needs: set HUB_HOME to a home of its own.
    """
    import subprocess
    import sys

    from infra.home import Home
    from schemas.errors import MisuseError

    if name is None:
        typer.echo("\n".join(names()))
        return
    if name not in names():
        raise MisuseError(f"there is no such benchmark; there are: {', '.join(names())}")
    if name not in NEED_NO_HUB and not {"--help", "-h"} & set(context.args):
        Home.current().endpoints()  # says what to do when the stack is down
    command = [sys.executable, "-m", f"benchmarks.{name}", *context.args, *(["--json"] if as_json else [])]
    raise typer.Exit(subprocess.run(command, cwd=BENCHMARKS.parent, check=False).returncode)
