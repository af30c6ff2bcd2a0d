"""The registry: principal x method x path, directly and through the access server: only the hub writes."""

from collections.abc import Iterator
from itertools import product

import httpx
import pytest

from infra.home import Home
from infra.topology.model import load_topology

pytestmark = pytest.mark.stack
TOPOLOGY = load_topology()
PRINCIPALS = tuple(map(str, TOPOLOGY.principals()))
SUBJECT = "ledger-hub.ledger.v1.PersonIdentified"
METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH")
CCOMPAT, CORE, ADMINISTRATION = "/apis/ccompat/v7", "/apis/registry/v3", "/apis/registry/v3/admin"
PATHS = (
    "/",
    "/health/ready",
    "/metrics",
    "/q/health",
    "/apis",
    f"{CCOMPAT}/subjects",
    f"{CCOMPAT}/subjects/{SUBJECT}",
    f"{CCOMPAT}/subjects/{SUBJECT}/versions",
    f"{CCOMPAT}/subjects/{SUBJECT}/versions/1",
    f"{CCOMPAT}/schemas/ids/1",
    f"{CCOMPAT}/config",
    f"{CCOMPAT}/mode",
    f"{CORE}/system/info",
    f"{CORE}/groups/default/artifacts",
    f"{ADMINISTRATION}/rules",
    f"{ADMINISTRATION}/roleMappings",
    f"{ADMINISTRATION}/export",
    "/apis/registry/v2/admin/rules",
)
BELOW_ACCESS = (
    "subjects",
    f"subjects/{SUBJECT}",
    f"subjects/{SUBJECT}/versions",
    f"subjects/{SUBJECT}/versions/1",
    "subjects/unheard-of",
    "schemas/ids/1",
    "schemas/types",
    "config",
    f"config/{SUBJECT}",
    "mode",
    "contexts",
    "exporters",
    "../../registry/v3/admin/rules",
    "..%2f..%2fregistry/v3/admin/rules",
)
READABLE = {
    "subjects",
    f"subjects/{SUBJECT}/versions",
    f"subjects/{SUBJECT}/versions/1",
    "schemas/ids/1",
    "schemas/types",
    "config",
    f"config/{SUBJECT}",
    "mode",
}
REFUSED = {httpx.codes.FORBIDDEN, httpx.codes.NOT_FOUND, httpx.codes.METHOD_NOT_ALLOWED}
BODY = {"schema": '{"type": "string"}'}


@pytest.fixture
def direct(home: Home) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=home.endpoints().registry_url, verify=home.ssl_context(), timeout=20) as client:
        yield client


@pytest.fixture
def access(home: Home) -> Iterator[httpx.Client]:
    base = f"{home.endpoints().access_url}/registry/"
    with httpx.Client(base_url=base, verify=home.ssl_context(), timeout=20) as client:
        yield client


def state_of(home: Home, direct: httpx.Client) -> tuple[object, object, object]:
    """Return all that a successful attempt would have changed."""
    asked = (f"{CCOMPAT}/subjects/{SUBJECT}/versions", f"{CCOMPAT}/config", f"{CCOMPAT}/mode")
    found = [direct.get(path, auth=home.registry_auth()).json() for path in asked]
    return (found[0], found[1], found[2])


@pytest.mark.parametrize("method", METHODS)
def test_the_registry_itself_lets_in_no_principal_on_any_path(home: Home, direct: httpx.Client, method: str) -> None:
    before = state_of(home, direct)
    who = [None, ("hub", "guess"), ("admin", "admin"), *((name, home.password(name)) for name in PRINCIPALS)]
    let_in = [
        (credentials and credentials[0], path)
        for credentials, path in product(who, PATHS)
        if direct.request(method, path, auth=credentials, json=BODY).status_code != httpx.codes.UNAUTHORIZED
    ]
    assert not let_in
    assert state_of(home, direct) == before


@pytest.mark.parametrize("method", METHODS)
def test_the_access_server_asks_everybody_who_they_are(access: httpx.Client, home: Home, method: str) -> None:
    for credentials, path in product((None, ("europol", "guess"), ("hub", home.registry_auth()[1])), BELOW_ACCESS):
        answer = access.request(method, path, auth=credentials, json=BODY)
        assert (path, answer.status_code) in {
            (path, httpx.codes.UNAUTHORIZED),
            (path, httpx.codes.NOT_FOUND),  # no path of the server
            (path, httpx.codes.METHOD_NOT_ALLOWED),
        }


@pytest.mark.parametrize("method", METHODS)
def test_through_the_access_server_principals_read_schemas_and_write_nothing(
    home: Home, direct: httpx.Client, access: httpx.Client, method: str
) -> None:
    before = state_of(home, direct)
    cells: dict[tuple[str, str], int] = {}
    for principal, path in product(PRINCIPALS, BELOW_ACCESS):
        auth = (principal, home.password(principal))
        cells[principal, path] = access.request(method, path, auth=auth, json=BODY).status_code
    wrong = {cell: code for cell, code in cells.items() if not is_right(method, cell[1], code)}
    assert not wrong
    assert state_of(home, direct) == before


def is_right(method: str, path: str, code: int) -> bool:
    """Whether *code* is what a principal should hear: schemas are read and looked up, all else is refused."""
    if method == "GET" and path in READABLE:
        return code == httpx.codes.OK
    if method == "POST" and path in (f"subjects/{SUBJECT}", "subjects/unheard-of"):
        return code == httpx.codes.NOT_FOUND  # a look-up: there is no such schema under it
    return code in REFUSED
