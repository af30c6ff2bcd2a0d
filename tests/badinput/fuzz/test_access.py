"""Odd requests to the access server: each is answered, none by a crash, and no answer repeats what was asked."""

import base64
import json
import random
import socket
import ssl
from collections.abc import Iterator

import httpx
import pytest
from fastapi.routing import APIRoute
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infra.access.server import application
from infra.home import Home
from infra.topology.credentials import Credentials
from tests.badinput.fuzz.messages import documents
from tests.badinput.fuzz.mutating import bent, chance_of, mutated

pytestmark = pytest.mark.stack
CANARY = "canary-Milica"
BODIES = (b"", b"{", b"[]", b'{"kids": ["x"]}', json.dumps({"kids": [CANARY] * 9}).encode(), b"\xff\xfe\0", b'"' * 999)
EACH = 40


def paths(home: Home) -> list[tuple[str, str]]:
    """Return every method and path that the server answers."""
    routes = [each for each in application(home).routes if isinstance(each, APIRoute)]
    return sorted((method, each.path) for each in routes for method in each.methods)


def filled(chance: random.Random, path: str) -> str:
    """Return *path* with something odd in the place of each parameter, and now and then in its query."""
    odd = [
        CANARY,
        "..",
        "%00",
        "%2e%2e%2f",
        "a" * 3_000,
        "%ff",
        "*",
        "subjects/x",
        "0",
        "-1",
        "rs-police@17",
        "%F0%9F%98%80",
    ]
    while "{" in path:
        start, _, rest = path.partition("{")
        path = start + chance.choice(odd) + rest.partition("}")[2]
    return path + chance.choice(("", "", f"?limit={chance.choice(odd)}&after={CANARY}", "?" + "&" * 50))


def body(chance: random.Random) -> bytes:
    """Return what somebody might send by mistake, or not by mistake."""
    if chance.random() < 1 / 2:
        return chance.choice(BODIES)
    whole = json.dumps(bent(chance, {"kids": [CANARY], "event": dict(chance.choice(documents()))}))
    return whole.encode("utf-8", "surrogatepass") if chance.random() < 1 / 2 else mutated(chance, b"{" * 9, BODIES[4])


@pytest.fixture
def client(home: Home) -> Iterator[httpx.Client]:
    """Yield a connection without credentials."""
    url = Credentials.of(home, "europol").access_url
    with httpx.Client(base_url=url, verify=home.ssl_context(), trust_env=False, timeout=30) as found:
        yield found


def test_every_odd_request_is_answered_and_nothing_of_it_is_repeated(home: Home, client: httpx.Client) -> None:
    known = paths(home)
    passwords = {who: home.password(who) for who in ("europol", "rs-police")}

    @settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.integers(0, 2**32))
    def each(seed: int) -> None:
        chance = chance_of(seed)
        for _ in range(EACH):
            method, path = chance.choice(known)
            who = chance.choice((*passwords, CANARY))
            auth = None if chance.random() < 1 / 5 else (who, passwords.get(who, "wrong"))
            answer = client.request(method, filled(chance, path), content=body(chance), auth=auth)
            assert answer.status_code < httpx.codes.INTERNAL_SERVER_ERROR, (method, path)
            assert CANARY not in answer.text
            assert auth is not None or path == "/health" or answer.is_client_error

    each()
    assert client.get("/health").json() == {"state": "up"}


@pytest.mark.parametrize("seed", range(8))
def test_what_is_no_request_is_answered_or_hung_up_on(home: Home, client: httpx.Client, seed: int) -> None:
    chance, url = chance_of(seed), client.base_url
    sign_in = base64.b64encode(f"europol:{home.password('europol')}".encode())
    whole = b"POST /keys HTTP/1.1\r\nHost: x\r\nAuthorization: Basic " + sign_in + b"\r\nContent-Length: 13\r\n\r\n"
    for _ in range(20):
        with socket.create_connection((url.host, url.port or 0), timeout=10) as plain:
            tls: ssl.SSLContext = home.ssl_context()
            with tls.wrap_socket(plain, server_hostname=url.host) as connection:
                connection.sendall(mutated(chance, whole + b'{"kids": []}\n', whole))
                connection.shutdown(socket.SHUT_WR)
                answer = connection.recv(4_096)
                assert not answer.startswith(b"HTTP/1.1 5"), answer[:40]
                assert sign_in not in answer
    assert client.get("/health").json() == {"state": "up"}
