"""Whatever breaks in a process of the hub, however it was started: the text of the error is printed nowhere.

Each entry point configures logging itself, in a process of its own, and then breaks.
"""

import subprocess
import sys

import pytest

SECRET = "canary-5f1c"
BROKEN = f"raise ValueError({SECRET!r})"
CLI = f"""
import sys, typer, infra.cli
def build():
    app = typer.Typer(pretty_exceptions_enable=False)
    @app.command()
    def broken(name: str = {SECRET!r}) -> None:
        held = {{"name": name}}
        BODY
    return app
infra.cli.build = build
sys.argv = ["hub"]
infra.cli.main()
"""
WORKER = """
import contextlib
from mode import Service
import streams.worker
class Broken(Service):
    BODY
@contextlib.asynccontextmanager
async def services(_home):
    yield [Broken()]
streams.worker.services = services
streams.worker.run(None)
"""


def broken(program: str, body: str) -> str:
    """Return *program* with *body* where it breaks."""
    return program.replace("BODY", body)


ENTRY_POINTS = {
    "a command": broken(CLI, BROKEN),
    "a command, by a key": broken(CLI, "{}[name]"),
    "a command, in a thread": broken(
        CLI, f"import threading; t = threading.Thread(target=lambda: {{}}[{SECRET!r}]); t.start(); t.join()"
    ),
    "a command that asks the network": broken(CLI, "import httpx; httpx.get(f'http://127.0.0.1:1/{name}')"),
    "a command that reads JSON": broken(
        CLI, "from pydantic import TypeAdapter; TypeAdapter(dict[str, int]).validate_python(held)"
    ),
    "a command that writes Avro": broken(
        CLI, "import fastavro, io; fastavro.schemaless_writer(io.BytesIO(), {'type': 'int'}, name)"
    ),
    "the worker, at its start": broken(WORKER, f"async def on_start(self):\n        {BROKEN}"),
    "the worker, in a task": broken(WORKER, f"@Service.task\n    async def work(self):\n        {BROKEN}"),
    "the worker, at its end": broken(
        WORKER,
        f"async def on_start(self):\n        await self.crash(ValueError({SECRET!r}))\n"
        f"    async def on_stop(self):\n        {BROKEN}",
    ),
    "the access server": f"""
import infra.access.__main__ as access
class Home:
    @classmethod
    def current(cls):
        held = {{"name": {SECRET!r}}}
        raise KeyError(held["name"])
access.Home = Home
access.main()
""",
    "a builder of projections": f"""
import projections.crew as crew
def opened(*_arguments):
    raise ValueError({SECRET!r})
crew.opened = opened
import os
crew._begin("/nowhere", {SECRET!r}, os.getppid(), None)
""",
}


@pytest.mark.parametrize("name", ENTRY_POINTS)
def test_no_text_of_an_error_leaves_a_process_that_breaks(name: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", ENTRY_POINTS[name]], capture_output=True, text=True, timeout=60, check=False
    )
    printed = done.stdout + done.stderr
    assert SECRET not in printed
    assert "rash" in printed or "rror" in printed, "it says that it broke, and where"
