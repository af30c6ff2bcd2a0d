"""The home: the one folder that holds a hub's data, secrets and logs, and says where its servers are."""

import json
import os
import re
import secrets
import ssl
import tomllib
import uuid
from collections.abc import Callable
from dataclasses import MISSING, asdict, dataclass, fields
from pathlib import Path
from typing import Literal, Self

from schemas.errors import MisuseError, UnavailableError

Clock = Literal["real", "simulated"]
CLOCKS: tuple[Clock, ...] = ("real", "simulated")
Brokers = Literal[1, 3]
"""One is enough to work with; of three, one may be lost without anybody waiting for it."""

LOOPBACK = "127.0.0.1"
_MARKER = "home.toml"
_PRINCIPAL = re.compile(r"[a-z0-9][a-z0-9._:-]{0,99}")


class StackDownError(UnavailableError):
    """The servers of this home are not started."""

    code = "stack-down"


class HomeError(MisuseError):
    """The folder is not a home, or not the home that the caller asked for."""

    code = "home"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """TCP ports on loopback, one per listener of the stack; those of a second and third broker are 0 without them."""

    kafka: int
    controller: int
    registry: int
    postgres: int
    access: int
    kafka_2: int = 0
    controller_2: int = 0
    kafka_3: int = 0
    controller_3: int = 0

    @property
    def brokers(self) -> tuple[int, ...]:
        """Ports on which the brokers listen to clients, the first broker's first."""
        return tuple(filter(None, (self.kafka, self.kafka_2, self.kafka_3)))

    @property
    def controllers(self) -> tuple[int, ...]:
        """Ports on which the brokers listen to each other as controllers, the first broker's first."""
        return tuple(filter(None, (self.controller, self.controller_2, self.controller_3)))


