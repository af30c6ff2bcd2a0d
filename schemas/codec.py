"""Bytes of events: Confluent wire format v0 (a zero byte, the schema id in four bytes, Avro binary).

The only place that calls fastavro for records on the wire. Its errors print values (`'…' do not match …`), so
none of them leaves this module: what comes out names the schema and the position, never the content.
"""

import asyncio
import io
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

import fastavro
import fastavro.types

from schemas.errors import MalformedRecordError, UnavailableError, UnknownSchemaError
from schemas.names import SchemaId
from schemas.registry import AvroSchema, Registry, fingerprint_of


class SchemaNotRegisteredError(UnavailableError):
    """A schema that we write with is not in the registry yet; writing goes on once the operator has registered it."""

    code = "schema-not-registered"


Record = dict[str, object]
"""A record as fastavro reads and writes it; dates are `date`, timestamps are aware `datetime` in UTC."""

MAGIC = 0
HEADER = struct.Struct(">bI")


class Fingerprinted(Protocol):
    """A schema with its fingerprint: a contract, or what the compiler derived from one."""

    @property
    def schema(self) -> AvroSchema:
        """Self-contained Avro schema."""

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the schema with all its attributes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoded:
    """A decoded record; its representation hides the content."""

    schema_id: SchemaId
    fullname: str
    fingerprint: str
    """Of the schema with which the record was written."""
    origin: str
    """Fingerprint of the version of the contract: of a derived schema what it was derived from, else its own."""
    record: Record

    def __repr__(self) -> str:
        return f"Decoded({self.fullname}, schema_id={self.schema_id})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Writer:
    """Turns records of one schema into bytes on the wire."""

    schema_id: SchemaId
    fullname: str
    parsed: fastavro.types.Schema
    header: bytes

    def encode(self, record: Mapping[str, object]) -> bytes:
        """Return *record* in the wire format; raise MalformedRecordError when it does not fit the schema."""
        out = io.BytesIO()
        out.write(self.header)
        try:
            fastavro.schemaless_writer(out, self.parsed, record)
        except Exception:  # noqa: BLE001 - whatever it is, its text may hold values
            raise MalformedRecordError(f"the record does not fit the schema {self.fullname}") from None
        return out.getvalue()


def schema_id_of(value: bytes | None) -> SchemaId | None:
    """Return the schema id that the first five bytes of *value* name, None when they are not a header."""
    if value is None or len(value) < HEADER.size:
        return None
    magic, schema_id = HEADER.unpack_from(value)
    return SchemaId(schema_id) if magic == MAGIC else None


def fullname_of(schema: AvroSchema) -> str:
    """Return namespace and name of the record *schema*."""
    name, namespace = str(schema["name"]), schema.get("namespace")
    return name if "." in name or not namespace else f"{namespace}.{name}"


def parse(schema: AvroSchema) -> fastavro.types.Schema:
    """Return *schema* prepared for reading and writing; named types do not spill into other schemas."""
    return fastavro.parse_schema(schema, named_schemas={})


@dataclass(frozen=True, slots=True)
class _Reader:
    """A schema that records on the wire name, prepared."""

    fullname: str
    fingerprint: str
    origin: str
    parsed: fastavro.types.Schema


