"""A schema with a field whose privacy is not settled does not build and does not register."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from infra.topology.subjects import UnfitSchemaError, subjects
from schemas import catalogue
from schemas.catalogue import Contract, contract, contract_of
from schemas.privacy import problems_of
from tests.attacks.hub import topology

NAME = "PersonIdentified"


def _new_field(fields: list[dict[str, Any]]) -> None:
    fields.append({"name": "hair", "type": ["null", "string"], "default": None, "doc": "The colour of the hair."})


def _no_class(fields: list[dict[str, Any]]) -> None:
    del fields[1]["privacy"]["class"]


def _unknown_class(fields: list[dict[str, Any]]) -> None:
    fields[1]["privacy"]["class"] = "HARMLESS"


def _no_attribute(fields: list[dict[str, Any]]) -> None:
    del fields[1]["privacy"]


def _map(fields: list[dict[str, Any]]) -> None:
    fields[1]["type"] = {"type": "map", "values": "string"}


def _branch(fields: list[dict[str, Any]]) -> None:
    fields[1]["type"] = ["null", "string", "long"]


def _record_without_classes(fields: list[dict[str, Any]]) -> None:
    inner = {"type": "record", "name": "Look", "fields": [{"name": "hair", "type": "string"}]}
    container = {"privacy": {"class": "CONTAINER"}, "confluent:tags": ["CONTAINER"]}
    fields.append({"name": "look", "type": inner, "doc": "How somebody looks.", **container})


UNSETTLED = (_new_field, _no_class, _unknown_class, _no_attribute, _map, _branch, _record_without_classes)


@pytest.mark.parametrize("change", UNSETTLED, ids=lambda change: change.__name__.strip("_"))
def test_what_is_not_classified_does_not_build_and_does_not_register(
    change: Callable[[list[dict[str, Any]]], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    schema = copy.deepcopy(contract(NAME).schema)
    change(schema["fields"])  # type: ignore[arg-type]
    broken = contract_of(schema)
    assert problems_of(schema)
    known = catalogue.contract

    def held(name: str) -> Contract:
        return broken if name == NAME else known(name)

    assert subjects(topology())
    monkeypatch.setattr(catalogue, "contract", held)
    with pytest.raises(UnfitSchemaError, match="the schema of PersonIdentified is not registered"):
        subjects(topology())
