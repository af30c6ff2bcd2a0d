"""The compiler: what a channel may not carry cannot be written down in its schema."""

from typing import Any

import pytest

from schemas.catalogue import Contract, contract, contracts
from schemas.codec import Codec
from schemas.derive import SEALED, Channel, Derived, UnclassifiedFieldError, derive
from schemas.errors import MalformedRecordError
from schemas.registry import canonical_json
from schemas.shapes import record_shape, shape_of, walk
from tests.schemas.events import event
from tests.schemas.registries import memory_codec
from tests.schemas.sealed import SEALED_CHANNELS, keys_for, sealed

CODEC: Codec = memory_codec()
WITHOUT_IDENTITY = (Channel.PSEUDONYMOUS, Channel.STAGE)
ALL = [derive(known, channel) for known in contracts() for channel in SEALED_CHANNELS]
NON_IDENTIFYING = [derived for derived in ALL if derived.channel in WITHOUT_IDENTITY]


def of(derived: Derived) -> str:
    return derived.fullname


def field_names(schema: Any, path: str = "") -> dict[str, dict[str, Any]]:
    """Return every field of the derived *schema* by path, named types looked up, sealed values not entered."""
    named: dict[str, Any] = {}

    def inside(declared: Any, path: str) -> dict[str, dict[str, Any]]:
        if isinstance(declared, list):
            return {name: field for branch in declared for name, field in inside(branch, path).items()}
        if isinstance(declared, str):
            return inside(named[declared], path) if declared in named else {}
        if declared.get("type") == "array":
            return inside(declared["items"], path)
        if declared.get("type") != "record" or declared["name"] in ("Sealed", "Release"):
            return {}
        named[f"{declared['namespace']}.{declared['name']}"] = declared
        found = {}
        for field in declared["fields"]:
            here = f"{path}.{field['name']}".lstrip(".")
            found |= {here: field, **inside(field["type"], here)}
        return found

    return inside(schema, path)


def paths_of_classes(found: Contract, *classes: str) -> set[str]:
    return {path.replace("[]", "") for path, _, field in walk(shape_of(found)) if field.privacy["class"] in classes}


@pytest.mark.parametrize("derived", ALL, ids=of)
def test_the_same_contract_and_channel_give_the_same_bytes(derived: Derived) -> None:
    again = derive.__wrapped__(derived.contract, derived.channel)
    assert canonical_json(again.schema) == canonical_json(derived.schema)
    assert again.fingerprint == derived.fingerprint


def test_every_channel_has_a_schema_of_its_own() -> None:
    assert len({derived.fullname for derived in ALL}) == len({derived.fingerprint for derived in ALL}) == len(ALL)


@pytest.mark.parametrize("derived", NON_IDENTIFYING, ids=of)
def test_no_identity_contact_reference_or_narrative_can_be_written_down_without_identity(derived: Derived) -> None:
    forbidden = paths_of_classes(derived.contract, "IDENTITY", "CONTACT", "LINK", "NARRATIVE")
    assert "envelope.officer_ref" in forbidden
    fields = field_names(derived.schema)
    assert not {path for path in fields if path in forbidden or any(path.startswith(f"{f}.") for f in forbidden)}
    assert {field["privacy"]["class"] for field in fields.values()} & {
        "IDENTITY",
        "CONTACT",
        "LINK",
        "NARRATIVE",
    } == set()


@pytest.mark.parametrize("derived", ALL, ids=of)
def test_a_field_of_a_sealed_class_holds_a_seal_or_nothing(derived: Derived) -> None:
    sealed_fields = [field for field in field_names(derived.schema).values() if field["privacy"]["class"] in SEALED]
    assert sealed_fields
    for field in sealed_fields:
        null, seal = field["type"]
        assert null == "null"
        assert seal == "hub.v1.Sealed" or seal["name"] == "Sealed"
        assert field["default"] is None


@pytest.mark.parametrize("channel", SEALED_CHANNELS)
@pytest.mark.parametrize("found", contracts(), ids=lambda found: found.name)
def test_a_value_in_clear_in_a_sealed_field_does_not_encode(found: Contract, channel: Channel) -> None:
    record = event(found.name)
    derived = derive(found, channel)
    writer = CODEC.writer(derived.fullname, derived.schema)
    whole = sealed(found, channel, record, keys_for(found, record))
    assert writer.encode(whole)
    fields = field_names(derived.schema)
    tried = 0
    for path, field in fields.items():
        if field["privacy"]["class"] not in SEALED:
            continue
        for clear in ("a text", 5, ["a"], {"kind": "a"}):
            broken = replaced(whole, path.split("."), clear)
            if broken is None:
                continue
            tried += 1
            with pytest.raises(MalformedRecordError):
                writer.encode(broken)
    assert tried


def replaced(value: Any, steps: list[str], new: object) -> Any:
    """Return *value* with *new* at *steps* (the first entry of each list); None when there is no such place."""
    if not steps:
        return new
    if isinstance(value, list):
        if not value:
            return None
        inner = replaced(value[0], steps, new)
        return None if inner is None else [inner, *value[1:]]
    if not isinstance(value, dict) or steps[0] not in value:
        return None
    inner = replaced(value[steps[0]], steps[1:], new)
    return None if inner is None else {**value, steps[0]: inner}


@pytest.mark.parametrize("channel", SEALED_CHANNELS)
def test_a_field_without_a_privacy_class_does_not_build(channel: Channel) -> None:
    known = contract("PersonIdentified")
    fields: Any = known.schema["fields"]
    bare = {"name": "extra", "type": "string"}
    loose = Contract(
        name=known.name, family=known.family, schema={**known.schema, "fields": [*fields, bare]}, fingerprint="other"
    )
    with pytest.raises(UnclassifiedFieldError, match="extra has no privacy class"):
        derive(loose, channel)


@pytest.mark.parametrize("channel", SEALED_CHANNELS)
def test_a_class_that_no_rule_names_is_left_out(channel: Channel) -> None:
    known = contract("PersonIdentified")
    fields: Any = known.schema["fields"]
    novel = {"name": "extra", "type": "string", "privacy": {"class": "NOVEL"}}
    loose = Contract(
        name=known.name, family=known.family, schema={**known.schema, "fields": [*fields, novel]}, fingerprint="novel"
    )
    assert "extra" not in field_names(derive(loose, channel).schema)


@pytest.mark.parametrize("derived", ALL, ids=of)
def test_a_derived_schema_says_what_it_was_derived_from(derived: Derived) -> None:
    assert derived.schema["derived_from"] == derived.contract.fingerprint
    assert record_shape(derive(derived.contract, Channel.SOURCE).schema)
