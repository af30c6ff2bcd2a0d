"""No anonymous client, no password in arguments, no secret that others read: on the running stack."""

import socket
import ssl
import stat

import httpx
import psutil
import psycopg
import pytest
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, ConfigResource

from infra.home import LOOPBACK, Home
from infra.settings import Settings
from infra.stack.supervisor import parts

pytestmark = pytest.mark.stack


def kafka(home: Home, **changes: str) -> AdminClient:
    settings = {
        "bootstrap.servers": home.endpoints().bootstrap,
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": "hub-admin",
        "sasl.password": home.password("hub-admin"),
        "ssl.ca.location": str(home.ca_file),
        "log_level": "0",
    }
    return AdminClient(settings | {name.replace("_", "."): value for name, value in changes.items()})


def test_kafka_knows_its_admin_and_nobody_else(home: Home) -> None:
    assert kafka(home).list_topics(timeout=10).brokers
    for changes in (
        {"sasl_password": "wrong"},
        {"sasl_username": "nobody"},
        {"security_protocol": "SSL"},
        {"security_protocol": "PLAINTEXT"},
    ):
        with pytest.raises(KafkaException):
            kafka(home, **changes).list_topics(timeout=2)


def test_the_controller_refuses_a_client_without_certificate(home: Home) -> None:
    def knock() -> None:
        plain = socket.create_connection((LOOPBACK, home.ports.controller), timeout=5)
        with plain, home.ssl_context().wrap_socket(plain, server_hostname=LOOPBACK) as wrapped:
            wrapped.recv(1)  # TLS 1.3 tells the client only now

    with pytest.raises((ssl.SSLError, ConnectionError)):
        knock()


@pytest.mark.parametrize("path", ["/", "/apis/ccompat/v7/subjects", "/apis/registry/v3/system/info", "/health/ready"])
def test_the_registry_answers_nobody_without_credentials(home: Home, path: str) -> None:
    url, context = home.endpoints().registry_url + path, home.ssl_context()
    for credentials in (None, ("hub", "wrong"), ("admin", "admin")):
        assert httpx.get(url, auth=credentials, verify=context, timeout=10).status_code == httpx.codes.UNAUTHORIZED


def test_the_registry_lets_the_hub_in_over_tls_only(home: Home) -> None:
    url, auth = home.endpoints().registry_url + "/apis/ccompat/v7/subjects", home.registry_auth()
    assert httpx.get(url, auth=auth, verify=home.ssl_context(), timeout=10).status_code == httpx.codes.OK
    with pytest.raises(httpx.HTTPError):
        httpx.get(url, auth=auth, timeout=10)
    with pytest.raises(httpx.HTTPError):
        httpx.get(url.replace("https:", "http:"), auth=auth, timeout=10)


@pytest.mark.parametrize(
    "role", ["hub_admin", "hub_vault", "hub_streams", "hub_projections", "hub_access", "hub_reader"]
)
def test_postgres_lets_in_each_role_with_its_password_only(home: Home, role: str) -> None:
    with psycopg.connect(home.dsn(role)) as connection:
        assert connection.execute("SELECT current_user").fetchone() == (role,)
    for password in ("wrong", ""):
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(home.dsn(role), password=password)


def test_a_role_of_the_hub_cannot_open_the_database_of_the_registry(home: Home) -> None:
    with pytest.raises(psycopg.OperationalError, match="permission denied"):
        psycopg.connect(home.dsn("hub_streams", "registry"))
    with pytest.raises(psycopg.OperationalError, match="permission denied"):
        psycopg.connect(home.dsn("registry", "hub"))


def test_no_process_shows_a_secret_in_its_arguments(home: Home) -> None:
    known = [file.read_text() for file in home.secrets_dir.iterdir()]
    shown = [part.process() for part in parts(home, Settings())]
    running = [process for process in shown if process is not None]
    assert len(running) >= 3
    for process in running:
        assert not [secret for secret in known if secret in " ".join(process.cmdline())]


def test_every_part_listens_on_loopback_only(home: Home) -> None:
    for part in parts(home, Settings()):
        process = part.process()
        if process is None:
            continue
        listening = [c.laddr for c in process.net_connections("inet") if c.status == psutil.CONN_LISTEN]
        assert {address.ip for address in listening} <= {LOOPBACK, "::1", f"::ffff:{LOOPBACK}"}
        assert part.port in {address.port for address in listening}


def test_files_with_secrets_are_closed_to_others(home: Home) -> None:
    closed = [*home.secrets_dir.iterdir(), home.kafka_dir / "server.properties", *home.tls_dir.glob("*.key")]
    closed += [*home.tls_dir.glob("*.store.pem"), *home.logs_dir.iterdir()]
    assert {stat.S_IMODE(file.stat().st_mode) for file in closed} == {0o600}


def test_a_session_with_the_broker_ends_in_bounded_time_whatever_password_it_began_with(home: Home) -> None:
    broker = ConfigResource(ConfigResource.Type.BROKER, "1")
    admin = kafka(home)
    (found,) = (future.result(20) for future in admin.describe_configs([broker], request_timeout=20).values())
    assert 0 < int(found["connections.max.reauth.ms"].value) <= 60 * 60 * 1000
