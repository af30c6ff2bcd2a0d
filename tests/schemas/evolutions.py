"""Made-up changes of a real contract: what a later version of a schema might look like."""

import copy
from collections.abc import Callable
from typing import Any

from schemas.catalogue import Contract, contract, contract_of
from schemas.registry import AvroSchema
from schemas.upcasters import Upcaster
from schemas.upcasting import Lineage, Lineages

Edit = Callable[[AvroSchema], None]
OPERATIONAL = {"privacy": {"class": "OPERATIONAL"}, "confluent:tags": ["OPERATIONAL"]}
OF_THE_PERSON = {"privacy": {"class": "SENSITIVE", "subject": "person"}, "confluent:tags": ["SENS"]}
OF_ONESELF = {"privacy": {"class": "SENSITIVE", "subject": "self"}, "confluent:tags": ["SENS"]}
DATE = {"type": "int", "logicalType": "date"}
MISSING: Any = object()


def changed(base: Contract, *edits: Edit) -> Contract:
    """Return *base* after *edits*."""
    schema = copy.deepcopy(base.schema)
    for edit in edits:
        edit(schema)
    return contract_of(schema)


def fields_at(schema: Any, record: str) -> list[dict[str, Any]]:
    """Return the fields of the record named *record* in *schema*, to be changed; the event itself is ``."""
    if not record:
        return list_of(schema)
    found = next(_records(schema, record))
    return list_of(found)


def list_of(schema: Any) -> list[dict[str, Any]]:
    fields: list[dict[str, Any]] = schema["fields"]
    return fields


def _records(declared: Any, name: str) -> Any:
    if isinstance(declared, list):
        for branch in declared:
            yield from _records(branch, name)
    elif isinstance(declared, dict):
        if declared.get("name") == name:
            yield declared
        for inner in declared.get("fields", ()):
            yield from _records(inner["type"], name)
        for key in ("items", "type"):
            yield from _records(declared.get(key), name)


def add(name: str, declared: Any, default: Any = MISSING, record: str = "", **attributes: Any) -> Edit:
    """Return what adds a field at the end of *record*."""
    entry = {"name": name, "type": declared, "doc": "A made-up field.", **(attributes or OPERATIONAL)}
    return lambda schema: fields_at(schema, record).append(
        entry if default is MISSING else entry | {"default": default}
    )


def remove(name: str, record: str = "") -> Edit:
    """Return what removes a field."""

    def edit(schema: AvroSchema) -> None:
        fields = fields_at(schema, record)
        fields.remove(next(entry for entry in fields if entry["name"] == name))

    return edit


def alter(name: str, record: str = "", /, **attributes: Any) -> Edit:
    """Return what gives a field other attributes; MISSING takes one away."""

    def edit(schema: AvroSchema) -> None:
        entry = next(entry for entry in fields_at(schema, record) if entry["name"] == name)
        entry.update(attributes)
        for key in [key for key, value in entry.items() if value is MISSING]:
            del entry[key]

    return edit


def rename(name: str, new: str, record: str = "") -> Edit:
    """Return what gives a field another name."""
    return alter(name, record, name=new)


def turn_round(schema: AvroSchema) -> None:
    """Write the fields after the envelope in another order."""
    fields = list_of(schema)
    fields[2:] = reversed(fields[2:])


def lineages(*versions: Contract, upcasters: dict[str, Upcaster] | None = None) -> Lineages:
    """Return the lineage of *versions*, and of every other event type one of its current version alone."""
    own = Lineage(versions=versions, upcasters=upcasters or {})

    def found(name: str, /) -> Lineage:
        return own if name == versions[-1].name else Lineage(versions=(contract(name),))

    return found
