"""HTTPS with Basic authentication for every principal of the topology.

Rule 1: schemas can be read and looked up here, never written.
Rule 2: a partner gets the keys that were made for its own feed and no others; what is destroyed is null for ever.
Rule 3: no answer repeats what was asked: an error text never holds input.
"""

import asyncio
import base64
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Annotated, Literal
from urllib.parse import unquote

import httpx
import psycopg
import structlog
from fastapi import Depends, FastAPI, HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.security import HTTPBasic, HTTPBasicCredentials
from pydantic import BaseModel, Field

from infra.access import deliveries, quarantine
from infra.access.delivery_book import DeliveryBook
from infra.access.quarantine import Desk
from infra.access.quarantine_book import QuarantineBook
from infra.access.quarantine_log import QuarantineLog
from infra.access.quarantine_opening import QuarantineOpener
from infra.arrival.keys import ArrivalKeys
from infra.control import ControlReader
from infra.erasure.replaying import Replayed
from infra.home import Home
from infra.registry import CONFLUENT_API
from infra.topology.model import load_topology
from infra.topology.subjects import subjects
from infra.vault.vault import Vault
from infra.workplace import Workplace, workplace
from schemas.errors import HubError, UnavailableError
from schemas.names import KeyId, PartnerId

log = structlog.get_logger()
KIDS_MAX = 2000
BODY_BYTES_MAX = 1_000_000
INVALID = {"/keys": f'expected {{"kids": […]}} with at most {KIDS_MAX} ids'}
FORM = "a number, a limit, an id or a reason is missing or not in its form; see docs/users/agency.md"
READABLE = ("schemas/ids/", "schemas/types", "subjects", "config", "mode")


class KeyRequest(BaseModel):
    """Which keys a partner asks for."""

    kids: Annotated[list[str], Field(max_length=KIDS_MAX)]


class KeyAnswer(BaseModel):
    """The keys, base64; null for one that was destroyed or was not made for the partner."""

    keys: dict[str, str | None]


class AgreementAnswer(BaseModel):
    """One agreement under which the partner's feed is open."""

    id: str
    version: int
    title: str
    event_types: list[str]
    view: str
    valid_until: str
    state: Literal["in force", "not yet valid", "expired"]


class FeedAnswer(BaseModel):
    """What a partner may expect on its feed."""

    partner: str
    topic: str
    agreements: list[AgreementAnswer]


