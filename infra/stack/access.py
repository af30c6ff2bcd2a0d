"""The access server as a part of the stack: key service and read-only registry for agencies and partners."""

import importlib.util
import sys
from dataclasses import dataclass
from pathlib import Path

import psutil

from infra.home import Home
from infra.stack.part import Say, port_answers, setup_digest
from infra.stack.process import Command, find, tag

_MODULE = "infra.access"
_CREDENTIALS = ("hub-access", "postgres:hub_access", "postgres:hub_vault", "registry:hub")
"""It signs in with these when it starts: with new ones it is started again."""


def is_installed() -> bool:
    """Whether this hub has an access server."""
    try:
        return importlib.util.find_spec(f"{_MODULE}.__main__") is not None
    except ModuleNotFoundError:
        return False


@dataclass(frozen=True, slots=True)
class Access:
    """The access server of *home*."""

    home: Home
    name: str = "access"

    @property
    def version(self) -> str:
        """Version of the hub."""
        from importlib.metadata import version

        return version("anti-trafficking-hub")

    @property
    def port(self) -> int:
        """Port of the HTTPS listener."""
        return self.home.ports.access

    @property
    def folder(self) -> Path:
        """It has no data of its own: the home's."""
        return self.home.path

    def process(self) -> psutil.Process | None:
        """Return the running server."""
        return find("python", tag(self.home, self.name))

    def prepare(self, say: Say) -> None:
        """Do nothing: all it needs is made by the other parts."""

    def command(self) -> Command:
        """Return how to start the server. Python keeps an unknown `-X` option, which here is the tag."""
        signs_in_as = [self.home.password(name) for name in _CREDENTIALS]
        setup = setup_digest(self.home.ports, signs_in_as)
        return Command(
            arguments=(
                *(sys.executable, "-X", tag(self.home, self.name), "-X", f"hub.setup={setup}"),
                *("-m", _MODULE),
            ),
            environment={"HUB_HOME": str(self.home.path)},
            folder=self.home.path,
        )

    def is_ready(self) -> bool:
        """Try whether it listens."""
        return port_answers(self.port)

    def settle(self) -> None:
        """Do nothing."""