class Codec:
    """Encodes and decodes with the schemas of one registry; prepared schemas are kept."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self._readers: dict[SchemaId, _Reader] = {}
        self._wanted: dict[str, fastavro.types.Schema] = {}
        self._writers: dict[tuple[str, str], Writer] = {}

    def learn(self, values: Iterable[bytes | None]) -> None:
        """Fetch every schema that *values* name, so that decoding them needs no I/O.

        Raises RegistryUnavailableError when one is not known and the registry is away.
        """
        ids = {found for value in values if (found := schema_id_of(value)) is not None}
        self.registry.learn(sorted(ids - self._readers.keys()))

    def knows(self, value: bytes | None) -> bool:
        """Whether decoding *value* needs no schema that was not learnt."""
        return schema_id_of(value) in self._readers

    def fullname_in(self, value: bytes | None) -> str | None:
        """Return the full name of the record that *value* says it holds, None when its schema was not learnt."""
        schema_id = schema_id_of(value)
        if schema_id is None:
            return None
        try:
            return self._reader(schema_id).fullname
        except UnknownSchemaError:
            return None

    async def learn_aside(self, values: Iterable[bytes | None]) -> None:
        """Do as `learn`, in a thread of its own when there is anything to fetch; raises as that."""
        unknown = [value for value in values if not self.knows(value)]
        if unknown:
            await asyncio.to_thread(self.learn, unknown)

    def writer(self, subject: str, schema: AvroSchema) -> Writer:
        """Return the writer of *schema* as registered under *subject*.

        Raises SchemaNotRegisteredError until `hub topology apply` has registered it: no fault of a record.
        """
        fullname = fullname_of(schema)
        found = self._writers.get((subject, fullname))
        if found is None:
            try:
                schema_id = self.registry.id_of(subject, schema)
            except UnknownSchemaError as error:
                raise SchemaNotRegisteredError(str(error)) from None
            found = Writer(
                schema_id=schema_id,
                fullname=fullname,
                parsed=parse(schema),
                header=HEADER.pack(MAGIC, schema_id),
            )
            self._writers[subject, fullname] = found
        return found

    def decode(self, value: bytes | None, wanted: Fingerprinted | None = None) -> Decoded:
        """Return the record in *value*, in the form of *wanted* when it was written with another version of it.

        Raises MalformedRecordError for anything that is not exactly one record in the wire format or that *wanted*
        cannot read, and UnknownSchemaError for a schema id that was not learnt.
        """
        schema_id = schema_id_of(value)
        if value is None or schema_id is None:
            raise MalformedRecordError("the record is not in the Confluent wire format: no zero byte and schema id")
        reader = self._reader(schema_id)
        source = io.BytesIO(value)
        source.seek(HEADER.size)
        try:
            record = fastavro.schemaless_reader(source, reader.parsed, self._resolved(reader, wanted))
        except Exception:  # noqa: BLE001 - whatever it is, its text may hold values
            raise MalformedRecordError(
                f"the bytes are not a record of {reader.fullname} (schema id {schema_id})"
            ) from None
        if source.tell() != len(value) or not isinstance(record, dict):
            raise MalformedRecordError(
                f"bytes are left over after the record of {reader.fullname} (schema id {schema_id})"
            )
        return Decoded(
            schema_id=schema_id,
            fullname=reader.fullname,
            fingerprint=reader.fingerprint,
            origin=reader.origin,
            record=record,
        )

    def in_form(self, value: bytes | None, decoded: Decoded, wanted: Fingerprinted) -> Record:
        """Return the record that was *decoded* from *value* in the form of *wanted*; raises as `decode`."""
        return decoded.record if decoded.fingerprint == wanted.fingerprint else self.decode(value, wanted).record

    def _resolved(self, reader: _Reader, wanted: Fingerprinted | None) -> fastavro.types.Schema | None:
        """Return *wanted* prepared, None when it is what the record was written with."""
        if wanted is None or wanted.fingerprint == reader.fingerprint:
            return None
        found = self._wanted.get(wanted.fingerprint)
        if found is None:
            found = self._wanted[wanted.fingerprint] = parse(wanted.schema)
        return found

    def _reader(self, schema_id: SchemaId) -> _Reader:
        found = self._readers.get(schema_id)
        if found is None:
            schema = self.registry.known(schema_id)
            if schema is None:
                raise UnknownSchemaError(f"the registry has no schema {schema_id}")
            fingerprint = fingerprint_of(schema)
            found = _Reader(
                fullname=fullname_of(schema),
                fingerprint=fingerprint,
                origin=str(schema.get("derived_from", fingerprint)),
                parsed=parse(schema),
            )
            self._readers[schema_id] = found
        return found
