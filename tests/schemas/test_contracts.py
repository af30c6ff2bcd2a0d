"""The contracts: complete, readable by others, open to later versions; the generated code is current."""

import json

import avro.schema
import fastavro
import pytest

from schemas.catalogue import Contract, UnknownContractError, contract, contracts
from schemas.generate import COMMAND, is_current
from schemas.privacy import SEALED_CLASSES, PrivacyClass, problems_of
from schemas.privacy_classes import LADDER_CLASSES, TAGS
from schemas.shapes import NO_DEFAULT, shape_of, walk

FAMILIES = {"identification", "referral", "investigation", "extradition", "control", "consent", "monitoring"}


def names(found: tuple[Contract, ...]) -> list[str]:
    return [known.name for known in found]


def test_each_family_has_an_event_type() -> None:
    assert {known.family for known in contracts()} == FAMILIES
    assert names(contracts()) == sorted(names(contracts()))


@pytest.mark.parametrize("known", contracts(), ids=names(contracts()))
def test_every_field_is_classified_and_documented(known: Contract) -> None:
    assert problems_of(known.schema) == ()


@pytest.mark.parametrize("known", contracts(), ids=names(contracts()))
def test_a_contract_stands_alone_for_fastavro_and_for_avro_python3(known: Contract) -> None:
    assert fastavro.parse_schema(known.schema, named_schemas={})
    parsed = avro.schema.parse(json.dumps(known.schema))
    assert parsed.fullname == known.fullname == f"hub.v1.{known.name}"


@pytest.mark.parametrize("known", contracts(), ids=names(contracts()))
def test_an_optional_field_has_a_default_so_that_versions_stay_compatible(known: Contract) -> None:
    nullable = [entry for _, _, entry in walk(shape_of(known)) if entry.nullable]
    assert nullable
    assert all(entry.default is None for entry in nullable)


def test_a_flag_that_nobody_answered_is_not_reported() -> None:
    flags = [entry for known in contracts() for _, _, entry in walk(shape_of(known)) if entry.text("codes") == "flag"]
    assert {entry.default for entry in flags} == {"NOT_REPORTED", NO_DEFAULT}
    assert {entry.name for entry in flags if entry.default is NO_DEFAULT} == {"restricted"}


def test_an_unknown_event_type_is_refused_with_those_there_are() -> None:
    with pytest.raises(UnknownContractError, match="PersonIdentified"):
        contract("PersonFound")


def test_two_reads_give_the_same_contract() -> None:
    assert contract("ReferralOffered") is contract("ReferralOffered")
    assert len({known.fingerprint for known in contracts()}) == len(contracts())


def test_each_class_has_a_tag_and_those_with_a_ladder_are_sealed() -> None:
    assert set(TAGS) == set(PrivacyClass)
    assert LADDER_CLASSES <= SEALED_CLASSES


def test_the_generated_types_are_current() -> None:
    assert is_current(), f"run `{COMMAND}` and commit schemas/types_generated.py"