PORT_NAMES = tuple(field.name for field in fields(Ports) if field.default is MISSING)
"""Ports that every home has."""
BROKER_PORT_NAMES = tuple(field.name for field in fields(Ports) if field.default is not MISSING)
"""Ports that a home of three brokers has beside them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoints:
    """Where clients find the servers."""

    bootstrap: str
    """Kafka, SASL_SSL with SCRAM-SHA-512; every broker, with a comma between them."""
    registry_url: str
    """HTTPS with Basic authentication; the Confluent API is below `/apis/ccompat/v7`."""
    postgres_host: str
    postgres_port: int
    access_url: str
    """HTTPS; the key service and the read-only registry for agencies and partners."""


@dataclass(frozen=True, slots=True)
class Home:
    """One hub's folder. Nothing of a hub is outside it, except the shared cache of server programs."""

    path: Path

    @classmethod
    def current(cls) -> Self:
        """Return the home that `HUB_HOME` names, or `.local` in the clone."""
        from infra.settings import settings

        return cls(settings().home.absolute())

    @property
    def secrets_dir(self) -> Path:
        """Passwords and key files, one per file, readable by the owner alone."""
        return self.path / "secrets"

    @property
    def run_dir(self) -> Path:
        """Locks and what is known of the running stack; worthless when nothing runs."""
        return self.path / "run"

    @property
    def logs_dir(self) -> Path:
        """What the servers print, one file each."""
        return self.path / "logs"

    @property
    def tls_dir(self) -> Path:
        """The local certificate authority and the certificates that it signed."""
        return self.path / "tls"

    @property
    def kafka_dir(self) -> Path:
        """Data and configuration of Kafka."""
        return self.path / "kafka"

    @property
    def postgres_dir(self) -> Path:
        """Data of PostgreSQL; a link when the system user of PostgreSQL cannot reach the home."""
        return self.path / "postgres"

    @property
    def registry_dir(self) -> Path:
        """Working folder of the registry, which keeps its data in PostgreSQL."""
        return self.path / "registry"

    @property
    def ca_file(self) -> Path:
        """Certificate (PEM) of the authority that signed every server of this home."""
        return self.tls_dir / "ca.pem"

    @property
    def is_made(self) -> bool:
        """Whether the folder carries the marker of a home."""
        return (self.path / _MARKER).is_file()

    @property
    def id(self) -> str:
        """Random, given when the home was made. Raises StackDownError when it was not."""
        return self._marker()["id"]

    @property
    def clock(self) -> Clock:
        """Which clock the hub lives by, fixed when the home was made (design §12.9)."""
        return _clock(self._marker()["clock"])

    @property
    def brokers(self) -> Brokers:
        """How many brokers of Kafka the hub has, fixed when the home was made; every record is on each of them."""
        return 3 if self._marker().get("brokers") == "3" else 1

    @property
    def ports(self) -> Ports:
        """Ports chosen at the first start and kept. Raises StackDownError before that."""
        try:
            return Ports(**json.loads((self.path / "ports.json").read_text()))
        except FileNotFoundError:
            raise self._down() from None

    def make(self, clock: Clock | None = None, brokers: Brokers | None = None) -> None:
        """Make the folder a home, living by *clock* (real when None) on so many *brokers* (1), unless it is one.

        Raises HomeError when it is one with another clock or other brokers, or a folder that holds something else.
        """
        if self.is_made:
            if clock is not None and clock != self.clock:
                raise HomeError(
                    f"{self.path} lives by the {self.clock} clock, for good: set HUB_HOME to another folder"
                    f" for a {clock} one, or remove it with `hub reset`"
                )
            if brokers is not None and brokers != self.brokers:
                raise HomeError(
                    f"{self.path} was made with HUB_BROKERS={self.brokers}, for good: set HUB_HOME to another folder"
                    f" for {brokers}, or remove it with `hub reset`"
                )
            return
        if self.path.exists() and not self.path.is_dir():
            raise HomeError(f"{self.path} is a file: set HUB_HOME to a folder")
        if self.path.exists() and any(self.path.iterdir()):
            raise HomeError(f"{self.path} holds files that are not the hub's: set HUB_HOME to an empty folder")
        # Open to pass where root shares it with PostgreSQL's system user; each secret is closed by itself.
        mode = 0o711 if os.geteuid() == 0 else 0o700
        self.path.mkdir(mode=mode, parents=True, exist_ok=True)
        try:
            self.path.chmod(mode)  # a folder that was there may be open to others, who could put their keys into it
        except PermissionError:
            raise HomeError(f"{self.path} belongs to somebody else: set HUB_HOME to a folder of your own") from None
        facts = {"id": uuid.uuid4(), "clock": clock or "real", "brokers": brokers or 1}
        write_atomically(self.path / _MARKER, "".join(f'{name} = "{fact}"\n' for name, fact in facts.items()))

    def keep_ports(self, ports: Ports) -> None:
        """Remember *ports* for the next start."""
        write_atomically(self.path / "ports.json", json.dumps(asdict(ports)))

    def password(self, principal: str) -> str:
        """Return the password of *principal* (43 random characters), made on first use.

        Safe when several processes ask at once: all get the same. Raises HomeError when the name is unusable.
        """
        if not _PRINCIPAL.fullmatch(principal):
            raise HomeError("a principal is named in small letters, digits, dot, colon, dash and underscore")
        return self.secret(f"{principal}.password", lambda: secrets.token_urlsafe(32).encode()).decode()

    def passwords(self, principal: str) -> tuple[str, ...]:
        """Return the password of *principal*, and the one that it was about to get when that was interrupted."""
        try:
            return self.password(principal), (self.secrets_dir / f"{principal}.password.next").read_text()
        except FileNotFoundError:
            return (self.password(principal),)

    def secret(self, name: str, make: Callable[[], bytes]) -> bytes:
        """Return the content of the secret file *name*, made by *make* on first use, mode 0600."""
        file = self.secrets_dir / name
        try:
            return file.read_bytes()
        except FileNotFoundError:
            pass
        self.secrets_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = _draft(file, make())
        try:
            os.link(draft, file)  # fails when another process was first: then its secret holds
        except FileExistsError:
            pass
        finally:
            draft.unlink()
        return file.read_bytes()

    def endpoints(self, *, must_run: bool = True) -> Endpoints:
        """Return where the servers are. Raises StackDownError when the stack is not started, and *must_run*."""
        if must_run and not (self.run_dir / "up").exists():
            raise self._down()
        ports = self.ports
        return Endpoints(
            bootstrap=",".join(f"{LOOPBACK}:{port}" for port in ports.brokers),
            registry_url=f"https://{LOOPBACK}:{ports.registry}",
            postgres_host=LOOPBACK,
            postgres_port=ports.postgres,
            access_url=f"https://{LOOPBACK}:{ports.access}",
        )

    def ssl_context(self) -> ssl.SSLContext:
        """Return a client context that trusts the servers of this home and no others."""
        if not self.ca_file.exists():
            raise self._down()
        return ssl.create_default_context(cafile=str(self.ca_file))

    def registry_auth(self) -> tuple[str, str]:
        """Return user and password with which the hub's own processes write to the registry."""
        return "hub", self.password("registry:hub")

    def dsn(self, role: str, database: str = "hub") -> str:
        """Return the libpq connection string of *role*. Raises StackDownError as `endpoints` does."""
        ports = self.endpoints()
        return (
            f"host={ports.postgres_host} port={ports.postgres_port} dbname={database} user={role}"
            f" password={self.password(f'postgres:{role}')} require_auth=scram-sha-256"
        )

    def _marker(self) -> dict[str, str]:
        try:
            return tomllib.loads((self.path / _MARKER).read_text())
        except FileNotFoundError:
            raise self._down() from None

    def _down(self) -> StackDownError:
        return StackDownError(f"no hub runs in {self.path}: start it with `./hub up`, or set HUB_HOME")


def write_atomically(file: Path, text: str | bytes, mode: int = 0o600) -> None:
    """Replace *file* by *text* so that a reader, or a kill at any moment, sees the old or the new one."""
    file.parent.mkdir(parents=True, exist_ok=True)
    _draft(file, text.encode() if isinstance(text, str) else text, mode).replace(file)


def _draft(file: Path, content: bytes, mode: int = 0o600) -> Path:
    draft = file.with_name(f".{file.name}.{os.getpid()}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    return draft


def _clock(text: str) -> Clock:
    for known in CLOCKS:
        if text == known:
            return known
    raise HomeError(f"unknown clock in {_MARKER}: it is `real` or `simulated`")
