"""No password is one that anybody could guess, and none stands in the program."""

import re
from pathlib import Path

import httpx
import psycopg
import pytest

import infra
from infra.home import Home
from infra.passwords.changing import signs_in
from infra.passwords.drafts import everybody
from infra.stack.postgres import OWNER, ROLES
from infra.topology.model import load_topology

TOPOLOGY = load_topology()
ROOT = Path(infra.__file__).parents[1]
ROOMS = ("schemas", "infra", "streams", "connectors", "projections")
COMMON = (
    "",
    "admin",
    "password",
    "changeit",
    "secret",
    "postgres",
    "kafka",
    "hub",
    "apicurio",
    "123456",
    "admin-secret",
)
WRITTEN_OUT = re.compile(r"""(?i)(?:password|passwd|credential)["']?\s*[=:]\s*["'][A-Za-z0-9!@#$%^&*_-]{4,}["']""")


@pytest.mark.stack
def test_every_credential_of_the_home_is_long_random_and_its_own(home: Home) -> None:
    found = [home.password(each.secret) for each in everybody(TOPOLOGY)]
    assert len(set(found)) == len(found)
    assert min(map(len, found)) >= 43  # 256 bits in base64
    assert min(len(set(word)) for word in found) > 15


@pytest.mark.stack
def test_the_broker_lets_nobody_in_with_a_common_password_or_its_own_name(home: Home) -> None:
    for name in ("hub-admin", "hub-intake", "europol", "rs-police", "admin", "kafka"):
        assert not [word for word in (*COMMON[1:], name) if signs_in(home, name, word)]


@pytest.mark.stack
@pytest.mark.parametrize("role", [OWNER, *ROLES, "postgres"])
def test_the_database_lets_nobody_in_with_a_common_password_or_its_own_name(home: Home, role: str) -> None:
    for word in (*COMMON, role):
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(home.dsn(OWNER), user=role, password=word)


@pytest.mark.stack
def test_registry_and_access_server_let_nobody_in_with_a_common_password_or_its_own_name(home: Home) -> None:
    endpoints = home.endpoints()
    urls = (f"{endpoints.registry_url}/apis/ccompat/v7/subjects", f"{endpoints.access_url}/registry/subjects")
    with httpx.Client(verify=home.ssl_context(), timeout=20) as client:
        for url in urls:
            for name in ("hub", "admin", "sr-admin", "europol", "hub-admin"):
                answers = {client.get(url, auth=(name, word)).status_code for word in (*COMMON, name)}
                assert answers == {httpx.codes.UNAUTHORIZED}


def test_no_password_stands_in_the_program_or_its_settings() -> None:
    files = [
        file
        for room in ROOMS
        for file in (ROOT / room).rglob("*")
        if file.suffix in {".py", ".toml", ".sql", ".properties", ".yaml"}
    ]
    assert len(files) > 100
    found = [
        (str(file.relative_to(ROOT)), match.group())
        for file in files
        for match in WRITTEN_OUT.finditer(file.read_text(encoding="utf-8"))
    ]
    assert not found


def test_the_search_would_find_one() -> None:
    assert WRITTEN_OUT.search('password = "changeit"')
    assert WRITTEN_OUT.search("{'sasl.password': 'admin-secret'}")
