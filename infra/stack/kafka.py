"""Kafka, one KRaft node or three: TLS and SCRAM for clients, client certificates for the controllers, ACLs on."""

import base64
import hashlib
import logging
import os
import secrets
import shutil
import subprocess
import uuid
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import psutil

from infra.home import LOOPBACK, Home, write_atomically
from infra.settings import Settings
from infra.stack.certificates import CONTROLLER_NAME
from infra.stack.jars import locked, obtain, version
from infra.stack.java import java, java_tag
from infra.stack.part import Say, draft_folder, port_answers, setup_digest
from infra.stack.process import Command, PartFailedError, find

ADMIN = "hub-admin"
"""The super user of the broker."""

_TEMPLATE = Path(__file__).with_name("kafka.properties")
_LOGGING = Path(__file__).with_name("log4j2.properties")
_ITERATIONS = 8192
_SILENT = logging.getLogger("infra.stack.kafka.probe")
_SILENT.setLevel(logging.CRITICAL)  # a refused connection is what the probe is there to meet
_PROBE_SECONDS = 4.0
_MEMORY = ("-Xms128m", "-Xmx512m")
_MEMORY_OF_THREE = ("-Xms96m", "-Xmx384m")


def brokers(home: Home, settings: Settings) -> tuple["Kafka", ...]:
    """Return every broker of *home*."""
    return tuple(Kafka(home, settings, node) for node in range(1, home.brokers + 1))


