"""Commands of the streams: `hub worker`."""

from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the commands of this room to *app*."""
    app.command("worker")(worker)


def worker(
    detach: Annotated[bool, typer.Option("--detach", help="Run it in the background; its log is in the home.")] = False,
    stop: Annotated[bool, typer.Option("--stop", help="Stop the one in the background.")] = False,
) -> None:
    """Run the worker: intake, release and the projections, until Ctrl-C."""
    from infra.home import Home
    from infra.stack import worker as daemon

    home = Home.current()
    if not stop:
        home.endpoints()  # says what to do when the stack is down
    if stop:
        typer.echo("worker stopped" if daemon.stop(home) else "no worker ran in the background", err=True)
    elif detach:
        found = daemon.start(home)
        typer.echo(f"worker runs in the background, pid {found.pid}; log: {home.logs_dir / 'worker.log'}", err=True)
    else:
        from streams.worker import run

        run(home)
