"""Apicurio Registry: the Confluent API over TLS, Basic authentication required, its data in PostgreSQL.

Client certificates were tried first: Quarkus fixes `quarkus.http.ssl.client-auth` when Apicurio is built, and
ignores it at run time. Users in its configuration and TLS are run-time settings, and hold on every path.
"""

from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

from infra.home import LOOPBACK, Home
from infra.settings import Settings
from infra.stack.jars import locked, obtain_unpacked, version
from infra.stack.java import java, java_tag
from infra.stack.part import Say, port_answers, setup_digest
from infra.stack.process import Command, find

_MEMORY = ("-Xms64m", "-Xmx384m")
_PROBE = "/apis/ccompat/v7/subjects?subjectPrefix=hub-ready"


@dataclass(frozen=True, slots=True)
class Registry:
    """The schema registry of *home*."""

    home: Home
    settings: Settings
    name: str = "registry"

    @property
    def version(self) -> str:
        """Version of Apicurio Registry."""
        return version("registry", "apicurio-registry-app")

    @property
    def port(self) -> int:
        """Port of the HTTPS listener."""
        return self.home.ports.registry

    @property
    def folder(self) -> Path:
        """Working folder; the data are in the database `registry`."""
        return self.home.registry_dir

    def process(self) -> psutil.Process | None:
        """Return the running registry."""
        return find("java", java_tag(self.home, self.name))

    def prepare(self, say: Say) -> None:
        """Download and unpack the program."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._program(say)

    def command(self) -> Command:
        """Return how to start the registry; its passwords are in the environment, not the arguments."""
        environment = self._environment()
        return Command(
            arguments=(
                java(),
                *_MEMORY,
                "-XX:TieredStopAtLevel=1",
                "-XX:+UseSerialGC",
                "-XX:+ExitOnOutOfMemoryError",
                java_tag(self.home, self.name),
                f"-Dhub.setup={setup_digest(sorted(environment.items()))}",
                "-Djava.util.logging.manager=org.jboss.logmanager.LogManager",
                "-jar",
                str(self._program(lambda _: None) / "quarkus-run.jar"),
            ),
            environment=environment,
            folder=self.folder,
        )

    def is_ready(self) -> bool:
        """Try whether the Confluent API answers from the database."""
        if not port_answers(self.port):
            return False
        url = f"https://{LOOPBACK}:{self.port}{_PROBE}"
        try:
            answer = httpx.get(url, auth=self.home.registry_auth(), verify=self.home.ssl_context(), timeout=3)
        except httpx.HTTPError:
            return False
        return answer.status_code == httpx.codes.OK

    def settle(self) -> None:
        """Do nothing: schemas and compatibility are the topology's."""

    def _program(self, say: Say) -> Path:
        (archive,) = locked("registry")
        return obtain_unpacked(archive, self.settings, lambda file: say(f"downloading {file}"))

    def _environment(self) -> dict[str, str]:
        user, password = self.home.registry_auth()
        users = "QUARKUS_SECURITY_USERS_EMBEDDED"
        ports = self.home.ports
        return {
            "QUARKUS_HTTP_HOST": LOOPBACK,
            "QUARKUS_HTTP_SSL_PORT": str(ports.registry),
            "QUARKUS_HTTP_INSECURE_REQUESTS": "disabled",
            "QUARKUS_HTTP_SSL_CERTIFICATE_FILES": str(self.home.tls_dir / "registry.pem"),
            "QUARKUS_HTTP_SSL_CERTIFICATE_KEY_FILES": str(self.home.tls_dir / "registry.key"),
            # Its second listener (metrics, health) would be open on every address of the machine.
            "QUARKUS_MANAGEMENT_HOST_ENABLED": "false",
            "QUARKUS_MANAGEMENT_HOST": LOOPBACK,
            "APICURIO_AUTHN_ENABLED": "true",
            # Quarkus warns that this is fixed at build time; Apicurio's own chain of mechanisms reads it now.
            "QUARKUS_HTTP_AUTH_BASIC": "true",
            f"{users}_PLAIN_TEXT": "true",
            f"{users}_USERS_{user.upper()}": password,
            f"{users}_ROLES_{user.upper()}": "sr-admin",
            # Some paths of Apicurio ask for nobody; this asks on all of them.
            "QUARKUS_HTTP_AUTH_PERMISSION_ALL_PATHS": "/*",
            "QUARKUS_HTTP_AUTH_PERMISSION_ALL_POLICY": "authenticated",
            "APICURIO_STORAGE_KIND": "sql",
            "APICURIO_STORAGE_SQL_KIND": "postgresql",
            "APICURIO_DATASOURCE_URL": f"jdbc:postgresql://{LOOPBACK}:{ports.postgres}/registry",
            "APICURIO_DATASOURCE_USERNAME": "registry",
            "APICURIO_DATASOURCE_PASSWORD": self.home.password("postgres:registry"),
        }
