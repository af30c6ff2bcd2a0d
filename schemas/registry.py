"""The client of the schema registry (Confluent API), cached in memory and on disk, fail-static.

What was once learnt stays known: schemas never change under an id. When the registry is away, known ids go on
working, after a restart as well, and only an id never seen before has to wait (`RegistryUnavailableError`).
"""

import contextlib
import hashlib
import json
import secrets
import ssl
import time
from collections.abc import Iterable
from pathlib import Path
from typing import cast
from urllib.parse import quote

import httpx

from schemas.errors import RejectedError, UnavailableError, UnknownSchemaError
from schemas.names import SchemaId

AvroSchema = dict[str, object]
"""A self-contained Avro schema of a record as parsed JSON, with its extra attributes."""

NOT_FOUND = frozenset({40401, 40402, 40403})
"""Error codes of the Confluent API for a subject, version or schema that is not there."""
MISSING_MAX = 10_000
MISSING_TTL_S = 30.0
"""How long an id that the registry does not have is remembered as missing."""


class RegistryUnavailableError(UnavailableError):
    """The schema registry does not answer."""

    code = "registry-unavailable"


class IncompatibleSchemaError(RejectedError):
    """The registry refused a schema as incompatible with an earlier version of its subject."""

    code = "incompatible-schema"


