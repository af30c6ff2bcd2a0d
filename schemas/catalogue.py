"""The contracts of the hub: every event type that an agency may publish, read once from `schemas/avro`.

A file there holds one record and names the records that it shares (`hub.v1.Envelope`, `hub.v1.Person`);
a contract's schema is self-contained: each named type is written out at its first use, with all attributes.
"""

import json
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import cast

from schemas.errors import MisuseError
from schemas.registry import AvroSchema, fingerprint_of

NAMESPACE = "hub.v1"
"""Namespace of every source schema."""

SHARED = ("envelope.avsc", "person.avsc", "establishment.avsc")
"""Records that several contracts use, beside the folders of the families."""

FOLDERS = (
    "identification",
    "referral",
    "investigation",
    "extradition",
    "administrative_control",
    "consent",
    "monitoring",
)
"""One folder for each family of events that agencies publish."""


class UnknownContractError(MisuseError):
    """No event type has this name."""

    code = "unknown-contract"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """One event type; two contracts are equal when their fingerprints are."""

    name: str
    """Name of the event type, such as `PersonIdentified`."""
    family: str
    """One of identification, referral, investigation, extradition, control, consent, monitoring."""
    schema: AvroSchema = field(repr=False, compare=False)
    """Self-contained Avro schema; do not change it."""
    fingerprint: str
    """SHA-256 of the schema with all its attributes, hexadecimal."""

    @property
    def fullname(self) -> str:
        """Namespace and name, such as `hub.v1.PersonIdentified`."""
        return f"{NAMESPACE}.{self.name}"


def contract(name: str) -> Contract:
    """Return the contract of the event type *name*; raise UnknownContractError when there is none."""
    found = _by_name().get(name)
    if found is None:
        raise UnknownContractError(f"no such event type; the event types are: {', '.join(_by_name())}")
    return found


@cache
def contracts() -> tuple[Contract, ...]:
    """Return every event type that an agency may publish, sorted by name."""
    return tuple(_by_name().values())


@cache
def hub_contract(name: str) -> Contract:
    """Return the contract of a record that the hub itself writes: Receipt, Quarantined, Decision or Agreement.

    Raises UnknownContractError for any other name.
    """
    entry = _root() / "hub" / f"{name.lower()}.avsc"
    if not entry.is_file():
        raise UnknownContractError("the hub writes no record of this name; see schemas/avro/hub")
    return _contract(_load(entry))


@cache
def hub_contracts() -> tuple[Contract, ...]:
    """Return the contract of every record that the hub itself writes, sorted by name."""
    entries = (entry.name for entry in (_root() / "hub").iterdir())
    return tuple(
        sorted(
            (_contract(_load(_root() / "hub" / name)) for name in entries if name.endswith(".avsc")),
            key=lambda found: found.name,
        )
    )


def contract_of(schema: AvroSchema) -> Contract:
    """Return the contract whose self-contained schema is *schema*, such as one that landed earlier."""
    return Contract(
        name=str(schema["name"]),
        family=str(schema.get("family", "")),
        schema=schema,
        fingerprint=fingerprint_of(schema),
    )


@cache
def shared_records() -> dict[str, AvroSchema]:
    """Return the records that several contracts use, by full name, as their files hold them."""
    return {f"{NAMESPACE}.{schema['name']}": schema for schema in (_load(_root() / name) for name in SHARED)}


def inline(schema: AvroSchema, shared: dict[str, AvroSchema]) -> AvroSchema:
    """Return a copy of *schema* in which each record of *shared* is written out where it is first named."""
    return cast("AvroSchema", _inlined(schema, shared, set()))


@cache
def _by_name() -> dict[str, Contract]:
    found = (
        _contract(_load(entry))
        for folder in FOLDERS
        for entry in (_root() / folder).iterdir()
        if entry.name.endswith(".avsc")
    )
    return {contract.name: contract for contract in sorted(found, key=lambda contract: contract.name)}


def _contract(source: AvroSchema) -> Contract:
    return contract_of(inline(source, shared_records()))


def _root() -> Traversable:
    return files("schemas") / "avro"


def _load(entry: Traversable) -> AvroSchema:
    return cast("AvroSchema", json.loads(entry.read_text(encoding="utf-8")))


def _inlined(declared: object, shared: dict[str, AvroSchema], emitted: set[str]) -> object:
    """Copy *declared* with the first mention of each shared record replaced by its definition."""
    if isinstance(declared, list):
        return [_inlined(branch, shared, emitted) for branch in declared]
    if isinstance(declared, str):
        if declared not in shared or declared in emitted:
            return declared
        emitted.add(declared)
        return _inlined(shared[declared], shared, emitted)
    if not isinstance(declared, dict):
        return declared
    copy = dict(declared)
    if declared.get("type") == "record":
        fields = cast("list[AvroSchema]", declared["fields"])
        copy["fields"] = [{**field, "type": _inlined(field["type"], shared, emitted)} for field in fields]
    elif "items" in declared:
        copy["items"] = _inlined(declared["items"], shared, emitted)
    return copy