def application(home: Home) -> FastAPI:  # noqa: C901, PLR0915 - one function for each path, nothing else
    """Return the access server of *home*."""
    known = frozenset(load_topology().principals())
    partners = frozenset(str(partner.id) for partner in load_topology().partners)
    subject_names = frozenset(each.name for each in subjects(load_topology()))
    basic = HTTPBasic(realm="hub")

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with workplace(home) as place:
            pool, own, readers = place.pool("hub_vault", 4), place.pool("hub_access", 2), place.pool("hub_reader", 2)
            for each in (pool, own, readers):
                await each.open()
            registry = httpx.AsyncClient(
                base_url=home.endpoints().registry_url + CONFLUENT_API,
                auth=home.registry_auth(),
                verify=home.ssl_context(),
                trust_env=False,
                timeout=10,
            )
            app.state.place, app.state.vault, app.state.registry = place, place.vault(pool), registry
            app.state.arrival = ArrivalKeys(pool, app.state.vault)
            app.state.control = ControlReader(place.credentials("hub-access"), place.codec)
            app.state.replayed = Replayed(place.credentials("hub-access"), place.codec, app.state.vault)
            app.state.deliveries = DeliveryBook(readers)
            app.state.desk = Desk(
                QuarantineLog(place.credentials("hub-access"), place.codec),
                QuarantineBook(own, readers),
                QuarantineOpener(app.state.vault, app.state.arrival, place.codec),
                app.state.replayed,
            )
            replaying = asyncio.create_task(app.state.replayed.eagerly())
            try:
                yield
            finally:
                replaying.cancel()
                await app.state.control.stop()
                await registry.aclose()
                for each in (pool, own, readers):
                    await each.close()

    app = FastAPI(title="Hub access server", lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)

    def principal(given: Annotated[HTTPBasicCredentials, Depends(basic)]) -> str:
        """Return who asks; the password is that of Kafka."""
        expected = home.password(given.username) if given.username in known else secrets.token_urlsafe()
        if not secrets.compare_digest(given.password.encode(), expected.encode()) or given.username not in known:
            log.warning("access_refused")
            raise HTTPException(401, "unknown principal or wrong password", {"WWW-Authenticate": 'Basic realm="hub"'})
        return given.username

    Principal = Annotated[str, Depends(principal)]  # noqa: N806 - a type

    @app.get("/health")
    async def health() -> dict[str, str]:
        return {"state": "up"}

    @app.get("/clock")
    async def clock(_who: Principal, request: Request) -> dict[str, str]:
        place: Workplace = request.app.state.place
        return {"now": (await place.clock.now()).isoformat(), "kind": home.clock}

    @app.get("/arrival-key")
    async def arrival_key(_who: Principal, request: Request) -> dict[str, str]:
        arrival: ArrivalKeys = request.app.state.arrival
        key = await arrival.current()
        return {"key_id": key.key_id, "public_key": base64.b64encode(key.public_key).decode()}

    @app.get("/feed")
    async def feed(who: Principal, request: Request) -> FeedAnswer:
        if who not in partners:
            raise HTTPException(403, "only a partner of the topology has a feed; `hub topology show` lists them")
        control: ControlReader = request.app.state.control
        place: Workplace = request.app.state.place
        today = (await place.clock.now()).date()
        return FeedAnswer(
            partner=who,
            topic=f"to.{who}",
            agreements=[
                AgreementAnswer(
                    id=each.id,
                    version=each.version,
                    title=each.title,
                    event_types=list(each.event_types),
                    view=each.view,
                    valid_until=each.valid_until.isoformat(),
                    state="expired"
                    if today > each.valid_until
                    else "in force"
                    if today >= each.valid_from
                    else "not yet valid",
                )
                for each in (await control.state()).agreements
                if each.partner == who
            ],
        )

    @app.post("/keys")
    async def keys(who: Principal, asked: KeyRequest, request: Request) -> KeyAnswer:
        if who not in partners:
            raise HTTPException(403, "keys are for partners with a feed")
        vault: Vault = request.app.state.vault
        await request.app.state.replayed.expect()  # no key leaves before it is known which were destroyed
        found = await vault.open([KeyId(kid) for kid in asked.kids], PartnerId(who))
        log.info(
            "keys_fetched",
            principal=who,
            asked=len(asked.kids),
            given=sum(key is not None for key in found.values()),
        )
        return KeyAnswer(
            keys={kid: None if key is None else base64.b64encode(key).decode() for kid, key in found.items()}
        )

    @app.api_route("/registry/{path:path}", methods=["GET", "POST"])
    async def registry(path: str, _who: Principal, request: Request) -> Response:
        lookup = request.method == "POST" and path.startswith("subjects/") and path.count("/") == 1
        plain = ".." not in path.split("/")  # else a step up would reach the registry's administration
        if plain and request.method == "GET" and not path.startswith(READABLE):
            return JSONResponse({"error_code": 404, "message": "nothing is read here"}, 404)  # clients go without it
        if not plain or (not lookup and not (request.method == "GET" and path.startswith(READABLE))):
            raise HTTPException(403, "schemas are read here; they are written with `hub topology apply`")
        if not request.scope["raw_path"].startswith(b"/registry/"):
            raise HTTPException(403, "write the path as it is documented")
        raw = request.scope["raw_path"].decode().split("/registry/", 1)[1]  # a subject may hold an encoded slash
        asked = raw.split("/")
        if len(asked) > 1 and asked[0] == "subjects" and unquote(asked[1]) not in subject_names:
            # Not asked further: the registry would write into its log and its answer whatever stands in the path.
            return JSONResponse({"error_code": 40401, "message": "no such subject"}, 404)
        upstream: httpx.AsyncClient = request.app.state.registry
        answer = await upstream.request(
            request.method,
            f"/{raw}",
            params=request.url.query,
            content=await request.body() if lookup else None,
            headers={"Content-Type": "application/json", "Accept": "application/json"},
        )
        return Response(answer.content, answer.status_code, media_type=answer.headers.get("Content-Type"))

    app.include_router(quarantine.router(principal))
    app.include_router(deliveries.router(principal))

    @app.middleware("http")
    async def small_bodies_only(request: Request, answer: Callable[[Request], Awaitable[Response]]) -> Response:
        # Before anybody has signed in: a body is read before the password is looked at.
        length = request.headers.get("Content-Length", "" if request.method in ("POST", "PUT", "PATCH") else "0")
        if "Transfer-Encoding" in request.headers or not (
            length.isascii() and length.isdigit() and int(length) <= BODY_BYTES_MAX
        ):
            return JSONResponse({"code": "too-large", "detail": f"say a length of at most {BODY_BYTES_MAX} bytes"}, 413)
        return await answer(request)

    @app.exception_handler(HubError)
    async def on_hub_error(_request: Request, error: HubError) -> JSONResponse:
        status = 503 if isinstance(error, UnavailableError) else 400
        return JSONResponse({"code": error.code, "detail": str(error)}, status)

    @app.exception_handler(psycopg.Error)
    async def on_database_error(_request: Request, _error: psycopg.Error) -> JSONResponse:
        return JSONResponse({"code": "database-unavailable", "detail": "PostgreSQL does not answer; `hub up`"}, 503)

    @app.exception_handler(httpx.HTTPError)
    async def on_upstream_error(_request: Request, _error: httpx.HTTPError) -> JSONResponse:
        return JSONResponse({"code": "registry-unavailable", "detail": "the schema registry does not answer"}, 503)

    @app.exception_handler(RequestValidationError)
    async def on_invalid(request: Request, _error: RequestValidationError) -> JSONResponse:
        return JSONResponse({"code": "invalid-request", "detail": INVALID.get(request.url.path, FORM)}, 422)

    return app
