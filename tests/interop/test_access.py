"""The access server: to each what is theirs, and no answer that repeats what was asked."""

from typing import Any

import httpx
import pytest

from infra.home import Home
from infra.topology.credentials import Credentials
from schemas.catalogue import contract
from schemas.registry import canonical_json

pytestmark = pytest.mark.stack
CANARY = "canary-Milica"
KID = "5c1f6a3e-9f0b-4a55-8d4e-2b8f5a1f0cab"
"""A key id in its right form that was given to nobody."""
SUBJECT = "in.rs-police-hub.v1.PersonIdentified"


def ask(hub: Home, who: str, method: str, path: str, *, password: str | None = None, **body: Any) -> httpx.Response:
    mine = Credentials.of(hub, "europol")
    auth = (who, hub.password(who) if password is None else password)
    with httpx.Client(verify=hub.ssl_context(), auth=auth, trust_env=False, timeout=30) as client:
        return client.request(method, f"{mine.access_url}{path}", **body)


PATHS = [("GET", "/clock"), ("GET", "/feed"), ("POST", "/keys"), ("GET", f"/registry/subjects/{SUBJECT}/versions")]


@pytest.mark.parametrize(("method", "path"), PATHS)
def test_nobody_is_let_in_without_their_own_password(hub: Home, method: str, path: str) -> None:
    with httpx.Client(verify=hub.ssl_context(), trust_env=False, timeout=30) as client:
        assert client.request(method, Credentials.of(hub, "europol").access_url + path).status_code == 401
    for who, password in (("europol", "wrong"), ("europol", hub.password("selec")), (CANARY, "x"), ("", "")):
        refused = ask(hub, who, method, path, password=password)
        assert refused.status_code == 401
        assert CANARY not in refused.text


def test_schemas_are_read_and_looked_up(hub: Home) -> None:
    assert ask(hub, "rs-police", "GET", f"/registry/subjects/{SUBJECT}/versions").json() == [1]
    schema = canonical_json(contract("PersonIdentified").schema)
    found = ask(hub, "rs-police", "POST", f"/registry/subjects/{SUBJECT}", json={"schema": schema})
    assert found.status_code == 200
    assert ask(hub, "rs-police", "GET", f"/registry/schemas/ids/{found.json()['id']}").status_code == 200


def test_a_subject_that_nobody_registered_is_not_asked_for_and_not_repeated(hub: Home) -> None:
    for method, path in (("GET", f"{CANARY}/versions"), ("GET", f"{CANARY}%20x"), ("POST", CANARY)):
        body = {"json": {"schema": "{}"}} if method == "POST" else {}
        answer = ask(hub, "rs-police", method, f"/registry/subjects/{path}", **body)
        assert answer.status_code == 404
        assert CANARY not in answer.text
    assert CANARY not in (hub.logs_dir / "registry.log").read_text("utf-8", errors="replace")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", f"/registry/subjects/{SUBJECT}/versions"),
        ("PUT", "/registry/config"),
        ("PUT", f"/registry/config/{SUBJECT}"),
        ("PUT", f"/registry/mode/{SUBJECT}"),
        ("DELETE", f"/registry/subjects/{SUBJECT}"),
        ("DELETE", f"/registry/subjects/{SUBJECT}/versions/1"),
        ("POST", f"/registry/compatibility/subjects/{SUBJECT}/versions/1"),
        ("GET", "/registry/admin/config"),
        ("GET", "/registry/subjects/%2e%2e/%2e%2e/%2e%2e/registry/v3/system/info"),
        ("GET", "/registry/subjects/..%2f..%2f..%2fregistry/v3/system/info"),
        ("POST", "/registry/subjects/%2e%2e"),
    ],
)
def test_the_registry_is_not_written_and_not_left(hub: Home, method: str, path: str) -> None:
    body = {"json": {"schema": '"string"', "compatibility": "NONE"}} if method in ("POST", "PUT") else {}
    assert ask(hub, "rs-police", method, path, **body).status_code in (403, 404, 405)


def test_keys_are_for_partners(hub: Home) -> None:
    assert ask(hub, "rs-police", "POST", "/keys", json={"kids": []}).status_code == 403
    assert ask(hub, "hub-intake", "POST", "/keys", json={"kids": []}).status_code == 403


@pytest.mark.parametrize(
    "kid",
    [
        KID,
        "",
        CANARY,
        "\0",
        f"urn:uuid:{KID}",
        f"{{{KID}}}",
        KID.replace("-", ""),
        KID.upper(),
        "1_2345678123456781234567812345678",
        "'; DROP TABLE vault.data_key; --",
    ],
)
def test_a_key_id_that_was_not_given_out_has_no_key(hub: Home, kid: str) -> None:
    answer = ask(hub, "europol", "POST", "/keys", json={"kids": [kid]})
    assert (answer.status_code, answer.json()) == (200, {"keys": {kid: None}})


@pytest.mark.parametrize(
    "body",
    [
        {"content": b"{" + CANARY.encode()},
        {"json": {"kids": CANARY}},
        {"json": {"kids": [[CANARY]]}},
        {"json": {CANARY: []}},
        {"json": [CANARY]},
        {"content": b"\xff\xfe"},
        {"json": {"kids": [CANARY] * 2001}},
    ],
)
def test_a_wrong_request_is_refused_without_repeating_it(hub: Home, body: Any) -> None:
    answer = ask(hub, "europol", "POST", "/keys", **body)
    assert 400 <= answer.status_code < 500
    assert CANARY not in answer.text
    assert CANARY not in str(answer.headers)


def test_a_feed_says_its_agreements_and_there_are_none_for_the_observer(hub: Home) -> None:
    found = ask(hub, "europol", "GET", "/feed").json()
    assert found["topic"] == "to.europol"
    assert {each["state"] for each in found["agreements"]} == {"in force"}
    assert ask(hub, "observer", "GET", "/feed").json()["agreements"] == []
    assert ask(hub, "rs-police", "GET", "/feed").status_code == 403
