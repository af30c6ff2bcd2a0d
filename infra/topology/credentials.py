"""What a client of any language needs to connect as one principal, in the forms that clients read."""

import shlex
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Self

from infra.home import Home, write_atomically
from infra.topology.model import Topology, group_prefix, load_topology
from schemas.errors import MisuseError
from schemas.names import PrincipalId, TopicName

Format = Literal["librdkafka", "java", "env"]


class CredentialsError(MisuseError):
    """There are no such credentials, or a file of credentials is incomplete."""

    code = "credentials"


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """One principal's way in: Kafka over SASL_SSL with SCRAM-SHA-512, and HTTPS with Basic authentication."""

    principal: PrincipalId
    password: str = field(repr=False)
    bootstrap: str
    ca_file: Path
    """PEM; signs the broker's and the access server's certificates."""
    access_url: str
    """The hub's server for agencies and partners."""
    reads: tuple[TopicName, ...] = ()
    writes: tuple[TopicName, ...] = ()
    signing_key_file: Path | None = None
    """Private key with which the principal signs its events; None: they leave unsigned."""

    @classmethod
    def of(cls, home: Home, principal: str, topology: Topology | None = None, *, must_run: bool = True) -> Self:
        """Return the credentials of *principal* in *home*.

        Raises CredentialsError for a principal unknown to the topology, StackDownError when nothing runs that
        *must_run*.
        """
        known = topology if topology is not None else load_topology()
        if principal not in known.principals():
            raise CredentialsError(
                "no such principal in the topology; `hub topology show` lists agencies and partners. "
                f"Known are: {', '.join(known.principals())}"
            )
        endpoints = home.endpoints(must_run=must_run)
        signing_key = local_signing_key(home, principal)
        return cls(
            principal=PrincipalId(principal),
            password=home.password(principal),
            bootstrap=endpoints.bootstrap,
            ca_file=home.ca_file,
            access_url=endpoints.access_url,
            reads=known.reads(principal),
            writes=known.writes(principal),
            signing_key_file=signing_key if signing_key.is_file() else None,
        )

    @classmethod
    def load(cls, path: Path) -> Self:
        """Return the credentials in *path*, written by `hub credentials PRINCIPAL --format env`."""
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except OSError as error:
            raise CredentialsError(f"cannot read {path}: {error.strerror}") from None
        found = dict(_assignment(line) for line in lines if "=" in line and not line.startswith("#"))
        missing = sorted(_REQUIRED - found.keys())
        if missing:
            raise CredentialsError(
                f"{path} lacks {', '.join(missing)}; write it anew: `hub credentials PRINCIPAL --format env`"
            )
        return cls(
            principal=PrincipalId(found["HUB_PRINCIPAL"]),
            password=found["HUB_PASSWORD"],
            bootstrap=found["HUB_BOOTSTRAP"],
            ca_file=Path(found["HUB_CA_FILE"]),
            access_url=found["HUB_ACCESS_URL"],
            reads=tuple(TopicName(name) for name in found.get("HUB_TOPICS_READ", "").split()),
            writes=tuple(TopicName(name) for name in found.get("HUB_TOPICS_WRITTEN", "").split()),
            signing_key_file=Path(signing_key) if (signing_key := found.get("HUB_SIGNING_KEY_FILE")) else None,
        )

    @property
    def registry_url(self) -> str:
        """Where schemas are read: the Confluent API, with Basic authentication as this principal."""
        return f"{self.access_url}/registry"

    @property
    def keys_url(self) -> str:
        """Where a partner fetches the keys of its own feed, with Basic authentication."""
        return f"{self.access_url}/keys"

    @property
    def group_prefix(self) -> str:
        """With which the principal's consumer groups must begin."""
        return group_prefix(self.principal)

    def librdkafka(self) -> dict[str, str]:
        """Return how a client on librdkafka connects."""
        return {
            "bootstrap.servers": self.bootstrap,
            "security.protocol": "SASL_SSL",
            "sasl.mechanism": "SCRAM-SHA-512",
            "sasl.username": self.principal,
            "sasl.password": self.password,
            "ssl.ca.location": str(self.ca_file),
        }

    def text(self, form: Format) -> str:
        """Return the file of *form*, with the password in it."""
        return _FORMS[form](self)

    def write(self, path: Path, form: Format) -> None:
        """Write the file of *form* so that only its owner can read it (0600)."""
        write_atomically(path, self.text(form))


