"""A stand-in for HashiCorp Vault's transit engine: the part of its HTTP API that the hub uses, as it is documented.

https://developer.hashicorp.com/vault/api-docs/secret/transit - strict about paths, methods, tokens and JSON.
"""

import base64
import binascii
import json
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM


class RefusalError(Exception):
    """An answer other than 200."""

    def __init__(self, status: int, *errors: str, data: Any = None) -> None:
        self.status, self.errors, self.data = status, errors, data


class StandIn:
    """One transit key `hub`; its state is what a test looks at."""

    def __init__(self) -> None:
        self.token = secrets.token_urlsafe()
        self.versions = {1: AESGCM.generate_key(256)}
        self.min_decryption = self.min_available = 0
        self.min_encryption = 0
        self.sealed = False
        self.lock = threading.Lock()
        self.address = ""
        self.requests: list[str] = []

    def answer(self, method: str, path: str, token: str | None, body: bytes) -> Any:
        """Return `data` of the answer, None for an empty one."""
        if self.sealed:
            raise RefusalError(503, "Vault is sealed")
        if token != self.token:
            raise RefusalError(403, "permission denied")
        if not path.startswith("/v1/transit/"):
            raise RefusalError(404, f"no handler for route {path}")
        parts = path.removeprefix("/v1/transit/").split("/")
        try:
            asked: dict[str, Any] = json.loads(body) if body else {}
        except ValueError:
            raise RefusalError(400, "failed to parse JSON input") from None
        with self.lock:
            return self._routed(method, parts, asked)

    def _routed(self, method: str, parts: list[str], asked: dict[str, Any]) -> Any:
        match (method, *parts):
            case ("GET", "keys", "hub"):
                return self._key()
            case ("POST", "keys", "hub", "rotate"):
                self.versions[max(self.versions) + 1] = AESGCM.generate_key(256)
                return self._key()
            case ("POST", "keys", "hub", "config"):
                return self._configure(asked)
            case ("POST", "keys", "hub", "trim"):
                return self._trim(asked)
            case ("POST", "encrypt", "hub"):
                return self._batch(asked, self._encrypt)
            case ("POST", "decrypt", "hub"):
                return self._batch(asked, self._decrypt)
            case (_, "keys" | "encrypt" | "decrypt", _, *_):
                raise RefusalError(400 if parts[0] != "keys" else 404, "encryption key not found")
        raise RefusalError(405, "unsupported operation")

    def _key(self) -> Any:
        low = max(self.min_decryption, 1)
        return {
            "name": "hub",
            "type": "aes256-gcm96",
            "latest_version": max(self.versions),
            "min_available_version": self.min_available,
            "min_decryption_version": low,
            "min_encryption_version": self.min_encryption,
            "keys": {str(version): 1_764_000_000 for version in self.versions if version >= low},
        }

    def _configure(self, asked: dict[str, Any]) -> Any:
        for name in ("min_decryption_version", "min_encryption_version"):
            if asked.get(name, 0) > max(self.versions):
                raise RefusalError(400, f"cannot set {name} to a version that does not exist")
        self.min_decryption = asked.get("min_decryption_version", self.min_decryption)
        self.min_encryption = asked.get("min_encryption_version", self.min_encryption)
        return self._key()

    def _trim(self, asked: dict[str, Any]) -> None:
        wanted = asked.get("min_available_version")
        if not isinstance(wanted, int) or wanted < self.min_available:
            raise RefusalError(400, "missing or lower min_available_version")
        if not self.min_decryption or not self.min_encryption:
            raise RefusalError(400, "minimum available version cannot be set when min_encryption_version is 0")
        if wanted > min(self.min_decryption, self.min_encryption):
            raise RefusalError(400, "cannot trim beyond min_decryption_version or min_encryption_version")
        self.min_available = wanted
        self.versions = {version: key for version, key in self.versions.items() if version >= wanted}

    def _batch(self, asked: dict[str, Any], one: Any) -> Any:
        items = asked.get("batch_input")
        if not isinstance(items, list) or not items:
            raise RefusalError(400, "missing batch input to process")
        results = []
        for item in items:
            try:
                results.append(one(item))
            except (RefusalError, binascii.Error, InvalidTag, KeyError, ValueError):
                results.append({"error": "cipher: message authentication failed"})
        if any("error" in each for each in results):
            raise RefusalError(400, data={"batch_results": results})
        return {"batch_results": results}

    def _encrypt(self, item: dict[str, str]) -> dict[str, Any]:
        version, nonce = max(self.versions), secrets.token_bytes(12)
        plaintext = base64.b64decode(item["plaintext"], validate=True)
        bound = base64.b64decode(item.get("associated_data", ""), validate=True)
        sealed = nonce + AESGCM(self.versions[version]).encrypt(nonce, plaintext, bound)
        return {"ciphertext": f"vault:v{version}:{base64.b64encode(sealed).decode()}", "key_version": version}

    def _decrypt(self, item: dict[str, str]) -> dict[str, str]:
        prefix, version, text = item["ciphertext"].split(":")
        if prefix != "vault" or int(version[1:]) < self.min_decryption:
            raise RefusalError(400, "ciphertext version is disallowed by policy (too old)")
        sealed = base64.b64decode(text, validate=True)
        bound = base64.b64decode(item.get("associated_data", ""), validate=True)
        plaintext = AESGCM(self.versions[int(version[1:])]).decrypt(sealed[:12], sealed[12:], bound)
        return {"plaintext": base64.b64encode(plaintext).decode()}


@contextmanager
def running() -> Iterator[StandIn]:
    """Run a stand-in on loopback."""
    stand_in = StandIn()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._do("GET")

        def do_POST(self) -> None:
            self._do("POST")

        def _do(self, method: str) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            stand_in.requests.append(f"{method} {self.path}")
            try:
                data = stand_in.answer(method, self.path, self.headers.get("X-Vault-Token"), body)
                status, found = (204, b"") if data is None else (200, json.dumps({"data": data}).encode())
            except RefusalError as refusal:
                status = refusal.status
                said = {"data": refusal.data} if refusal.data else {"errors": list(refusal.errors)}
                found = json.dumps(said).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(found)))
            self.end_headers()
            self.wfile.write(found)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    stand_in.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield stand_in
    finally:
        server.shutdown()
        server.server_close()
