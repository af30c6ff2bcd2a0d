"""The access server as agencies and partners use it: schemas, the hub's clock, agreements, keys of the own feed."""

import base64
import datetime as dt
import ssl
import time
from collections.abc import Collection
from dataclasses import dataclass
from typing import cast

import httpx

from infra.topology.credentials import Credentials
from schemas.errors import RejectedError, UnavailableError
from schemas.names import KeyId
from schemas.registry import Registry

KIDS_PER_CALL = 2000
CLOCK_S = 0.5
"""How long the time of a simulated hub is taken to stand still."""


class AccessUnavailableError(UnavailableError):
    """The access server does not answer."""

    code = "access-unavailable"


class AccessRefusedError(RejectedError):
    """The access server refuses this principal."""

    code = "access-refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedAgreement:
    """An agreement that a partner's feed rests on."""

    id: str
    title: str
    event_types: tuple[str, ...]
    view: str
    valid_until: str
    state: str


class Access:
    """A connection to the access server as the principal of *credentials*."""

    def __init__(self, credentials: Credentials, *, timeout_s: float = 10.0) -> None:
        self._credentials = credentials
        self._tls = ssl.create_default_context(cafile=str(credentials.ca_file))
        self._client = httpx.Client(
            base_url=credentials.access_url,
            auth=(credentials.principal, credentials.password),
            verify=self._tls,
            timeout=timeout_s,
            trust_env=False,
        )
        self._offset: dt.timedelta | None = None
        self._simulated: tuple[float, dt.datetime] | None = None

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def registry(self) -> Registry:
        """Return the schema registry, to read."""
        auth = (str(self._credentials.principal), self._credentials.password)
        return Registry(self._credentials.registry_url, ssl_context=self._tls, auth=auth)

    def now(self) -> dt.datetime:
        """Return the hub's time in UTC: the system's, or that of a simulated hub."""
        system = dt.datetime.now(dt.UTC)
        if self._offset is not None:
            return system
        if self._simulated is not None and time.monotonic() - self._simulated[0] < CLOCK_S:
            return self._simulated[1]
        answer = cast("dict[str, str]", self._call("GET", "/clock"))
        if answer["kind"] == "real":
            self._offset = dt.timedelta(0)
            return system
        self._simulated = (time.monotonic(), dt.datetime.fromisoformat(answer["now"]))
        return self._simulated[1]

    def agreements(self) -> tuple[FeedAgreement, ...]:
        """Return the agreements of this partner, in force or not."""
        found = cast("dict[str, list[dict[str, object]]]", self._call("GET", "/feed"))["agreements"]
        return tuple(
            FeedAgreement(
                id=str(each["id"]),
                title=str(each["title"]),
                event_types=tuple(cast("list[str]", each["event_types"])),
                view=str(each["view"]),
                valid_until=str(each["valid_until"]),
                state=str(each["state"]),
            )
            for each in found
        )

    def keys(self, kids: Collection[KeyId]) -> dict[KeyId, bytes | None]:
        """Return the keys of the own feed by id; None for one that was destroyed."""
        found: dict[KeyId, bytes | None] = {}
        several = sorted(kids)
        for start in range(0, len(several), KIDS_PER_CALL):
            body = {"kids": several[start : start + KIDS_PER_CALL]}
            answer = cast("dict[str, dict[str, str | None]]", self._call("POST", "/keys", body))
            found |= {KeyId(kid): None if key is None else base64.b64decode(key) for kid, key in answer["keys"].items()}
        return found

    def _call(self, method: str, path: str, body: object = None) -> object:
        try:
            answer = self._client.request(method, path, json=body)
        except httpx.HTTPError as error:
            raise AccessUnavailableError(f"the access server does not answer ({type(error).__name__})") from None
        if answer.status_code >= httpx.codes.INTERNAL_SERVER_ERROR:
            raise AccessUnavailableError(f"the hub cannot answer now: {_detail(answer)}; try again later")
        if answer.is_error:
            raise AccessRefusedError(_detail(answer))
        return answer.json()


def _detail(answer: httpx.Response) -> str:
    """Return what the access server says of an error."""
    try:
        return str(answer.json()["detail"])
    except (ValueError, KeyError, TypeError):
        return f"status {answer.status_code}"
