"""The independent oracle for our bytes: avro-python3, the Apache project's own implementation."""

import datetime as dt
import io
import json
from collections.abc import Mapping
from typing import Any

import avro.io
import avro.schema


def parsed_by_avro(schema: Mapping[str, object]) -> Any:
    """Return *schema* as avro-python3 reads it; a name that is used again has to be spelt in full, as ours are."""
    return avro.schema.parse(json.dumps(schema))


def written_by_avro(schema: Any, record: Mapping[str, Any]) -> bytes:
    out = io.BytesIO()
    avro.io.DatumWriter(schema).write(plain(record), avro.io.BinaryEncoder(out))
    return out.getvalue()


def read_by_avro(value: bytes, writer: Any, reader: Any) -> Any:
    """Return what the bytes of *writer* are to *reader*, as `plain` gives it."""
    return avro.io.DatumReader(writer, reader).read(avro.io.BinaryDecoder(io.BytesIO(value)))


def plain(value: Any) -> Any:
    """Return *value* as avro-python3 takes it: it knows no logical types."""
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    if isinstance(value, dt.datetime):
        return (value - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)) // dt.timedelta(milliseconds=1)
    if isinstance(value, dt.date):
        return (value - dt.date(1970, 1, 1)).days
    return value
