"""What changed between two versions of a schema, field by field."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, cast

from schemas.compatibility import fields_in, type_name
from schemas.registry import AvroSchema

Change = Literal["added", "removed", "changed"]
NOT_GIVEN = "—"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One thing that changed about one field."""

    path: str
    change: Change
    attribute: str
    """What changed: `type`, `default`, `codes`, …; of a field that came or went, its type."""
    before: str = NOT_GIVEN
    after: str = NOT_GIVEN


def differences(old: AvroSchema, new: AvroSchema) -> tuple[Difference, ...]:
    """Return what leads from *old* to *new*: first of the event itself, then of its fields in order of *new*."""
    before, after = fields_in(old), fields_in(new)
    found = [*_of_event(old, new)]
    for path, entry in after.items():
        if path not in before:
            found.append(Difference(path=path, change="added", attribute="type", after=type_name(entry["type"])))
        else:
            found += _of_field(path, before[path], entry)
    for path, entry in before.items():
        if path not in after:
            found.append(Difference(path=path, change="removed", attribute="type", before=type_name(entry["type"])))
    return tuple(found)


def renamed(old: AvroSchema, new: AvroSchema) -> tuple[tuple[str, str], ...]:
    """Return pairs of a field that went and one that came in the same record, alike in all but the name."""
    before, after = fields_in(old), fields_in(new)
    came = {path: _nameless(entry) for path, entry in after.items() if path not in before}
    pairs = []
    for path, entry in before.items():
        if path in after:
            continue
        place = path.rpartition(".")[0]
        twin = next((p for p, e in came.items() if p.rpartition(".")[0] == place and e == _nameless(entry)), None)
        if twin is not None:
            pairs.append((path, twin))
            del came[twin]
    return tuple(pairs)


def _of_event(old: AvroSchema, new: AvroSchema) -> Iterator[Difference]:
    for name in sorted((old.keys() | new.keys()) - {"type", "fields"}):
        if old.get(name) != new.get(name):
            yield _changed("$", name, old.get(name), new.get(name))


def _of_field(path: str, old: AvroSchema, new: AvroSchema) -> Iterator[Difference]:
    if type_name(old["type"]) != type_name(new["type"]):
        yield _changed(path, "type", type_name(old["type"]), type_name(new["type"]))
    for name in sorted((old.keys() | new.keys()) - {"type", "privacy"}):
        if name not in old or name not in new or old[name] != new[name]:
            yield _changed(path, name, old.get(name, NOT_GIVEN), new.get(name, NOT_GIVEN))
    privacy = [cast("AvroSchema", each.get("privacy", {})) for each in (old, new)]
    for name in sorted(privacy[0].keys() | privacy[1].keys()):
        if privacy[0].get(name) != privacy[1].get(name):
            yield _changed(path, f"privacy.{name}", privacy[0].get(name, NOT_GIVEN), privacy[1].get(name, NOT_GIVEN))


def _changed(path: str, attribute: str, before: object, after: object) -> Difference:
    return Difference(path=path, change="changed", attribute=attribute, before=_shown(before), after=_shown(after))


def _shown(value: object) -> str:
    if value is None:
        return "null"
    return ", ".join(map(str, value)) if isinstance(value, list) and value else str(value)


def _nameless(entry: AvroSchema) -> AvroSchema:
    return {key: value for key, value in entry.items() if key != "name"}
