"""Schemas with less in them: what a reader does not need is passed over by Avro's schema resolution, never decoded."""

from collections.abc import Collection
from typing import cast

from schemas.derive import NamedTypes, array_items, fields_of
from schemas.registry import AvroSchema


def narrowed(schema: AvroSchema, paths: Collection[str]) -> AvroSchema:
    """Return the record *schema* with the fields at *paths* (`suspects[].group`) and nothing else.

    A record that is used in several places keeps what one of them needs: a type has one form in a schema.
    """
    wanted: dict[str, set[str]] = {}
    types = NamedTypes(schema)
    for path in paths:
        _note(schema, path.split("."), types, wanted)
    return cast("AvroSchema", _cut(schema, types, wanted, set()))


def _note(record: AvroSchema, way: list[str], types: NamedTypes, wanted: dict[str, set[str]]) -> None:
    name = way[0].removesuffix("[]")
    wanted.setdefault(str(record["name"]), set()).add(name)
    declared = next((field["type"] for field in fields_of(record) if field["name"] == name), None)
    if len(way) > 1:
        items = array_items(declared)
        inner = types.record(declared if items is None else items)
        if inner is None:
            raise TypeError(f"{'.'.join(way)}: no record is there")
        _note(inner, way[1:], types, wanted)


def _cut(declared: object, types: NamedTypes, wanted: dict[str, set[str]], emitted: set[str]) -> object:
    if isinstance(declared, list):
        return [_cut(branch, types, wanted, emitted) for branch in declared]
    if isinstance(declared, dict) and declared.get("type") == "array":
        return {"type": "array", "items": _cut(declared["items"], types, wanted, emitted)}
    record = types.record(declared)
    if record is None:
        return declared
    name = str(record["name"])
    fullname = f"{record['namespace']}.{name}" if record.get("namespace") else name
    if fullname in emitted:
        return fullname
    emitted.add(fullname)
    kept = [field for field in fields_of(record) if field["name"] in wanted.get(name, ())]
    fields = [{"name": field["name"], "type": _cut(field["type"], types, wanted, emitted)} for field in kept]
    return {"type": "record", "name": name, "namespace": record.get("namespace", ""), "fields": fields}
