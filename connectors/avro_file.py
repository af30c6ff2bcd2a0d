"""Avro container files of events: read block by block, each record on its own; written with the contract's schema."""

import datetime as dt
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import BinaryIO, Protocol, cast

import fastavro
import fastavro.schema

from connectors.events_file import Line
from schemas.catalogue import NAMESPACE, Contract, contract, contracts
from schemas.codec import fullname_of, parse
from schemas.errors import MalformedRecordError, Problem, RejectedError
from schemas.json_form import EVENT_TYPE
from schemas.registry import AvroSchema
from schemas.shapes import Array, Record, Scalar, Shape, shape_of
from schemas.upcasting import Lineage, Lineages, lineage, published

MAGIC = b"Obj\x01"
CODECS = ("null", "deflate", "snappy", "bzip2", "xz")
BLOCK_BYTES_MAX = 64 * 1024 * 1024
DAMAGED = Problem(
    "$",
    "avro-damaged",
    "the file is damaged from here on, or cut off: write it anew and send it as a whole; what was read is recognised",
)
EPOCH_DAY = dt.date(1970, 1, 1).toordinal()
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


class _Block(Protocol):
    """A block as fastavro gives it."""

    bytes_: io.BytesIO
    num_records: int


class AvroFileError(RejectedError):
    """An Avro file of which nothing can be read: its head, its codec or its schema is wrong."""

    code = "avro-file"


def read_avro(source: BinaryIO, lineages: Lineages = lineage) -> Iterator[Line]:
    """Yield the events of the container file *source* in JSON form, each with the number of its record.

    Raises AvroFileError before anything is read when the schema is no version of an event type that ever landed.
    What an older version says is told in the words of the current one.
    A block that is damaged ends the file, with a problem.
    """
    guarded = _Guarded(source)
    try:
        blocks = fastavro.block_reader(cast("BinaryIO", guarded))
        written = json.loads(blocks.metadata["avro.schema"])
    except Exception:  # noqa: BLE001 - whatever it is, its text may hold what is in the file
        raise AvroFileError("the head of the Avro file is damaged or cut off: write it anew") from None
    if blocks.codec not in CODECS:
        raise AvroFileError(f"the codec of the Avro file is not known here: write it with one of {', '.join(CODECS)}")
    records = _records_of(written, lineages)
    number, end = 0, guarded.tell()
    try:
        for block in blocks:
            for event in records(cast("_Block", block)):
                number += 1
                yield Line(number=number, event=event, unit="record")
            end = guarded.tell()
    except Exception:  # noqa: BLE001 - as above
        end = -1
    if guarded.tell() != end:
        yield Line(number=number + 1, event=None, problem=DAMAGED, unit="record")


def write_avro(target: BinaryIO, event_type: str, records: Iterable[Mapping[str, object]]) -> None:
    """Write *records*, events of *event_type* as `read_event` returns them, as a container file.

    Raises MalformedRecordError when one does not fit the schema.
    """
    try:
        fastavro.writer(target, parse(contract(event_type).schema), records, codec="deflate")
    except (TypeError, ValueError, AttributeError, KeyError):  # fastavro's texts hold the value
        raise MalformedRecordError(f"a record does not fit the schema of {event_type}") from None


def _records_of(written: AvroSchema, lineages: Lineages) -> Callable[[_Block], Iterator[dict[str, object]]]:
    """Return what yields the events of a block, and raises when the block does not hold exactly them.

    Without logical types and strict UTF-8 a wrong value is the fault of its record and not of the block.
    """
    line, version = _version_of(written, lineages)
    schema = parse(_without_logical_types(written))
    convert = _converter(shape_of(version))

    def records(block: _Block) -> Iterator[dict[str, object]]:
        content = block.bytes_
        for _ in range(block.num_records):
            found = fastavro.schemaless_reader(content, schema, None, handle_unicode_errors="surrogateescape")
            record = line.upcast(cast("dict[str, object]", convert(found)), version, published)
            yield {EVENT_TYPE: version.name, **record}
        if content.read(1):
            raise ValueError

    return records


def _version_of(written: AvroSchema, lineages: Lineages) -> tuple[Lineage, Contract]:
    """Return the version of an event type that the schema *written* is, newest first, and the versions around it."""
    names = {known.fullname: known.name for known in contracts()}
    name = names.get(fullname_of(written)) if isinstance(written, dict) and "name" in written else None
    if name is None:
        raise AvroFileError(
            "the schema in the Avro file is that of no event type; write the file with the schema that the registry "
            f"has for one of: {', '.join(names.values())}"
        )
    form, line = _canonical(written), lineages(name)
    for version in reversed(line.versions):
        if _canonical(version.schema) == form:
            return line, version
    raise AvroFileError(
        f"the schema in the Avro file is no version of {name} that was ever registered: take it from the registry, "
        f"subject in.<agency>-{NAMESPACE}.{name}"
    )


def _canonical(schema: AvroSchema) -> str:
    """Return what decides about the bytes of *schema*: names, types and order, without attributes."""
    return str(fastavro.schema.to_parsing_canonical_form(parse(schema)))


def _without_logical_types(schema: AvroSchema) -> AvroSchema:
    return cast("AvroSchema", _plain(schema))


def _plain(declared: object) -> object:
    if isinstance(declared, list):
        return [_plain(branch) for branch in declared]
    if not isinstance(declared, dict):
        return declared
    inner = ("type", "fields", "items")
    return {key: _plain(value) if key in inner else value for key, value in declared.items() if key != "logicalType"}


def _converter(shape: Shape) -> Callable[[object], object]:
    """Compile what turns numbers of days and milliseconds into dates and moments; what is out of range stays."""
    if shape is Scalar.DATE:
        return _day
    if shape is Scalar.TIMESTAMP:
        return _moment
    if isinstance(shape, Array):
        item = _converter(shape.items)
        return lambda value: [item(each) for each in cast("list[object]", value)] if value else value
    if isinstance(shape, Record):
        inner = {entry.name: _converter(entry.shape) for entry in shape.fields if _has_time(entry.shape)}
        return lambda value: _converted(value, inner)
    return lambda value: value


def _converted(value: object, inner: Mapping[str, Callable[[object], object]]) -> object:
    if isinstance(value, dict):
        for name, convert in inner.items():
            if value[name] is not None:
                value[name] = convert(value[name])
    return value


def _has_time(shape: Shape) -> bool:
    if isinstance(shape, Array):
        return _has_time(shape.items)
    if isinstance(shape, Record):
        return any(_has_time(entry.shape) for entry in shape.fields)
    return shape in (Scalar.DATE, Scalar.TIMESTAMP)


def _day(value: object) -> object:
    try:
        return dt.date.fromordinal(cast("int", value) + EPOCH_DAY)
    except (ValueError, OverflowError):
        return value


def _moment(value: object) -> object:
    try:
        return EPOCH + dt.timedelta(milliseconds=cast("int", value))
    except OverflowError:
        return value


class _Guarded(io.RawIOBase):
    """A stream that knows how far it was read, also when it is a pipe, and reads no block that is absurdly large."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self._position = 0

    def read(self, size: int = -1) -> bytes:
        if size > BLOCK_BYTES_MAX:
            raise ValueError
        found = self._source.read(size)
        self._position += len(found)
        return found

    def tell(self) -> int:
        return self._position