@dataclass(frozen=True, slots=True)
class Kafka:
    """The broker number *node* of *home*, which is a controller as well."""

    home: Home
    settings: Settings
    node: int = 1

    @property
    def name(self) -> str:
        """Name in commands, status and logs; numbered where there are several."""
        return "kafka" if self.home.brokers == 1 else f"kafka-{self.node}"

    @property
    def version(self) -> str:
        """Version of the broker."""
        return version("kafka", "kafka_2.13")

    @property
    def port(self) -> int:
        """Port of the listener for clients."""
        return self.home.ports.brokers[self.node - 1]

    @property
    def controller_port(self) -> int:
        """Port of the listener for the other controllers."""
        return self.home.ports.controllers[self.node - 1]

    @property
    def folder(self) -> Path:
        """Folder of the logs."""
        return self.home.kafka_dir if self.home.brokers == 1 else self.home.kafka_dir / str(self.node)

    def process(self) -> psutil.Process | None:
        """Return the running broker."""
        return find("java", java_tag(self.home, self.name))

    def prepare(self, say: Say) -> None:
        """Write the configuration and, on a new home, format the storage with the super user in it."""
        classpath = self._classpath(say)
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_atomically(self._properties, self.configuration(self._data))
        if not self._data.exists():
            say("formatting the storage")
            self._format(classpath)

    def command(self) -> Command:
        """Return how to start the broker."""
        return Command(
            arguments=(
                java(),
                *(_MEMORY if self.home.brokers == 1 else _MEMORY_OF_THREE),
                "-XX:+UseG1GC",
                "-XX:TieredStopAtLevel=4",
                "-XX:+ExitOnOutOfMemoryError",
                "--sun-misc-unsafe-memory-access=allow",
                "--enable-native-access=ALL-UNNAMED",
                f"-Dlog4j2.configurationFile={_LOGGING}",
                java_tag(self.home, self.name),
                f"-Dhub.setup={setup_digest(self.configuration(self._data))}",
                "-cp",
                self._classpath(lambda _: None),
                "kafka.Kafka",
                str(self._properties),
            ),
            folder=self.folder,
        )

    def is_ready(self) -> bool:
        """Try whether it is one of the brokers, and whether the coordinators answer the super user."""
        return port_answers(self.port) and any(map(self._serves, self.home.passwords(ADMIN)))

    def answers(self) -> bool:
        """Try whether it answers at all: of three, it may be the others that keep it from serving."""
        return port_answers(self.port) and any(self._known(each) for each in self.home.passwords(ADMIN))

    def _known(self, password: str) -> Collection[int]:
        """Return the numbers of the brokers that it knows; none when it does not answer."""
        from confluent_kafka import KafkaException
        from confluent_kafka.admin import AdminClient

        try:
            return AdminClient(self._client(password), logger=_SILENT).list_topics(timeout=_PROBE_SECONDS).brokers
        except KafkaException:
            return ()

    def _serves(self, password: str) -> bool:
        from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

        if self.node not in self._known(password):
            return False  # it does not answer, or the controllers have not let it in yet
        name, client = f"{ADMIN}.ready{'' if self.node == 1 else self.node}", self._client(password)
        try:
            Producer(client | {"transactional.id": name}, logger=_SILENT).init_transactions(_PROBE_SECONDS)
            reader = Consumer(client | {"group.id": name}, logger=_SILENT)
            try:
                # Asking for a position makes the broker load its coordinator, and make its topic when new.
                reader.committed([TopicPartition(name, 0)], timeout=_PROBE_SECONDS)
            finally:
                reader.close()
        except KafkaException:
            return False
        return True

    def settle(self) -> None:
        """Do nothing: topics and users are the topology's."""

    def _client(self, password: str) -> dict[str, str | int | float | bool]:
        return {
            "bootstrap.servers": f"{LOOPBACK}:{self.port}",
            "security.protocol": "SASL_SSL",
            "sasl.mechanism": "SCRAM-SHA-512",
            "sasl.username": ADMIN,
            "sasl.password": password,
            "ssl.ca.location": str(self.home.ca_file),
        }

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    @property
    def _properties(self) -> Path:
        return self.folder / "server.properties"

    def _classpath(self, say: Say) -> str:
        paths = obtain(locked("kafka"), self.settings, lambda file: say(f"downloading {file}"))
        return os.pathsep.join(map(str, paths))

    def configuration(self, data: Path) -> str:
        """Return what stands in the file of its settings; *data* is the folder of the logs."""
        replicas = self.home.brokers
        return _TEMPLATE.read_text().format(
            node=self.node,
            quorum=self._quorum,
            replicas=replicas,
            in_sync=replicas // 2 + 1,
            kafka_port=self.port,
            controller_port=self.controller_port,
            data=data,
            admin=ADMIN,
            admin_password=self.home.password(ADMIN),
            controller_name=CONTROLLER_NAME,
            store=self.home.tls_dir / "kafka.store.pem",
            ca=self.home.ca_file,
        )

    @property
    def _quorum(self) -> str:
        """Return which controllers vote: of three, those that stand here, so that a port may change."""
        if self.home.brokers == 1:
            return f"controller.quorum.bootstrap.servers={LOOPBACK}:{self.controller_port}"
        voters = (f"{node}@{LOOPBACK}:{port}" for node, port in enumerate(self.home.ports.controllers, 1))
        return f"controller.quorum.voters={','.join(voters)}"

    def _format(self, classpath: str) -> None:
        """Format into a draft and rename it, so that a kill leaves no half-formatted storage."""
        draft = draft_folder(self.folder)
        properties, arguments = draft / "format.properties", draft / "format.arguments"
        cluster = self.home.secret("kafka.cluster", lambda: cluster_id().encode()).decode()  # the same for all
        write_atomically(properties, self.configuration(draft / "data"))
        # A salted password is as good as the password: it goes in a file as well (`@file`).
        words = [
            "format",
            "-t",
            cluster,
            "-c",
            str(properties),
            *(("--standalone",) if self.home.brokers == 1 else ()),
            "--add-scram",
            self._credential(),
        ]
        write_atomically(arguments, "\n".join(words))
        done = subprocess.run(
            [java(), "-Xmx128m", "-cp", classpath, "kafka.tools.StorageTool", f"@{arguments}"],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            log = self.home.logs_dir / "kafka-format.log"
            write_atomically(log, done.stdout + done.stderr)
            raise PartFailedError(f"the storage of Kafka could not be formatted: see {log}")
        (draft / "data").rename(self._data)
        shutil.rmtree(draft)

    def _credential(self) -> str:
        salt = secrets.token_bytes(32)
        salted = hashlib.pbkdf2_hmac("sha512", self.home.password(ADMIN).encode(), salt, _ITERATIONS)
        salt_text, salted_text = (base64.b64encode(value).decode() for value in (salt, salted))
        values = f'iterations={_ITERATIONS},salt="{salt_text}",saltedpassword="{salted_text}"'
        return f"SCRAM-SHA-512=[name={ADMIN},{values}]"


def cluster_id() -> str:
    """Return a new id as Kafka makes them: one with a hyphen in front would be taken for an option of its tools."""
    while True:
        made = base64.urlsafe_b64encode(uuid.uuid4().bytes).rstrip(b"=").decode()
        if not made.startswith("-"):
            return made
