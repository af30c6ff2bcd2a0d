"""Avro container files of events: read block by block, each record on its own; written with the contract's schema."""

import datetime as dt
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import BinaryIO, Protocol, cast

import fastavro
import fastavro.schema

from connectors.events_file import Line
from schemas.catalogue import Contract, contract, contracts
from schemas.codec import fullname_of, parse
from schemas.errors import Problem, RejectedError
from schemas.json_form import EVENT_TYPE
from schemas.registry import AvroSchema
from schemas.shapes import Array, Record, Scalar, Shape, shape_of

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

Registered = Callable[[Contract], Iterable[AvroSchema]]
"""Returns the older versions of a contract's schema that are registered."""


class _Block(Protocol):
    """A block as fastavro gives it."""

    bytes_: io.BytesIO
    num_records: int


class AvroFileError(RejectedError):
    """An Avro file of which nothing can be read: its head, its codec or its schema is wrong."""

    code = "avro-file"


def read_avro(source: BinaryIO, registered: Registered) -> Iterator[Line]:
    """Yield the events of the container file *source* in JSON form, each with the number of its record.

    Raises AvroFileError before anything is read when the schema is not the contract's, nor one of *registered*.
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
    found = _contract_of(written, registered)
    records = _records_of(found, written)
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
    """Write *records*, events of *event_type* as `read_event` returns them, as a container file."""
    fastavro.writer(target, parse(contract(event_type).schema), records, codec="deflate")


def _records_of(found: Contract, written: AvroSchema) -> Callable[[_Block], Iterator[dict[str, object]]]:
    """Return what yields the events of a block, and raises when the block does not hold exactly them.

    Without logical types and strict UTF-8 a wrong value is the fault of its record and not of the block.
    """
    writer = parse(_without_logical_types(written))
    reader = None if _canonical(written) == _canonical(found.schema) else parse(_without_logical_types(found.schema))
    convert = _converter(shape_of(found))

    def records(block: _Block) -> Iterator[dict[str, object]]:
        content = block.bytes_
        for _ in range(block.num_records):
            record = fastavro.schemaless_reader(content, writer, reader, handle_unicode_errors="surrogateescape")
            yield {EVENT_TYPE: found.name, **cast("dict[str, object]", convert(record))}
        if content.read(1):
            raise ValueError

    return records


def _contract_of(written: AvroSchema, registered: Registered) -> Contract:
    names = {known.fullname: known for known in contracts()}
    found = names.get(fullname_of(written)) if isinstance(written, dict) and "name" in written else None
    if found is None:
        raise AvroFileError(
            "the schema in the Avro file is that of no event type; write the file with the schema that the registry "
            f"has for one of: {', '.join(known.name for known in contracts())}"
        )
    form = _canonical(written)
    if form != _canonical(found.schema) and form not in map(_canonical, registered(found)):
        raise AvroFileError(
            f"the schema in the Avro file is no registered version of {found.name}: "
            f"take it from the registry, subject in.<agency>-{found.fullname}"
        )
    return found


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
