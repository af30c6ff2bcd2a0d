"""Finds every type of a schema that the common language does not have, so that all are reported at once.

A stand-in takes the place of each, so that the linter can look at the rest and at what is inside: a map becomes a
list of its values, a union of several types one record with the fields of all of them, anything else a text.
"""

from collections.abc import Mapping
from typing import cast

from schemas.errors import Problem
from schemas.registry import AvroSchema
from schemas.shapes import Scalar

RULE = "unsupported-type"
_NAMES = frozenset(scalar.value for scalar in Scalar)
_STAND_IN = "string"
_CODES = "coded values are strings with the attribute `codes`"


def within_language(schema: AvroSchema) -> tuple[AvroSchema, tuple[Problem, ...]]:
    """Return the record *schema* with a stand-in for each type that is outside of the language, and what these are."""
    search = _Search()
    return cast("AvroSchema", search.replaced(schema, "")), tuple(search.found)


class _Search:
    """One walk over a schema, down to the values of maps and the branches of unions."""

    def __init__(self) -> None:
        self.found: list[Problem] = []
        self._defined: set[str] = set()

    def replaced(self, declared: object, path: str) -> object:
        if isinstance(declared, list):
            return self._union(declared, path)
        if isinstance(declared, str):
            if declared in _NAMES or declared.rsplit(".", 1)[-1] in self._defined:
                return declared
            return self._outside(path, "a type that is not defined before it is named, or null alone")
        if isinstance(declared, Mapping):
            return self._complex(declared, path)
        return self._outside(path, "no type of Avro")

    def _complex(self, declared: Mapping[str, object], path: str) -> object:
        kind = declared.get("type")
        if kind == "record" and isinstance(declared.get("fields"), list):
            return self._record(declared, path)
        if kind == "array":
            return {**declared, "items": self._items(declared.get("items"), f"{path}[]")}
        if kind == "map":
            self._outside(path, "a map, whose keys could be names: make it a list of records")
            return {"type": "array", "items": self._items(declared.get("values"), f"{path}{{}}")}
        if (logical := declared.get("logicalType")) is not None:
            return declared if logical in _NAMES else self._outside(path, f"the logical type {logical}")
        return declared if kind in _NAMES else self._outside(path, f"the type {kind}; {_CODES}")

    def _items(self, declared: object, path: str) -> object:
        if isinstance(declared, list) and "null" in declared:
            declared = [branch for branch in declared if branch != "null"] or [_STAND_IN]
            self._outside(path, "null inside of a list or map")
        return self.replaced(declared, path)

    def _record(self, declared: Mapping[str, object], path: str) -> AvroSchema:
        prefix = f"{path}." if path else ""
        fields = [
            {**entry, "type": self.replaced(entry.get("type"), f"{prefix}{entry['name']}")}
            for entry in cast("list[AvroSchema]", declared["fields"])
        ]
        self._defined.add(str(declared["name"]).rsplit(".", 1)[-1])
        return {**declared, "fields": fields}

    def _union(self, branches: list[object], path: str) -> object:
        others = [branch for branch in branches if branch != "null"]
        null = ["null"] if len(others) < len(branches) else []
        if len(others) == 1 and len(branches) <= 2:  # noqa: PLR2004 - null and one type
            return [*null, self.replaced(others[0], path)]
        self._outside(path, "a union of more than null and one type: make it several optional fields")
        plain = [self.replaced(branch, f"{path}|{_name(branch)}") for branch in others]
        records = [cast("AvroSchema", each) for each in plain if isinstance(each, dict) and "fields" in each]
        if not records:
            return [*null, next(iter(plain), _STAND_IN)]
        fields = {str(entry["name"]): entry for each in records for entry in cast("list[AvroSchema]", each["fields"])}
        name = "_or_".join(str(each["name"]).rsplit(".", 1)[-1] for each in records)
        return [*null, {"type": "record", "name": name, "fields": list(fields.values())}]

    def _outside(self, path: str, what: str) -> str:
        self.found.append(Problem(path or "$", RULE, f"the common language does not have {what}"))
        return _STAND_IN


def _name(branch: object) -> str:
    named = branch.get("name", branch.get("type")) if isinstance(branch, Mapping) else branch
    return str(named).rsplit(".", 1)[-1]
