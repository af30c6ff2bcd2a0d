"""The privacy compiler, first cut: (source contract, channel) -> the schema of what that channel may carry.

Rule 1: a whitelist. A field is in a derived schema only because its class is listed for the channel below.
Rule 2: a sealed class is never a plain type: its field can hold a `Sealed` or null, nothing else, so that a
        personal value in clear on such a channel is a type error.
Rule 3: no non-personal channel is derived here. `anon.*` opens with cohort release.
"""

from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import cast

from schemas.catalogue import Contract
from schemas.errors import MisuseError
from schemas.privacy_classes import SEALED_CLASSES
from schemas.registry import AvroSchema, fingerprint_of
from schemas.stamps import OPERATIONAL, RECEIVED_AT, RELEASE, SIGNED_BY, SUBJECT, signed_original


class UnclassifiedFieldError(MisuseError):
    """A field has no privacy class: no schema is made of it."""

    code = "unclassified"


class Channel(StrEnum):
    """Where a record travels; each channel has a schema of its own for each event type."""

    SOURCE = "source"
    """`in.<agency>`: what an agency publishes."""
    LEDGER = "ledger"
    """`ledger`: everything, sealed under the hub's keys of each person."""
    PERSONAL = "personal"
    """`to.<partner>`: everything, sealed under the keys of that partner."""
    PSEUDONYMOUS = "pseudonymous"
    """`to.<partner>` without identity, contacts, references and narratives."""
    STAGE = "stage"
    """`stage.<population>`: what cohort release may generalise, sealed under the hub's keys."""


IN_CLEAR = frozenset({"OPERATIONAL", "PUBLIC"})
SEALED: frozenset[str] = frozenset(str(each) for each in SEALED_CLASSES)
EVERYTHING = IN_CLEAR | SEALED | {"ENTITY", "CONTAINER"}
WITHOUT_IDENTITY = EVERYTHING - {"IDENTITY", "CONTACT", "LINK", "NARRATIVE"}
CARRIES: dict[Channel, frozenset[str]] = {
    Channel.LEDGER: EVERYTHING,
    Channel.PERSONAL: EVERYTHING,
    Channel.PSEUDONYMOUS: WITHOUT_IDENTITY,
    Channel.STAGE: WITHOUT_IDENTITY,
}
NAMESPACE: dict[Channel, str] = {
    Channel.SOURCE: "hub.v1",
    Channel.LEDGER: "hub.ledger.v1",
    Channel.PERSONAL: "hub.feed.personal.v1",
    Channel.PSEUDONYMOUS: "hub.feed.pseudonymous.v1",
    Channel.STAGE: "hub.stage.v1",
}
PERSON = "Person"


@dataclass(frozen=True, slots=True, kw_only=True)
class Derived:
    """A schema that the compiler issued."""

    contract: Contract
    channel: Channel
    schema: AvroSchema
    fullname: str
    fingerprint: str


@cache
def derive(contract: Contract, channel: Channel) -> Derived:
    """Return what *channel* may carry of *contract*; the same input gives the same bytes."""
    schema = contract.schema if channel is Channel.SOURCE else _Derivation(contract, channel).run()
    return Derived(
        contract=contract,
        channel=channel,
        schema=schema,
        fullname=f"{NAMESPACE[channel]}.{contract.name}",
        fingerprint=fingerprint_of(schema),
    )


def privacy_of(field: AvroSchema) -> AvroSchema:
    """Return the privacy attribute of *field*; raise UnclassifiedFieldError for one that has none."""
    if not isinstance(found := field.get("privacy"), dict) or "class" not in found:
        raise UnclassifiedFieldError(f"the field {field.get('name')} has no privacy class; see `hub schema check`")
    return cast("AvroSchema", found)


def fields_of(record: AvroSchema) -> list[AvroSchema]:
    """Return the fields of the schema *record*."""
    return cast("list[AvroSchema]", record["fields"])


class NamedTypes:
    """Finds the full definition of a type that a schema names again after its first use."""

    def __init__(self, schema: AvroSchema) -> None:
        self._found: dict[str, AvroSchema] = {}
        self._collect(schema)

    def record(self, declared: object) -> AvroSchema | None:
        """Return the record that *declared* is, names or lists with null; None when it is none."""
        if isinstance(declared, list):
            return next((found for branch in declared if (found := self.record(branch))), None)
        if isinstance(declared, str):
            return self._found.get(declared.rsplit(".", 1)[-1])
        if isinstance(declared, dict) and declared.get("type") == "record":
            return declared
        return None

    def _collect(self, declared: object) -> None:
        if isinstance(declared, list):
            for branch in declared:
                self._collect(branch)
        elif isinstance(declared, dict):
            if declared.get("type") == "record":
                self._found[str(declared["name"]).rsplit(".", 1)[-1]] = declared
                for field in fields_of(declared):
                    self._collect(field["type"])
            else:
                self._collect(declared.get("items") or declared.get("values") or declared.get("type"))


