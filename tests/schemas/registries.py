"""Registries for tests: one in memory, and one behind HTTP that can be taken away or made to answer nonsense."""

import json
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

from schemas.codec import Codec
from schemas.names import SchemaId
from schemas.registry import AvroSchema, Registry, fingerprint_of


class MemoryRegistry:
    """Gives every schema an id when it is first asked for; nothing else is known."""

    def __init__(self) -> None:
        self.by_id: dict[SchemaId, AvroSchema] = {}

    def id_of(self, _subject: str, schema: AvroSchema) -> SchemaId:
        wanted = fingerprint_of(schema)
        for known, held in self.by_id.items():
            if fingerprint_of(held) == wanted:
                return known
        self.by_id[SchemaId(len(self.by_id) + 1)] = schema
        return SchemaId(len(self.by_id))

    def known(self, schema_id: SchemaId) -> AvroSchema | None:
        return self.by_id.get(schema_id)

    def learn(self, _ids: Iterable[SchemaId]) -> None:
        return


def memory_codec() -> Codec:
    """Return a codec on a registry of its own in memory."""
    return Codec(cast("Registry", MemoryRegistry()))


@dataclass
class Answers:
    """What the registry behind HTTP answers: by path a status and a body."""

    by_path: dict[str, tuple[int, Any]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    otherwise: tuple[int, Any] = (404, {"error_code": 40403, "message": "Schema not found"})

    def hold(self, schema_id: int, schema: Mapping[str, object], subject: str | None = None) -> None:
        self.by_path[f"/schemas/ids/{schema_id}"] = (200, {"schema": json.dumps(schema)})
        if subject is not None:
            self.by_path[f"/subjects/{subject}"] = (200, {"id": schema_id})


@contextmanager
def served(answers: Answers) -> Iterator[str]:
    """Serve *answers* on loopback while the block runs, and yield the address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            answers.asked.append(self.path)
            status, content = answers.by_path.get(self.path, answers.otherwise)
            body = content if isinstance(content, bytes) else json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET  # noqa: N815 - http.server names it so

        def log_message(self, *_arguments: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
