"""Whether records written with one Avro schema can be read with another (Avro specification, "Schema Resolution").

Exact for all of Avro but aliases, which the common language does not have. Logical types and attributes play no part
here, as in the registry: what they mean is looked at in `schemas/review.py`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import cast

from schemas.errors import Problem
from schemas.registry import AvroSchema

PROMOTIONS: Mapping[str, frozenset[str]] = {
    "int": frozenset({"long", "float", "double"}),
    "long": frozenset({"float", "double"}),
    "float": frozenset({"double"}),
    "string": frozenset({"bytes"}),
    "bytes": frozenset({"string"}),
}
"""What a value may be read as besides its own type."""
_NAMED = ("record", "enum", "fixed")


def unreadable(writer: AvroSchema, reader: AvroSchema) -> tuple[Problem, ...]:
    """Return why not every record written with *writer* can be read with *reader*; nothing when each can."""
    return tuple(_Comparison(_Names(writer), _Names(reader)).types(writer, reader, "", "", ""))


def fields_in(schema: AvroSchema) -> dict[str, AvroSchema]:
    """Return every field of the self-contained record *schema* by its path, such as `suspects[].role`, in order."""
    return dict(_Names(schema).fields(schema, "", ""))


def type_name(declared: object) -> str:
    """Return the type *declared* in words, such as `list of string or null`."""
    if isinstance(declared, list):
        return " or ".join(type_name(branch) for branch in sorted(declared, key=lambda branch: branch == "null"))
    if isinstance(declared, str):
        return declared.rsplit(".", 1)[-1]
    declared = cast("AvroSchema", declared)
    kind = declared["type"]
    if kind in _NAMED:
        return str(declared["name"]).rsplit(".", 1)[-1]
    if kind == "array":
        return f"list of {type_name(declared['items'])}"
    return str(declared.get("logicalType", kind)) if isinstance(kind, str) else type_name(kind)


class _Names:
    """Finds the definition of a named type, by its full name."""

    def __init__(self, schema: object) -> None:
        self._found: dict[str, AvroSchema] = {}
        self._collect(schema, "")

    def definition(self, declared: object, namespace: str) -> tuple[object, str]:
        """Return what *declared* stands for, and the namespace inside it."""
        if isinstance(declared, str):
            fullname = declared if "." in declared or not namespace else f"{namespace}.{declared}"
            found = self._found.get(fullname, self._found.get(declared))
            return (found, fullname.rpartition(".")[0]) if found is not None else (declared, namespace)
        if isinstance(declared, dict):
            kind = declared["type"]
            if not isinstance(kind, str):
                return self.definition(kind, namespace)
            if kind in _NAMED:
                return declared, _fullname(declared, namespace).rpartition(".")[0]
            return (declared, namespace) if kind in ("array", "map") else (kind, namespace)
        return declared, namespace

    def fields(self, declared: object, namespace: str, path: str) -> Iterator[tuple[str, AvroSchema]]:
        found, inside = self.definition(declared, namespace)
        if isinstance(found, list):
            for branch in found:
                yield from self.fields(branch, inside, path)
        elif isinstance(found, dict) and found["type"] == "array":
            yield from self.fields(found["items"], inside, f"{path}[]")
        elif isinstance(found, dict) and found["type"] == "record":
            for entry in cast("list[AvroSchema]", found["fields"]):
                here = f"{path}.{entry['name']}".removeprefix(".")
                yield here, entry
                yield from self.fields(entry["type"], inside, here)

    def _collect(self, declared: object, namespace: str) -> None:
        if isinstance(declared, list):
            for branch in declared:
                self._collect(branch, namespace)
        if not isinstance(declared, dict):
            return
        if declared.get("type") in _NAMED:
            fullname = _fullname(declared, namespace)
            self._found[fullname] = declared
            namespace = fullname.rpartition(".")[0]
        for entry in cast("list[AvroSchema]", declared.get("fields", [])):
            self._collect(entry["type"], namespace)
        for key in ("items", "values", "type"):
            self._collect(declared.get(key), namespace)


@dataclass(frozen=True, slots=True)
class _Comparison:
    """One comparison of two schemas."""

    writer: _Names
    reader: _Names
    _under_way: set[tuple[str, str]] = field(default_factory=set)

    def types(self, writer: object, reader: object, path: str, w_space: str, r_space: str) -> Iterator[Problem]:
        wrote, w_space = self.writer.definition(writer, w_space)
        reads, r_space = self.reader.definition(reader, r_space)
        if isinstance(wrote, list):
            for branch in wrote:
                yield from self.types(branch, reads, path, w_space, r_space)
        elif isinstance(reads, list):
            tried = [list(self.types(wrote, branch, path, w_space, r_space)) for branch in reads]
            if all(tried):  # the reason of the branch of the same kind says most
                alike = next((found for b, found in zip(reads, tried, strict=True) if _alike(b, wrote)), None)
                yield from alike or [_problem(path, "null-not-read" if wrote == "null" else "type-changed")]
        elif isinstance(wrote, dict) and isinstance(reads, dict) and wrote["type"] == reads["type"]:
            yield from self._complex(wrote, reads, path, w_space, r_space)
        elif wrote != reads and not _is_promoted(wrote, reads):
            yield _problem(path, "null-not-read" if wrote == "null" else "type-changed")

    def _complex(
        self, wrote: AvroSchema, reads: AvroSchema, path: str, w_space: str, r_space: str
    ) -> Iterator[Problem]:
        kind = wrote["type"]
        if kind == "array":
            yield from self.types(wrote["items"], reads["items"], f"{path}[]", w_space, r_space)
        elif kind == "map":
            yield from self.types(wrote["values"], reads["values"], f"{path}{{}}", w_space, r_space)
        elif str(wrote["name"]).rsplit(".", 1)[-1] != str(reads["name"]).rsplit(".", 1)[-1]:
            yield _problem(path, "name-changed")
        elif kind == "fixed":
            if wrote["size"] != reads["size"]:
                yield _problem(path, "size-changed")
        elif kind == "enum":
            known = set(cast("list[str]", reads["symbols"]))
            if not set(cast("list[str]", wrote["symbols"])) <= known and "default" not in reads:
                yield _problem(path, "symbol-missing")
        else:
            yield from self._records(wrote, reads, path, w_space, r_space)

    def _records(
        self, wrote: AvroSchema, reads: AvroSchema, path: str, w_space: str, r_space: str
    ) -> Iterator[Problem]:
        pair = (_fullname(wrote, w_space), _fullname(reads, r_space))
        if pair in self._under_way:  # a record inside itself
            return
        self._under_way.add(pair)
        written = {str(entry["name"]): entry for entry in cast("list[AvroSchema]", wrote["fields"])}
        for entry in cast("list[AvroSchema]", reads["fields"]):
            name = str(entry["name"])
            here = f"{path}.{name}".removeprefix(".")
            if name in written:
                yield from self.types(written[name]["type"], entry["type"], here, w_space, r_space)
            elif "default" not in entry:
                yield _problem(here, "missing-field")
        self._under_way.discard(pair)


def _is_promoted(wrote: object, reads: object) -> bool:
    return isinstance(wrote, str) and isinstance(reads, str) and reads in PROMOTIONS.get(wrote, ())


def _alike(branch: object, wrote: object) -> bool:
    """Whether *branch* of a union is a record, list or enum as *wrote* is."""
    return isinstance(branch, dict) and isinstance(wrote, dict) and branch.get("type") == wrote["type"]


def _fullname(declared: AvroSchema, namespace: str) -> str:
    name = str(declared["name"])
    space = str(declared.get("namespace", namespace))
    return name if "." in name or not space else f"{space}.{name}"


def _problem(path: str, rule: str) -> Problem:
    return Problem(path or "$", rule, REASONS[rule])


REASONS: Mapping[str, str] = {
    "missing-field": "the reader needs a field that is not written, and has no default for it",
    "type-changed": "what is written as one type is read as another",
    "null-not-read": "a missing value is written, which the reader does not take",
    "name-changed": "a record of another name is read",
    "size-changed": "the sizes differ",
    "symbol-missing": "an enum symbol is written that the reader does not know",
}
"""Every rule, and what it found."""