def canonical_json(schema: object) -> str:
    """Return *schema* as JSON that is the same for the same content."""
    return json.dumps(schema, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def fingerprint_of(schema: object) -> str:
    """Return the SHA-256 of *schema*, attributes included, as hexadecimal text.

    It is the same however names are spelt: Java's Avro, and so the registry, writes them relative to the namespace
    around them.
    """
    return hashlib.sha256(canonical_json(_relative(schema, "")).encode()).hexdigest()


def _relative(declared: object, namespace: str) -> object:
    """Return the type *declared* with every name relative to the namespace around it."""
    if isinstance(declared, str):
        return declared.removeprefix(f"{namespace}.")
    if isinstance(declared, list):
        return [_relative(branch, namespace) for branch in declared]
    if not isinstance(declared, dict):
        return declared
    inner = str(declared.get("namespace", namespace))
    copy = {key: value for key, value in declared.items() if key != "namespace" or value != namespace}
    if isinstance(declared.get("fields"), list):
        copy["fields"] = [{**field, "type": _relative(field["type"], inner)} for field in declared["fields"]]
    for key in ("items", "values"):
        if key in declared:
            copy[key] = _relative(declared[key], inner)
    return copy


class Registry:
    """The registry at *url*; *cache_dir* keeps what was learnt over restarts."""

    def __init__(
        self,
        url: str,
        *,
        ssl_context: ssl.SSLContext | None = None,
        auth: tuple[str, str] | None = None,
        cache_dir: Path | None = None,
        timeout_s: float = 10.0,
    ) -> None:
        self._client = httpx.Client(
            base_url=url.rstrip("/"),
            verify=ssl_context if ssl_context is not None else True,
            auth=auth,
            timeout=timeout_s,
            trust_env=False,
            headers={"Accept": "application/vnd.schemaregistry.v1+json, application/json"},
        )
        self._by_id: dict[SchemaId, AvroSchema] = {}
        self._missing: dict[SchemaId, float] = {}
        self._ids: dict[tuple[str, str], SchemaId] = {}
        self._cache_dir = cache_dir
        self._load_cache()

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def known(self, schema_id: SchemaId) -> AvroSchema | None:
        """Return the schema of *schema_id* from memory, None when it was not learnt yet; no I/O."""
        return self._by_id.get(schema_id)

    def schema(self, schema_id: SchemaId) -> AvroSchema:
        """Return the schema of *schema_id*; raise UnknownSchemaError or RegistryUnavailableError."""
        found = self._by_id.get(schema_id)
        if found is not None:
            return found
        if time.monotonic() < self._missing.get(schema_id, 0.0):
            raise UnknownSchemaError(f"the registry has no schema {schema_id}")
        answer = self._call("GET", f"/schemas/ids/{schema_id}")
        if _is_missing(answer):
            if len(self._missing) >= MISSING_MAX:  # ids are what senders write: there is no end of wrong ones
                self._missing.clear()
            self._missing[schema_id] = time.monotonic() + MISSING_TTL_S
            raise UnknownSchemaError(f"the registry has no schema {schema_id}; register it with `hub topology apply`")
        schema = self._schema_in(answer)
        self._by_id[schema_id] = schema
        self._store(f"id-{schema_id}.json", {"id": schema_id, "schema": schema})
        return schema

    def learn(self, schema_ids: Iterable[SchemaId]) -> None:
        """Fetch those of *schema_ids* that are not known; ids that do not exist are passed over."""
        for schema_id in schema_ids:
            if schema_id not in self._by_id:
                try:
                    self.schema(schema_id)
                except UnknownSchemaError:
                    continue

    def register(self, subject: str, schema: AvroSchema) -> SchemaId:
        """Register *schema* under *subject* and return its id; the same schema again gives the same id."""
        answer = self._call("POST", f"/subjects/{quote(subject, safe='')}/versions", {"schema": canonical_json(schema)})
        if answer.status_code == httpx.codes.CONFLICT:
            raise IncompatibleSchemaError(
                f"subject {subject}: not compatible with its earlier versions (FULL_TRANSITIVE)"
            )
        return self._learnt(subject, schema, answer)

    def id_of(self, subject: str, schema: AvroSchema) -> SchemaId:
        """Return the id under which exactly *schema* is registered for *subject*.

        Raises UnknownSchemaError when it is not registered, RegistryUnavailableError when never asked before.
        """
        known = self._ids.get((subject, fingerprint_of(schema)))
        if known is not None:
            return known
        answer = self._call("POST", f"/subjects/{quote(subject, safe='')}", {"schema": canonical_json(schema)})
        if _is_missing(answer):
            raise UnknownSchemaError(f"subject {subject} does not hold this schema; run `hub topology apply`")
        return self._learnt(subject, schema, answer)

    def versions(self, subject: str) -> tuple[int, ...]:
        """Return the versions of *subject*, none when it does not exist."""
        answer = self._call("GET", f"/subjects/{quote(subject, safe='')}/versions")
        if _is_missing(answer):
            return ()
        return tuple(cast("list[int]", self._json(answer)))

    def subjects(self) -> frozenset[str]:
        """Return the names of all subjects."""
        return frozenset(cast("list[str]", self._json(self._call("GET", "/subjects"))))

    def set_compatibility(self, level: str) -> None:
        """Set the compatibility of every subject to *level*, such as FULL_TRANSITIVE."""
        self._json(self._call("PUT", "/config", {"compatibility": level}))

    def compatibility(self) -> str:
        """Return the compatibility level that holds for every subject."""
        found = self._json(self._call("GET", "/config"))
        return str(found.get("compatibilityLevel") or found.get("compatibility"))

    def _learnt(self, subject: str, schema: AvroSchema, answer: httpx.Response) -> SchemaId:
        schema_id = SchemaId(int(self._json(answer)["id"]))
        fingerprint = fingerprint_of(schema)
        self._ids[subject, fingerprint] = schema_id
        self._by_id.setdefault(schema_id, schema)
        name = hashlib.sha256(f"{subject}|{fingerprint}".encode()).hexdigest()[:24]
        self._store(
            f"subject-{name}.json",
            {"subject": subject, "fingerprint": fingerprint, "id": schema_id, "schema": schema},
        )
        return schema_id

    def _call(self, method: str, path: str, body: object = None) -> httpx.Response:
        try:
            answer = self._client.request(method, path, json=body)
        except httpx.HTTPError as error:
            raise RegistryUnavailableError(f"the schema registry does not answer ({type(error).__name__})") from None
        if answer.status_code >= httpx.codes.INTERNAL_SERVER_ERROR:
            raise RegistryUnavailableError(f"the schema registry answers with status {answer.status_code}")
        if answer.status_code == httpx.codes.TOO_MANY_REQUESTS:
            raise RegistryUnavailableError("the schema registry asks to wait")
        if answer.status_code in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
            raise RegistryUnavailableError(
                "the schema registry refuses these credentials; check principal and password"
            )
        return answer

    def _json(self, answer: httpx.Response) -> dict[str, str]:
        if answer.status_code == httpx.codes.NOT_FOUND or not (answer.is_error or answer.is_success):
            raise RegistryUnavailableError("what answers at this address is no schema registry; check its address")
        if answer.is_error:
            raise RejectedError(f"the schema registry refused the request with status {answer.status_code}")
        try:
            return cast("dict[str, str]", answer.json())
        except ValueError:
            raise RegistryUnavailableError("the schema registry answers with something that is not JSON") from None

    def _schema_in(self, answer: httpx.Response) -> AvroSchema:
        try:
            return cast("AvroSchema", json.loads(self._json(answer)["schema"]))
        except (KeyError, TypeError, ValueError):
            raise RegistryUnavailableError("the schema registry answers without a schema") from None

    def _store(self, name: str, content: dict[str, object]) -> None:
        """Keep *content* on disk. A disk that takes nothing is no reason to stop: what was learnt is in memory."""
        if self._cache_dir is None:
            return
        partial = self._cache_dir / f".{name}.{secrets.token_hex(8)}"  # two threads may learn the same at once
        with contextlib.suppress(OSError):
            self._cache_dir.mkdir(parents=True, exist_ok=True)
            partial.write_text(canonical_json(content), encoding="utf-8")
            partial.replace(self._cache_dir / name)

    def _load_cache(self) -> None:
        if self._cache_dir is None or not self._cache_dir.is_dir():
            return
        for path in sorted(self._cache_dir.glob("[is]*.json")):
            try:
                content = json.loads(path.read_text(encoding="utf-8"))
                schema_id, schema = SchemaId(int(content["id"])), cast("AvroSchema", dict(content["schema"]))
            except (OSError, ValueError, KeyError, TypeError):
                continue  # cut off by a crash of the machine: asked for again when needed
            self._by_id[schema_id] = schema
            if "subject" in content:
                self._ids[content["subject"], content["fingerprint"]] = schema_id


def _is_missing(answer: httpx.Response) -> bool:
    """Whether the registry itself says that there is no such thing: a wrong address answers 404 as well."""
    if answer.status_code != httpx.codes.NOT_FOUND:
        return False
    try:
        content = answer.json()
    except ValueError:
        return False
    return isinstance(content, dict) and content.get("error_code") in NOT_FOUND
