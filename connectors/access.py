"""The access server as agencies and partners use it: schemas, the hub's clock, agreements, keys of the own feed."""

import base64
import datetime as dt
import hashlib
import json
import ssl
import time
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import httpx

from infra.arrival.sealed import HubKey
from infra.home import write_atomically
from infra.topology.credentials import Credentials
from schemas.errors import RejectedError, UnavailableError
from schemas.names import KeyId
from schemas.registry import Registry

KIDS_PER_CALL = 2000
CLOCK_S = 0.5
"""How long the time of a simulated hub is taken to stand still."""
MOMENT_S = 0.05
"""The same for a real one: limits that are worked out for a moment serve the events of the next."""


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
    """A connection to the access server as the principal of *credentials*.

    What the folder *memory* holds from an earlier time is not asked for again: with it an agency can check its events
    while the hub is away. Nothing in it is secret.
    """

    def __init__(self, credentials: Credentials, *, timeout_s: float = 10.0, memory: Path | None = None) -> None:
        self._credentials = credentials
        self._memory = None if memory is None else memory / _name_of(credentials)
        self._tls = ssl.create_default_context(cafile=str(credentials.ca_file))
        self._client = httpx.Client(
            base_url=credentials.access_url,
            auth=(credentials.principal, credentials.password),
            verify=self._tls,
            timeout=timeout_s,
            trust_env=False,
        )
        self._is_real = self._remembered_clock() == "real"
        self._arrival_key: HubKey | None = None
        self._moment: tuple[float, dt.datetime] | None = None

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    def registry(self) -> Registry:
        """Return the schema registry, to read."""
        auth = (str(self._credentials.principal), self._credentials.password)
        cache_dir = None if self._memory is None else self._memory / "schemas"
        return Registry(self._credentials.registry_url, ssl_context=self._tls, auth=auth, cache_dir=cache_dir)

    def check(self) -> None:
        """Raise AccessRefusedError when the hub does not know these credentials, AccessUnavailableError when away."""
        self.call("GET", "/clock")

    def now(self) -> dt.datetime:
        """Return the hub's time in UTC: the system's, or that of a simulated hub."""
        ticks = time.monotonic()
        if self._moment is not None and ticks - self._moment[0] < (MOMENT_S if self._is_real else CLOCK_S):
            return self._moment[1]
        answer = {"kind": "real"} if self._is_real else self._clock()
        self._is_real = answer["kind"] == "real"
        now = dt.datetime.now(dt.UTC) if self._is_real else dt.datetime.fromisoformat(answer["now"])
        self._moment = (ticks, now)
        return now

    def _clock(self) -> dict[str, str]:
        """Return the hub's clock: its kind, which never changes, and its time; the last known one when it is away."""
        file = None if self._memory is None else self._memory / "clock.json"
        try:
            answer = cast("dict[str, str]", self.call("GET", "/clock"))
        except AccessUnavailableError:
            if file is None or not file.is_file():
                raise
            return cast("dict[str, str]", json.loads(file.read_text(encoding="utf-8")))
        if file is not None:
            write_atomically(file, json.dumps(answer))
        return answer

    def _remembered_clock(self) -> str | None:
        """Return the kind of the hub's clock as far as it is remembered."""
        if self._memory is None:
            return None
        try:
            return str(json.loads((self._memory / "clock.json").read_text(encoding="utf-8"))["kind"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def arrival_key(self) -> HubKey:
        """Return the public key to which events are sealed; the last known one when the hub is away."""
        file = None if self._memory is None else self._memory / "arrival-key.json"
        try:
            answer = cast("dict[str, str]", self.call("GET", "/arrival-key"))
        except AccessUnavailableError:
            if self._arrival_key is not None:
                return self._arrival_key
            if file is None or not file.is_file():
                raise
            answer = cast("dict[str, str]", json.loads(file.read_text(encoding="utf-8")))
        else:
            if file is not None:
                write_atomically(file, json.dumps(answer))
        key = HubKey(key_id=answer["key_id"], public_key=base64.b64decode(answer["public_key"]))
        self._arrival_key = key
        return key

    def agreements(self) -> tuple[FeedAgreement, ...]:
        """Return the agreements of this partner, in force or not."""
        found = cast("dict[str, list[dict[str, object]]]", self.call("GET", "/feed"))["agreements"]
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
            answer = cast("dict[str, dict[str, str | None]]", self.call("POST", "/keys", body))
            found |= {KeyId(kid): None if key is None else base64.b64decode(key) for kid, key in answer["keys"].items()}
        return found

    def call(self, method: str, path: str, body: object = None) -> object:
        """Return what the access server answers; raise AccessRefusedError, AccessUnavailableError."""
        try:
            answer = self._client.request(method, path, json=body)
        except httpx.HTTPError as error:
            raise AccessUnavailableError(f"the access server does not answer ({type(error).__name__})") from None
        if answer.status_code >= httpx.codes.INTERNAL_SERVER_ERROR:
            raise AccessUnavailableError(f"the hub cannot answer now: {_detail(answer)}; try again later")
        if answer.is_error:
            raise AccessRefusedError(_detail(answer))
        return answer.json()


def _name_of(credentials: Credentials) -> str:
    """Return a name for the hub that *credentials* lead to: another authority signs for another hub."""
    return hashlib.sha256(credentials.access_url.encode() + credentials.ca_file.read_bytes()).hexdigest()[:16]


def _detail(answer: httpx.Response) -> str:
    """Return what the access server says of an error."""
    try:
        return str(answer.json()["detail"])
    except (ValueError, KeyError, TypeError):
        return f"status {answer.status_code}"
