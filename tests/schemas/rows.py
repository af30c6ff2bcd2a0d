"""Rows of non-personal channels as the hub makes them: read with the projection, transformed, encoded."""

import io
from typing import Any

import fastavro

from schemas.codec import parse
from schemas.compiler import Compiled


def encoded_rows(compiled: Compiled, event: dict[str, Any]) -> list[bytes]:
    """Return the rows of *event*, which was written whole, in the schema that was issued for them."""
    whole, rows = io.BytesIO(), []
    fastavro.schemaless_writer(whole, parse(compiled.contract.schema), event)
    whole.seek(0)
    needed: Any = fastavro.schemaless_reader(whole, parse(compiled.contract.schema), parse(compiled.projection))
    for row in compiled.transform(needed):
        encoded = io.BytesIO()
        padded = {**row, "padding": None} if compiled.channel.kind == "anon" else row
        fastavro.schemaless_writer(encoded, parse(compiled.schema), padded, strict=True)
        rows.append(encoded.getvalue())
    return rows
