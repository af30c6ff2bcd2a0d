"""Passwords as files of the home: the one that holds, and beside it the one that is about to."""

import secrets
from dataclasses import dataclass
from typing import Literal, Self

from infra.home import Home
from infra.stack.postgres import OWNER, ROLES
from infra.topology.model import Topology
from schemas.errors import MisuseError

Server = Literal["broker", "database", "registry"]
REGISTRY_ROLE = "registry"
REGISTRY_USER = "hub"
_PREFIXES: dict[Server, str] = {"broker": "", "database": "postgres:", "registry": "registry:"}
_HOLDS, _NEXT = ".password", ".password.next"


class UnknownCredentialError(MisuseError):
    """Nobody of this name has a password."""

    code = "unknown-credential"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Credential:
    """Whose password, and for which server."""

    server: Server
    name: str

    def __str__(self) -> str:
        return f"{self.name} ({self.server})"

    @property
    def secret(self) -> str:
        """Return the name under which the home keeps the password."""
        return f"{_PREFIXES[self.server]}{self.name}"

    @classmethod
    def of_secret(cls, secret: str) -> Self:
        """Return whose password the home keeps under *secret*."""
        for server, prefix in _PREFIXES.items():
            if prefix and secret.startswith(prefix):
                return cls(server=server, name=secret.removeprefix(prefix))
        return cls(server="broker", name=secret)

    @classmethod
    def named(cls, name: str, topology: Topology) -> Self:
        """Return the credential of a principal or a database role; raise UnknownCredentialError."""
        if name in topology.principals():
            return cls(server="broker", name=name)
        if name in (OWNER, *ROLES, REGISTRY_ROLE):
            return cls(server="database", name=name)
        raise UnknownCredentialError(
            "neither a principal of the topology nor a role of the database; `hub topology matrix` lists principals. "
            f"Roles are: {', '.join((OWNER, *ROLES, REGISTRY_ROLE))}"
        )


def everybody(topology: Topology) -> tuple[Credential, ...]:
    """Return every credential of a hub, those of administrators last."""
    owners = topology.superusers()
    broker = sorted(topology.principals(), key=lambda name: (name in owners, name))
    return (
        Credential(server="registry", name=REGISTRY_USER),
        *(Credential(server="database", name=role) for role in (*ROLES, REGISTRY_ROLE, OWNER)),
        *(Credential(server="broker", name=str(name)) for name in broker),
    )


def draft_of(home: Home, credential: Credential) -> str:
    """Return the password that *credential* is about to get, made on first use and kept until it is adopted."""
    return home.secret(f"{credential.secret}{_NEXT}", lambda: secrets.token_urlsafe(32).encode()).decode()


def adopt(home: Home, credential: Credential) -> None:
    """Let the draft be the password from now on."""
    draft = home.secrets_dir / f"{credential.secret}{_NEXT}"
    draft.replace(home.secrets_dir / f"{credential.secret}{_HOLDS}")


def pending(home: Home) -> tuple[Credential, ...]:
    """Return whose change was begun and not finished."""
    found = sorted(home.secrets_dir.glob(f"*{_NEXT}"))
    return tuple(Credential.of_secret(file.name.removesuffix(_NEXT)) for file in found)
