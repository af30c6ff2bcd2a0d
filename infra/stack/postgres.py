"""PostgreSQL 18 from the wheel: TCP on loopback with SCRAM and nothing else, no socket, no trust."""

import contextlib
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg
from psycopg import sql

from infra.home import LOOPBACK, Home, write_atomically
from infra.settings import Settings
from infra.stack.part import Say, draft_folder, port_answers
from infra.stack.process import Command, PartFailedError, find
from infra.stack.system_user import SystemUser, give, installation, place_for, system_user

OWNER = "hub_admin"
"""The super user, who owns the database `hub`."""

ROLES = ("hub_vault", "hub_streams", "hub_projections", "hub_access", "hub_reader")
"""Roles of the hub's processes; what each may do is granted where its tables are made."""

CONNECTIONS_MAX = 500
"""Of the server. A worker takes 55 at most; all workers together what `infra/sql/013_connections.sql` leaves them."""

_HBA = f"host all all {LOOPBACK}/32 scram-sha-256\n"
_ORPHANS_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Postgres:
    """The database server of *home*."""

    home: Home
    settings: Settings
    name: str = "postgres"

    @property
    def version(self) -> str:
        """Version of PostgreSQL."""
        answer = subprocess.run(
            [program("postgres", self._user), "--version"], capture_output=True, text=True, check=True
        )
        return answer.stdout.split()[-1]

    @property
    def port(self) -> int:
        """TCP port."""
        return self.home.ports.postgres

    @property
    def folder(self) -> Path:
        """Folder of the cluster."""
        return self.home.postgres_dir.resolve()

    def process(self) -> psutil.Process | None:
        """Return the running postmaster."""
        return find("postgres", str(self._data))

    def prepare(self, say: Say) -> None:
        """Initialise the cluster on a new home, and clear what a killed server left."""
        place_for(self.home, self._user)
        if not self._data.exists():
            say("initialising the cluster")
            self._initialise()
        write_atomically(self._data / "pg_hba.conf", _HBA)
        give(self._data / "pg_hba.conf", self._user)
        self._clear_remains()

    def command(self) -> Command:
        """Return how to start the server in the foreground."""
        options = {
            "listen_addresses": LOOPBACK,
            "port": str(self.port),
            "unix_socket_directories": "",
            "password_encryption": "scram-sha-256",
            "max_connections": str(CONNECTIONS_MAX),
            "log_statement": "none",
            "log_min_error_statement": "panic",  # a statement may hold personal values
            "log_parameter_max_length": "0",
            "log_parameter_max_length_on_error": "0",
            "log_error_verbosity": "terse",  # DETAIL lines quote the values of a row
            "cluster_name": "hub",
            "update_process_title": "off",
        }
        return Command(
            arguments=(
                program("postgres", self._user),
                "-D",
                str(self._data),
                *(word for name, value in options.items() for word in ("-c", f"{name}={value}")),
            ),
            folder=Path("/"),
            user=self._user.uid if self._user else None,
            group=self._user.gid if self._user else None,
        )

    def is_ready(self) -> bool:
        """Try whether the owner can log in."""
        if not port_answers(self.port):
            return False
        try:
            self._connect("postgres").close()
        except psycopg.OperationalError:
            return False
        return True

    def settle(self) -> None:
        """Make the roles and the databases `hub` and `registry`; nobody else may connect to either."""
        with self._connect("postgres") as connection:
            for role in (*ROLES, "registry"):
                self._make_role(connection, role)
            for database, owner in (("hub", OWNER), ("registry", "registry")):
                self._make_database(connection, database, owner)
            connection.execute("REVOKE CONNECT ON DATABASE postgres, template1 FROM PUBLIC")
            for role in ROLES:
                connection.execute(sql.SQL("GRANT CONNECT ON DATABASE hub TO {}").format(sql.Identifier(role)))

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    @property
    def _user(self) -> SystemUser | None:
        return system_user(self.settings)

    def _connect(self, database: str) -> psycopg.Connection:
        *others, last = self.home.passwords(f"postgres:{OWNER}")
        for password in others:
            with contextlib.suppress(psycopg.OperationalError):
                return self._connect_with(password, database)
        return self._connect_with(last, database)

    def _connect_with(self, password: str, database: str) -> psycopg.Connection:
        return psycopg.connect(
            host=LOOPBACK,
            port=self.port,
            dbname=database,
            user=OWNER,
            password=password,
            require_auth="scram-sha-256",
            connect_timeout=3,
            autocommit=True,
        )

    def _make_role(self, connection: psycopg.Connection, role: str) -> None:
        if connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (role,)).fetchone():
            return
        # The verifier travels, not the password: no log of the server can ever show it.
        password = self.home.password(f"postgres:{role}").encode()
        verifier = connection.pgconn.encrypt_password(password, role.encode(), b"scram-sha-256").decode()
        connection.execute(
            sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(role), sql.Literal(verifier))
        )

    def _make_database(self, connection: psycopg.Connection, database: str, owner: str) -> None:
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (database,)).fetchone():
            statement = sql.SQL("CREATE DATABASE {} OWNER {}")
            connection.execute(statement.format(sql.Identifier(database), sql.Identifier(owner)))
        connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(sql.Identifier(database)))

    def _initialise(self) -> None:
        """Initialise a draft and rename it, so that a kill in the middle leaves no half-made cluster."""
        draft = draft_folder(self.folder)
        give(draft, self._user)
        password = draft / "owner.password"
        write_atomically(password, self.home.password(f"postgres:{OWNER}"))
        give(password, self._user)
        user = self._user
        done = subprocess.run(
            [
                *(
                    program("initdb", self._user),
                    "-D",
                    str(draft / "data"),
                    "-U",
                    OWNER,
                    f"--pwfile={password}",
                ),
                *("-A", "scram-sha-256", "-E", "UTF8", "--no-locale", "--no-instructions"),
            ],
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            user=user.uid if user else None,
            group=user.gid if user else None,
            extra_groups=[] if user else None,
        )
        if done.returncode:
            log = self.home.logs_dir / "postgres-initdb.log"
            write_atomically(log, done.stdout + done.stderr)
            raise PartFailedError(f"the cluster of PostgreSQL could not be initialised: see {log}")
        (draft / "data").rename(self._data)
        shutil.rmtree(draft)

    def _clear_remains(self) -> None:
        """Wait for the children of a killed server, then remove its pid file.

        Its number may by now belong to another process, and the server would refuse to start. The
        file also protects a cluster whose old children still write, so these are awaited first.
        """
        if self.process() is not None:
            return
        deadline = time.monotonic() + _ORPHANS_SECONDS
        while orphans := self._children():
            if time.monotonic() > deadline:
                for orphan in orphans:
                    orphan.kill()
                deadline = time.monotonic() + _ORPHANS_SECONDS
            time.sleep(0.1)
        (self._data / "postmaster.pid").unlink(missing_ok=True)

    def _children(self) -> list[psutil.Process]:
        found = []
        for process in psutil.process_iter():
            try:
                if process.name().startswith("postgres") and process.cwd() == str(self._data):
                    found.append(process)
            except psutil.Error:
                continue
        return found


def program(name: str, user: SystemUser | None) -> str:
    """Return the path of one of PostgreSQL's programs, where *user* can run it."""
    return str(installation(user) / "bin" / name)
