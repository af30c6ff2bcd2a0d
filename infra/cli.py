"""The command line `hub`: composed from the entry points `hub.commands` that each room registers."""

import logging
import sys
from importlib.metadata import entry_points

import structlog
import typer
from rich.console import Console

from infra.logging import configure_logging
from schemas.errors import HubError, MisuseError, UnavailableError

EXIT_REFUSED = EXIT_CRASHED = 1
EXIT_MISUSE = 2
EXIT_UNAVAILABLE = 3
EXIT_INTERRUPTED = 130
INTERRUPTED = (
    "hub: interrupted; the same command may be given again, nothing is lost or doubled. "
    "Servers that were started go on running: `hub status` shows them, `hub down` stops them."
)


def build() -> typer.Typer:
    """Return the command line with the commands of every installed room, in alphabetical order."""
    app = typer.Typer(
        name="hub",
        help="Exchange what agencies know about trafficking in human beings, without exposing a victim.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,  # a traceback with locals could show a person's data
    )
    for entry in sorted(entry_points(group="hub.commands"), key=lambda entry: entry.name):
        entry.load()(app)
    return app


def main() -> None:
    """Run `hub`; exit 1 when something was refused or `hub` is broken, 2 on misuse, 3 when a part does not answer."""
    configure_logging(logging.ERROR)  # structlog's own way prints every local variable of a traceback
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # else a broker that is away fills the terminal
    try:
        build()()
    except HubError as error:
        Console(stderr=True, soft_wrap=True).print(f"hub: {error.code}: {error}", style="red", markup=False)
        sys.exit(exit_code(error))
    except SystemExit as leaving:
        if leaving.code == EXIT_INTERRUPTED:  # what typer makes of Ctrl-C
            Console(stderr=True, soft_wrap=True).print(INTERRUPTED, markup=False)
        raise
    except Exception as error:  # noqa: BLE001 - typer hands it to Python's own report, which holds its text
        structlog.get_logger().critical("crashed", exc_info=error)
        sys.exit(EXIT_CRASHED)


def exit_code(error: HubError) -> int:
    """Return the process exit code that tells a script whose fault *error* is."""
    if isinstance(error, UnavailableError):
        return EXIT_UNAVAILABLE
    return EXIT_MISUSE if isinstance(error, MisuseError) else EXIT_REFUSED
