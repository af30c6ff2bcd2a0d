"""Older versions of a contract become the current one, once, at the edge where a record is decoded.

A version steps to the next by its upcaster, when it has one (`schemas/upcasters.py`), and by schema resolution: what
the next version does not have goes, what it has more gets its default. So an upcaster knows two versions, never three.

Rule 1: whoever reads gets the current form or an error. A version that is not in the golden corpus has no form.
Rule 2: pure. A sealed or erased value stands as it is: it is for the upcaster of the opened record.
"""

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Protocol, cast

from schemas import golden
from schemas.catalogue import Contract, contract
from schemas.codec import Decoded, Record
from schemas.derive import Channel, NamedTypes, array_items, derive, fields_of
from schemas.errors import MisuseError
from schemas.registry import AvroSchema
from schemas.upcasters import UPCASTERS, Upcaster

Form = Callable[[Contract], AvroSchema]
"""Gives the schema of the records that are upcast, for a version of the contract."""
Conform = Callable[[Record], Record]


class UnknownVersionError(MisuseError):
    """A topic that only the hub writes holds a version of a contract that this release does not know."""

    code = "unknown-schema-version"


class Lineages(Protocol):
    """Gives the lineage of an event type by its name."""

    def __call__(self, name: str, /) -> "Lineage":
        """Return the lineage of the event type *name*."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lineage:
    """Every version of one event type, oldest first; the last is the current one."""

    versions: tuple[Contract, ...]
    upcasters: Mapping[str, Upcaster] = field(default_factory=dict, repr=False)
    """By the fingerprint of the version from which it steps to the next."""

    @property
    def current(self) -> Contract:
        """The version that the hub writes."""
        return self.versions[-1]

    def find(self, fingerprint: str) -> Contract | None:
        """Return the version with this fingerprint, None when no such version landed."""
        newest_first = reversed(self.versions)
        return next((version for version in newest_first if version.fingerprint == fingerprint), None)

    def upcast(self, record: Record, version: Contract, form: Form) -> Record:
        """Return *record*, an event of *version* in *form*, as the current version would say it."""
        if version is self.current:
            return record
        for step in self.versions[self.versions.index(version) : -1]:
            upcaster = self.upcasters.get(step.fingerprint)
            record = self._conform(step, form)(record if upcaster is None else upcaster(record))
        return record

    def _conform(self, step: Contract, form: Form) -> Conform:
        following = self.versions[self.versions.index(step) + 1]
        return _prepared(step, following, form)


@cache
def lineage(name: str) -> Lineage:
    """Return the versions of the event type *name*, and what leads from one to the next."""
    current = contract(name)
    earlier = tuple(version for version in golden.versions(name) if version != current)
    return Lineage(versions=(*earlier, current), upcasters=UPCASTERS.get(name, {}))


def published(contract: Contract) -> AvroSchema:
    """Return the form in which agencies publish."""
    return contract.schema


def sealed(channel: Channel) -> Form:
    """Return the form that *channel* carries: personal fields are sealed."""
    return _SEALED[channel]


def opened(channel: Channel) -> Form:
    """Return the form of what *channel* carries once it was opened: the fields of the contract that it has."""
    return _OPENED[channel]


def version_of(decoded: Decoded, name: str, lineages: Lineages = lineage) -> Contract:
    """Return the version of the event type *name* that *decoded* was written with, on a channel of the hub.

    Raises UnknownVersionError for one that never landed, or only in a later release than this.
    """
    found = lineages(name).find(decoded.origin)
    if found is None:
        raise UnknownVersionError(
            f"{decoded.fullname} (schema id {decoded.schema_id}) has a version that is not in schemas/golden: "
            "install the release that wrote it"
        )
    return found


def conformer(old: AvroSchema, new: AvroSchema) -> Conform:
    """Return schema resolution for records that are decoded already; what neither schema has stays.

    For versions that are compatible it gives what Avro gives.
    """
    old_types, new_types = NamedTypes(old), NamedTypes(new)

    def of_record(before: AvroSchema, after: AvroSchema) -> Conform | None:
        known = {str(entry["name"]): entry for entry in fields_of(before)}
        wanted = {str(entry["name"]): entry for entry in fields_of(after)}
        gone = frozenset(known.keys() - wanted.keys())
        added = [(name, entry["default"]) for name, entry in wanted.items() if name not in known and "default" in entry]
        inner = {
            name: found
            for name in known.keys() & wanted.keys()
            if (found := of_value(known[name]["type"], wanted[name]["type"])) is not None
        }
        return partial(_conformed, gone, added, inner) if gone or added or inner else None

    def of_value(before: object, after: object) -> Conform | None:
        items, wanted_items = array_items(before), array_items(after)
        record = old_types.record(before if items is None else items)
        wanted = new_types.record(after if wanted_items is None else wanted_items)
        if record is None or wanted is None or (items is None) != (wanted_items is None):
            return None
        return of_record(record, wanted)

    return of_record(old, new) or (lambda record: record)


def _conformed(
    gone: frozenset[str], added: list[tuple[str, object]], inner: Mapping[str, Conform], record: Record
) -> Record:
    out = {name: value for name, value in record.items() if name not in gone}
    for name, default in added:
        if name not in out:
            out[name] = copy.deepcopy(default)
    for name, conform in inner.items():
        value = out.get(name)
        if isinstance(value, list):
            out[name] = [conform(item) if _is_open(item) else item for item in value]
        elif _is_open(value):
            out[name] = conform(cast("Record", value))
    return out


def _is_open(value: object) -> bool:
    """Whether *value* is a record, and not one that is sealed as a whole."""
    return isinstance(value, dict) and value.keys() != {"kid", "ct"}


@cache
def _prepared(old: Contract, new: Contract, form: Form) -> Conform:
    return conformer(form(old), form(new))


def _opened_form(channel: Channel, contract: Contract) -> AvroSchema:
    kept, types = NamedTypes(derive(contract, channel).schema), NamedTypes(contract.schema)

    def record(source: AvroSchema) -> AvroSchema:
        found = kept.record(str(source["name"])) or {"fields": []}
        names = {str(entry["name"]) for entry in fields_of(found)}
        fields = [{**f, "type": value(f["type"])} for f in fields_of(source) if str(f["name"]) in names]
        return {**source, "fields": fields}

    def value(declared: object) -> object:
        items = array_items(declared)
        inner = types.record(declared if items is None else items)
        if inner is None or kept.record(str(inner["name"])) is None:  # sealed as a whole
            return declared
        return record(inner) if items is None else {"type": "array", "items": record(inner)}

    return record(contract.schema)


def _sealed_form(channel: Channel, contract: Contract) -> AvroSchema:
    return derive(contract, channel).schema


_SEALED: Mapping[Channel, Form] = {channel: partial(_sealed_form, channel) for channel in Channel}
_OPENED: Mapping[Channel, Form] = {channel: partial(_opened_form, channel) for channel in Channel}
