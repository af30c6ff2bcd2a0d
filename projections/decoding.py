"""Decodes what a projection may see of a record: the fields that stand in clear, and whether the event names a case.

Rule 1: what is sealed is skipped, not decoded: nobody here could open it, and it is most of the bytes.
Rule 2: a ledger event of the current version of its contract is read in this narrow form. An older one is read whole
        and upcast, so that every projection sees the words of today.
"""

from dataclasses import dataclass
from functools import cache
from typing import cast

from projections.projection import FAMILY_OF, Event
from schemas.catalogue import Contract, UnknownContractError, contract, hub_contract, hub_contracts
from schemas.channel_rules import NonPersonal
from schemas.codec import Codec, Fingerprinted, fullname_of, schema_id_of
from schemas.derive import IN_CLEAR, NAMESPACE, Channel, derive, fields_of, privacy_of
from schemas.errors import UnknownSchemaError
from schemas.names import SchemaId, TopicName
from schemas.registry import AvroSchema, fingerprint_of
from schemas.stamps import SIGNED_ORIGINAL
from schemas.upcasting import Lineages, lineage, sealed, version_of

LEDGER = TopicName("ledger")
_NON_PERSONAL = frozenset(map(str, NonPersonal))
PRESENCE = frozenset({"case_ref"})
"""Sealed fields of which a projection may know whether they are there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InClear:
    """The fields of a ledger event that are not sealed, as a reader's schema."""

    schema: AvroSchema
    fingerprint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What a schema id means."""

    name: str
    fullname: str
    of_the_ledger: bool
    form: Fingerprinted | None
    """In which to read it; None: whole, and upcast."""


class EventReader:
    """Reads records of the topics; what schema ids mean is kept."""

    def __init__(self, codec: Codec) -> None:
        self.codec = codec
        self._known: dict[SchemaId, Known] = {}

    def event(
        self, topic: TopicName, offset: int, key: bytes | None, value: bytes | None, known: Known | None
    ) -> Event:
        """Return the record, of which *known* was found, as `event_of` does, without what is sealed; raises as that."""
        if known is None or known.form is None:
            return event_of(self.codec, topic, offset, key, value)
        record = self.codec.decode(value, known.form).record
        return Event(topic=topic, offset=offset, key=key, name=known.name, record=record)

    def known(self, topic: TopicName, value: bytes | None) -> Known | None:
        """Return what *value* is, without decoding it; None when only decoding can tell.

        Raises UnknownSchemaError when it is nothing that *topic* carries.
        """
        found = self._of(value)
        if found is not None:
            _expect_on(topic, found.fullname, of_the_ledger=found.of_the_ledger)
        return found

    def _of(self, value: bytes | None) -> Known | None:
        schema_id = schema_id_of(value)
        if schema_id is None:
            return None
        found = self._known.get(schema_id)
        if found is None and (schema := self.codec.registry.known(schema_id)) is not None:
            found = self._known[schema_id] = _known(schema)
        return found


def event_of(
    codec: Codec,
    topic: TopicName,
    offset: int,
    key: bytes | None,
    value: bytes | None,
    lineages: Lineages = lineage,
) -> Event:
    """Return the decoded record as the current version of its contract says it.

    Raises RejectedError when it is none that *topic* carries, UnknownVersionError for a version that never landed.
    """
    decoded = codec.decode(value)
    name, of_the_ledger = _identified(decoded.fullname)
    _expect_on(topic, decoded.fullname, of_the_ledger=of_the_ledger)
    if str(topic) in _NON_PERSONAL and decoded.fullname == f"hub.{topic}.v1.{name}":  # as it left
        record = decoded.record
    elif not of_the_ledger:
        record = codec.in_form(value, decoded, _of_the_hub(name))
    else:
        version = version_of(decoded, name, lineages)
        record = codec.in_form(value, decoded, derive(version, Channel.LEDGER))
        record = lineages(name).upcast(record, version, sealed(Channel.LEDGER))
    return Event(topic=topic, offset=offset, key=key, name=name, record=record)


@cache
def in_clear(contract: Contract) -> InClear:
    """Return the form of ledger events of *contract* without what is sealed."""
    schema = cast("AvroSchema", _narrowed(derive(contract, Channel.LEDGER).schema, {}))
    return InClear(schema=schema, fingerprint=fingerprint_of(schema))


def _narrowed(declared: object, emitted: dict[str, None]) -> object:
    """Return the type *declared* without sealed fields; of those whose presence counts stays an empty record."""
    if isinstance(declared, list):
        return [_narrowed(branch, emitted) for branch in declared]
    if not isinstance(declared, dict):
        return _empty(emitted) if str(declared).rsplit(".", 1)[-1] == "Sealed" else declared
    if declared.get("type") == "array":
        return {"type": "array", "items": _narrowed(declared["items"], emitted)}
    if declared.get("type") != "record":
        return declared
    if declared["name"] == "Sealed":
        return _empty(emitted)
    kept = [field for field in fields_of(declared) if _is_seen(field)]
    fields = [
        {key: value for key, value in field.items() if key in ("name", "default")}
        | {"type": _narrowed(field["type"], emitted)}
        for field in kept
    ]
    return {"type": "record", "name": declared["name"], "namespace": declared["namespace"], "fields": fields}


def _is_seen(field: AvroSchema) -> bool:
    if field["name"] == SIGNED_ORIGINAL:  # a container of ciphertext alone
        return False
    kind = str(privacy_of(field)["class"])
    return kind in IN_CLEAR or kind == "CONTAINER" or field["name"] in PRESENCE


def _empty(emitted: dict[str, None]) -> object:
    """Return the record `Sealed` without content where it is first named, then its name."""
    if "Sealed" in emitted:
        return "hub.v1.Sealed"
    emitted["Sealed"] = None
    return {"type": "record", "name": "Sealed", "namespace": "hub.v1", "fields": []}


def _known(schema: AvroSchema) -> Known:
    fullname = fullname_of(schema)
    name, of_the_ledger = _identified(fullname)
    form: Fingerprinted | None = None
    if of_the_ledger:
        current = derive(contract(name), Channel.LEDGER)
        form = in_clear(contract(name)) if fingerprint_of(schema) == current.fingerprint else None
    elif any(each.name == name and each.fingerprint == fingerprint_of(schema) for each in hub_contracts()):
        form = hub_contract(name)
    return Known(name=name, fullname=fullname, of_the_ledger=of_the_ledger, form=form)


def _identified(fullname: str) -> tuple[str, bool]:
    """Return the name of a record and whether it is one of the ledger."""
    namespace, _, name = fullname.rpartition(".")
    return name, namespace == NAMESPACE[Channel.LEDGER] and name in FAMILY_OF


def _expect_on(topic: TopicName, fullname: str, *, of_the_ledger: bool) -> None:
    if (topic == LEDGER) is not of_the_ledger:
        raise UnknownSchemaError(f"{topic} holds a record of {fullname}, which does not belong there")


def _of_the_hub(name: str) -> Contract:
    try:
        return hub_contract(name)
    except UnknownContractError:
        raise UnknownSchemaError(f"the hub writes no record {name}") from None
