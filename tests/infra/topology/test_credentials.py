"""Credentials in the forms that foreign clients read."""

import json
import stat
from pathlib import Path

import pytest

from infra.home import Home
from infra.topology.credentials import Credentials, CredentialsError, Format

PORTS = {"kafka": 19092, "controller": 19093, "registry": 18080, "postgres": 15432, "access": 18443}


@pytest.fixture
def stopped_home(tmp_path: Path) -> Home:
    """Return a home that looks started; nothing listens."""
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "up").touch()
    (tmp_path / "ports.json").write_text(json.dumps(PORTS), encoding="utf-8")
    return Home(tmp_path)


def test_a_principal_unknown_to_the_topology_is_refused_with_advice(stopped_home: Home) -> None:
    with pytest.raises(CredentialsError, match="hub topology show"):
        Credentials.of(stopped_home, "atlantis")
    assert not list(stopped_home.path.glob("secrets/*"))


def test_credentials_name_what_the_principal_may_read_and_write(stopped_home: Home) -> None:
    found = Credentials.of(stopped_home, "rs-police")
    assert found.writes == ("in.rs-police",)
    assert found.reads == ("receipts.rs-police", "roots.rs-police")
    assert found.group_prefix == "rs-police."
    assert found.registry_url == "https://127.0.0.1:18443/registry"
    assert found.keys_url == "https://127.0.0.1:18443/keys"


def test_the_password_is_not_in_the_repr(stopped_home: Home) -> None:
    found = Credentials.of(stopped_home, "europol")
    assert found.password == stopped_home.password("europol")
    assert found.password not in repr(found)


@pytest.mark.parametrize("form", ["librdkafka", "java", "env"])
def test_a_written_file_is_for_its_owner_alone(stopped_home: Home, tmp_path: Path, form: Format) -> None:
    file = tmp_path / "europol.conf"
    Credentials.of(stopped_home, "europol").write(file, form)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stopped_home.password("europol") in file.read_text(encoding="utf-8")


def test_the_env_file_gives_the_same_credentials_back(tmp_path: Path, stopped_home: Home) -> None:
    for principal in ("europol", "rs-police", "bg-police"):
        found = Credentials.of(stopped_home, principal)
        found.write(tmp_path / "env", "env")
        assert Credentials.load(tmp_path / "env") == found


def test_an_env_file_with_a_path_that_needs_quotes_is_read_back(tmp_path: Path) -> None:
    given = Credentials(
        principal="europol",
        password='a\'b "c" $d',
        bootstrap="127.0.0.1:1",
        ca_file=Path("/a folder/ca.pem"),
        access_url="https://127.0.0.1:2",
        signing_key_file=Path("/a folder/key's.pem"),
    )
    given.write(tmp_path / "env", "env")
    assert Credentials.load(tmp_path / "env") == given


def test_an_incomplete_env_file_says_what_it_lacks(tmp_path: Path) -> None:
    file = tmp_path / "env"
    file.write_text("# a comment = nothing\nHUB_PRINCIPAL=europol\n", encoding="utf-8")
    with pytest.raises(CredentialsError, match="HUB_ACCESS_URL, HUB_BOOTSTRAP, HUB_CA_FILE, HUB_PASSWORD"):
        Credentials.load(file)


def test_a_missing_env_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CredentialsError, match="cannot read"):
        Credentials.load(tmp_path / "nothing")


def test_librdkafka_gets_only_properties_that_it_knows(stopped_home: Home) -> None:
    from confluent_kafka import Consumer

    stopped_home.ca_file.parent.mkdir(parents=True)
    stopped_home.ca_file.touch()
    text = Credentials.of(stopped_home, "europol").text("librdkafka")
    settings = dict(line.split("=", 1) for line in text.splitlines() if not line.startswith("#"))
    del settings["ssl.ca.location"]
    Consumer({**settings, "group.id": "europol.test"}).close()


def test_java_reads_committed_events_only(stopped_home: Home) -> None:
    assert "isolation.level=read_committed\n" in Credentials.of(stopped_home, "europol").text("java")