def array_items(declared: object) -> object | None:
    """Return what the array *declared* (or the array branch of a union) holds; None when it is none."""
    if isinstance(declared, list):
        return next((found for branch in declared if (found := array_items(branch)) is not None), None)
    if isinstance(declared, dict) and declared.get("type") == "array":
        return cast("object", declared["items"])
    return None


def nullable(declared: object) -> bool:
    """Return whether the type *declared* allows null."""
    return isinstance(declared, list) and "null" in declared


class _Derivation:
    """One run of the compiler over one contract."""

    def __init__(self, contract: Contract, channel: Channel) -> None:
        self._contract = contract
        self._channel = channel
        self._types = NamedTypes(contract.schema)
        self._emitted: set[str] = set()

    def run(self) -> AvroSchema:
        root = cast("AvroSchema", self._record(self._contract.schema))
        root["doc"] = f"{self._contract.schema.get('doc', '')} As carried by the channel {self._channel}."
        root["derived_from"] = self._contract.fingerprint
        stamps = [RECEIVED_AT]
        if self._channel is Channel.LEDGER:
            stamps += [SIGNED_BY, signed_original(self._sealed())]
        if self._channel in (Channel.PERSONAL, Channel.PSEUDONYMOUS):
            stamps.append(RELEASE)
        root["fields"] = [*fields_of(root), *stamps]
        return root

    def _record(self, source: AvroSchema) -> AvroSchema | str:
        name = str(source["name"]).rsplit(".", 1)[-1]
        fullname = f"{NAMESPACE[self._channel]}.{name}"
        if fullname in self._emitted:
            return fullname
        self._emitted.add(fullname)
        added = [SUBJECT] if name == PERSON else []
        kept = [kept for field in fields_of(source) if (kept := self._field(field)) is not None]
        return {
            "type": "record",
            "name": name,
            "namespace": NAMESPACE[self._channel],
            "doc": source.get("doc", ""),
            "fields": added + kept,
        }

    def _field(self, source: AvroSchema) -> AvroSchema | None:
        privacy = privacy_of(source)
        kind = str(privacy["class"])
        views = cast("list[str] | None", privacy.get("views"))
        if kind not in CARRIES[self._channel]:
            return None
        if views is not None and self._channel is not Channel.LEDGER and self._channel not in views:
            return None
        if kind == "CONTAINER":
            return {**source, "type": self._container(source["type"])}
        if kind in IN_CLEAR:
            return dict(source)
        plain = [] if kind in SEALED else _branches(source["type"])
        return {
            **{key: value for key, value in source.items() if key not in ("type", "default")},
            "type": ["null", self._sealed(), *plain],
            "default": None,
            "sealed": source["type"],
        }

    def _container(self, declared: object) -> object:
        items = array_items(declared)
        if items is not None:
            return {"type": "array", "items": self._container(items)}
        record = self._types.record(declared)
        if record is None:
            raise TypeError(f"{self._contract.name}: a CONTAINER field is neither a record nor an array of records")
        derived = self._record(record)
        return ["null", derived] if nullable(declared) else derived

    def _sealed(self) -> AvroSchema | str:
        if SEALED_NAME in self._emitted:
            return SEALED_NAME
        self._emitted.add(SEALED_NAME)
        return _SEALED_TYPE


def _branches(declared: object) -> list[object]:
    return [branch for branch in declared if branch != "null"] if isinstance(declared, list) else [declared]


SEALED_NAME = "hub.v1.Sealed"
_SEALED_TYPE: AvroSchema = {
    "type": "record",
    "name": "Sealed",
    "namespace": "hub.v1",
    "doc": (
        "A value that only the holder of the key `kid` can read: JSON padded with spaces, under AES-256-GCM. "
        "Associated data: event_id|schema|field path|subject|kid."
    ),
    "fields": [
        {
            "name": "kid",
            "type": "string",
            "doc": "Random id of the key; says nothing of the person.",
            **OPERATIONAL,
        },
        {
            "name": "ct",
            "type": "bytes",
            "doc": "Nonce (12 bytes), ciphertext, tag (16 bytes).",
            **OPERATIONAL,
        },
    ],
}