def local_signing_key(home: Home, principal: str) -> Path:
    """Return where *home* keeps the private signing key of *principal*, if it has one: a home for trials alone."""
    return home.secrets_dir / f"{principal}.signing-key.pem"


def _librdkafka(credentials: Credentials) -> str:
    """Return properties for librdkafka: `kcat -F`, confluent-kafka for Python, Go, .NET and others."""
    settings = credentials.librdkafka()
    return _comments(credentials) + "".join(f"{key}={value}\n" for key, value in settings.items())


def _java(credentials: Credentials) -> str:
    """Return properties for Kafka's Java clients and Confluent's Avro serialisers."""
    module = "org.apache.kafka.common.security.scram.ScramLoginModule"
    login = f'{module} required username="{credentials.principal}" password="{credentials.password}";'
    settings = {
        "bootstrap.servers": credentials.bootstrap,
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.jaas.config": login,
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(credentials.ca_file),
        "isolation.level": "read_committed",  # Java's default would also show what the hub took back
        "schema.registry.url": credentials.registry_url,
        "schema.registry.ssl.truststore.type": "PEM",
        "schema.registry.ssl.truststore.location": str(credentials.ca_file),
        "basic.auth.credentials.source": "USER_INFO",
        "basic.auth.user.info": f"{credentials.principal}:{credentials.password}",
        "auto.register.schemas": "false",
        "use.latest.version": "true",  # the registry finds a schema by its exact text, which serialisers write anew
        "value.subject.name.strategy": "io.confluent.kafka.serializers.subject.TopicRecordNameStrategy",
    }
    return _comments(credentials) + "".join(f"{key}={value}\n" for key, value in settings.items())


def _env(credentials: Credentials) -> str:
    """Return assignments that a shell can source and `Credentials.load` reads."""
    variables = {
        "HUB_PRINCIPAL": credentials.principal,
        "HUB_PASSWORD": credentials.password,
        "HUB_BOOTSTRAP": credentials.bootstrap,
        "HUB_CA_FILE": str(credentials.ca_file),
        "HUB_REGISTRY_URL": credentials.registry_url,
        "HUB_ACCESS_URL": credentials.access_url,
        "HUB_KEYS_URL": credentials.keys_url,
        "HUB_GROUP_PREFIX": credentials.group_prefix,
        "HUB_TOPICS_READ": " ".join(credentials.reads),
        "HUB_TOPICS_WRITTEN": " ".join(credentials.writes),
        "HUB_SIGNING_KEY_FILE": str(credentials.signing_key_file or ""),
    }
    return "".join(f"{name}={shlex.quote(value)}\n" for name, value in variables.items())


def _comments(credentials: Credentials) -> str:
    lines = (
        f"Credentials of {credentials.principal}. Keep this file to yourself: it holds the password.",
        f"May read: {' '.join(credentials.reads) or 'nothing'}",
        f"May write: {' '.join(credentials.writes) or 'nothing'}",
        f"Consumer groups begin with: {credentials.group_prefix}",
        f"Schema registry (Basic authentication, same user and password): {credentials.registry_url}",
        f"Keys of the feed (the same): {credentials.keys_url}",
    )
    return "".join(f"# {line}\n" for line in lines)


def _assignment(line: str) -> tuple[str, str]:
    name, _, value = line.strip().removeprefix("export ").partition("=")
    try:
        return name, "".join(shlex.split(value))
    except ValueError:
        raise CredentialsError("a line of the file of credentials has an open quotation mark") from None


_FORMS: dict[Format, Callable[[Credentials], str]] = {"librdkafka": _librdkafka, "java": _java, "env": _env}
_REQUIRED = {"HUB_PRINCIPAL", "HUB_PASSWORD", "HUB_BOOTSTRAP", "HUB_CA_FILE", "HUB_ACCESS_URL"}
