"""What the access server answers, without a network: its real application on a vault and a clock in memory."""

import base64
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, cast

import httpx
import psycopg

from infra.access.server import application
from infra.home import Home
from schemas.errors import UnavailableError
from schemas.names import PartnerId
from tests.attacks.counting_vault import CountingVault
from tests.attacks.hub import Hub, topology

PASSWORD = "invented"


class _Clock:
    async def now(self) -> Any:
        from tests.attacks.hub import NOW

        return NOW


class _Control:
    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    async def state(self) -> Any:
        return self._hub.inputs().control


def client(hub: Hub) -> httpx.AsyncClient:
    """Return a client of the access server of *hub*; its registry answers nothing."""
    app = application(cast("Home", SimpleNamespace(password=lambda _name: PASSWORD, clock="real")))
    app.state.place, app.state.vault, app.state.control = SimpleNamespace(clock=_Clock()), hub.vault, _Control(hub)

    def registry(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/mode"):
            raise httpx.ConnectError(f"no answer from {request.url}")
        return httpx.Response(404, json={})

    app.state.registry = httpx.AsyncClient(base_url="http://registry", transport=httpx.MockTransport(registry))
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://access")


def basic(principal: str, password: str = PASSWORD) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{principal}:{password}".encode()).decode()}


async def bodies(hub: Hub, personal: str) -> Mapping[str, bytes]:
    """Return every kind of answer: keys, feeds, and errors to somebody who puts *personal* wherever one can."""
    found: dict[str, bytes] = {}
    vault: CountingVault = hub.vault
    async with client(hub) as http:

        async def ask(name: str, method: str, url: str, **how: Any) -> None:
            answer = await http.request(method, url, **how)
            head = sorted((key, value) for key, value in answer.headers.items() if key != "date")
            found[name] = repr((answer.status_code, head)).encode() + answer.content

        for partner in topology().partners:
            who = str(PartnerId(partner.id))
            kids = [kid for (whose, _), (kid, _, _) in vault.data_keys.items() if whose == who]
            await ask(f"keys of {who}", "POST", "/keys", json={"kids": kids}, headers=basic(who))
            await ask(f"feed of {who}", "GET", "/feed", headers=basic(who))
        own = basic("europol")
        await ask("unknown path", "GET", f"/{personal}", headers=own)
        await ask("unknown subject", "GET", f"/registry/subjects/{personal}/versions", headers=own)
        await ask("unread path", "GET", f"/registry/{personal}", headers=own)
        await ask("write", "DELETE", f"/registry/subjects/{personal}", headers=own)
        await ask("wrong method", "PUT", f"/keys?{personal}", json={}, headers=own)
        await ask("unknown user", "GET", "/feed", headers=basic(personal))
        await ask("wrong password", "GET", "/feed", headers=basic("europol", personal))
        await ask("not base64", "GET", "/feed", headers={"Authorization": f"Basic {personal}"})
        await ask("wrong scheme", "GET", "/feed", headers={"Authorization": f"Bearer {personal}"})
        await ask("invalid body", "POST", "/keys", json={"kids": personal}, headers=own)
        await ask("invalid json", "POST", "/keys", content=f"{{{personal}", headers=own)
        await ask("wrong types", "POST", "/keys", json={"kids": [{"name": personal}]}, headers=own)
        await ask("no body", "POST", "/keys", headers=own | {"X-Name": personal})
        await ask("unknown fields", "POST", "/keys", json={"kids": [], personal: personal}, headers=own)
        await ask("length", "POST", "/keys", content=b"{}", headers=own | {"Content-Length": personal})
        await ask("registry away", "GET", f"/registry/mode?{personal}", headers=own)
        for error in (
            ValueError(personal),
            KeyError(personal),
            psycopg.errors.UniqueViolation(f"duplicate key DETAIL: Key (name)=({personal}) already exists."),
            UnavailableError("the vault does not answer"),
        ):
            vault.fails = error
            await ask(f"broken vault, {type(error).__name__}", "POST", "/keys", json={"kids": ["x"]}, headers=own)
        vault.fails = None
        await ask("agency", "GET", "/feed", headers=basic("rs-police"))
    return found
