"""Avro schemas as typed trees: linter, validation, JSON form and generator read one and the same thing."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from typing import cast

from schemas.catalogue import Contract
from schemas.errors import MisuseError
from schemas.registry import AvroSchema


class UnsupportedSchemaError(MisuseError):
    """A schema uses a part of Avro that the common language does not have."""

    code = "unsupported-schema"


class Scalar(StrEnum):
    """A value without parts; the name of the Avro type or logical type."""

    STRING = "string"
    INT = "int"
    LONG = "long"
    DOUBLE = "double"
    BOOLEAN = "boolean"
    BYTES = "bytes"
    DATE = "date"
    TIMESTAMP = "timestamp-millis"


_SCALARS = frozenset(scalar.value for scalar in Scalar)


@dataclass(frozen=True, slots=True)
class Array:
    """A list of values of one shape."""

    items: "Shape"


@dataclass(frozen=True, slots=True)
class Record:
    """Named fields in order."""

    name: str
    fields: tuple["Field", ...]


Shape = Scalar | Array | Record

NO_DEFAULT = object()
"""Stands for the default of a mandatory field."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field: its name, its shape, whether null is allowed, and its attributes as the schema has them."""

    name: str
    shape: Shape
    nullable: bool
    default: object = field(compare=False)
    attributes: AvroSchema = field(compare=False, repr=False)

    @property
    def mandatory(self) -> bool:
        """Whether a sender has to give the field."""
        return self.default is NO_DEFAULT

    @property
    def privacy(self) -> AvroSchema:
        """The privacy attribute, empty when the field has none."""
        found = self.attributes.get("privacy")
        return cast("AvroSchema", found) if isinstance(found, dict) else {}

    def text(self, attribute: str) -> str | None:
        """Return the attribute of this name when it is text."""
        found = self.attributes.get(attribute)
        return found if isinstance(found, str) else None

    def texts(self, attribute: str) -> tuple[str, ...]:
        """Return the attribute of this name when it is a list of texts, else nothing."""
        found = self.attributes.get(attribute)
        return tuple(str(item) for item in found) if isinstance(found, list) else ()


@cache
def shape_of(contract: Contract) -> Record:
    """Return the shape of the events of *contract*."""
    return record_shape(contract.schema)


def record_shape(schema: AvroSchema) -> Record:
    """Return the shape of the self-contained record *schema*.

    Raises UnsupportedSchemaError for what the language does not have: unions of more than null and one type,
    enums, maps, fixed, a type named before it is defined.
    """
    shape, _ = _shape(schema, {})
    if not isinstance(shape, Record):
        raise UnsupportedSchemaError("the schema of an event is a record")
    return shape


def inner_record(shape: Shape) -> Record | None:
    """Return the record that *shape* is or lists, None when it is neither."""
    if isinstance(shape, Array):
        return inner_record(shape.items)
    return shape if isinstance(shape, Record) else None


def walk(record: Record, path: str = "") -> Iterator[tuple[str, Record, Field]]:
    """Yield every field below *record* with its path (`suspects[].role`) and the record that holds it."""
    for entry in record.fields:
        here = f"{path}{entry.name}{'[]' if isinstance(entry.shape, Array) else ''}"
        yield here, record, entry
        inner = inner_record(entry.shape)
        if inner is not None:
            yield from walk(inner, f"{here}.")


def _shape(declared: object, named: dict[str, Record]) -> tuple[Shape, bool]:
    """Return the shape of the Avro type *declared* and whether it allows null."""
    if isinstance(declared, list):
        others = [branch for branch in declared if branch != "null"]
        if len(others) != 1 or len(declared) > 2:  # noqa: PLR2004 - null and one type
            raise UnsupportedSchemaError("a union holds null and one type")
        return _shape(others[0], named)[0], len(declared) > 1
    if isinstance(declared, str):
        name = declared.rsplit(".", 1)[-1]
        if name in named:
            return named[name], False
        if declared in _SCALARS:
            return Scalar(declared), False
    if isinstance(declared, dict):
        return _complex_shape(declared, named), False
    raise UnsupportedSchemaError("a type that the common language does not have, or named before it is defined")


def _complex_shape(declared: AvroSchema, named: dict[str, Record]) -> Shape:
    kind = declared.get("type")
    if kind == "record":
        name = str(declared["name"]).rsplit(".", 1)[-1]
        fields = tuple(_field(entry, named) for entry in cast("list[AvroSchema]", declared["fields"]))
        named[name] = Record(name, fields)
        return named[name]
    if kind == "array":
        items, nullable = _shape(declared["items"], named)
        if nullable:
            raise UnsupportedSchemaError("an array holds no nulls")
        return Array(items)
    logical = declared.get("logicalType")
    if logical in _SCALARS:
        return Scalar(str(logical))
    if logical is None and kind in _SCALARS:
        return Scalar(str(kind))
    raise UnsupportedSchemaError("a type that the common language does not have: enum, map, fixed or a logical type")


def _field(declared: AvroSchema, named: dict[str, Record]) -> Field:
    shape, nullable = _shape(declared["type"], named)
    return Field(
        name=str(declared["name"]),
        shape=shape,
        nullable=nullable,
        default=declared.get("default", NO_DEFAULT),
        attributes=declared,
    )
