"""Every personal field of every schema, declared PUBLIC one at a time: the attacks see each of them leak.

The fast form of the attack: one event of the type with a canary in every field, through the compiler and the sealing
of every channel, and every byte of that searched. What is sealed as a whole does not leak by a part: that is found by
the linter, which stops such a schema from being built.
"""

import copy
import re
from collections.abc import Callable, Iterator
from typing import Any

import fastavro.schema
import pytest

from schemas.catalogue import Contract, contract, contract_of, contracts
from schemas.codec import HEADER, MAGIC, Writer, parse
from schemas.derive import IN_CLEAR, array_items, derive, fields_of, privacy_of
from schemas.names import SchemaId
from schemas.privacy import problems_of
from schemas.registry import AvroSchema
from schemas.shapes import shape_of
from tests.attacks.canaries import Planter, skeleton
from tests.attacks.score_table import score
from tests.attacks.spellings import Search
from tests.schemas.sealed import SEALED_CHANNELS, keys_for, sealed

NAMES = tuple(known.name for known in contracts())


def sites(schema: object, path: str = "") -> Iterator[tuple[str, Callable[[AvroSchema], AvroSchema]]]:
    """Yield every field of *schema* that is not in clear: its path, and what finds it in a copy of the schema."""
    if isinstance(schema, list):
        for number, branch in enumerate(schema):
            yield from ((name, _then(number, find)) for name, find in sites(branch, path))
    elif isinstance(schema, dict) and schema.get("type") == "record":
        for number, field in enumerate(fields_of(schema)):
            here = f"{path}.{field['name']}"
            if privacy_of(field)["class"] not in IN_CLEAR:
                yield here, _then("fields", _then(number, lambda found: found))
            for name, find in sites(field["type"], here):
                yield name, _then("fields", _then(number, _then("type", find)))
    elif isinstance(schema, dict) and (items := array_items(schema)) is not None:
        yield from ((name, _then("items", find)) for name, find in sites(items, path))


def _then(step: str | int, find: Callable[[Any], AvroSchema]) -> Callable[[Any], AvroSchema]:
    return lambda schema: find(schema[step])


def declared_public(known: Contract, find: Callable[[AvroSchema], AvroSchema]) -> Contract:
    """Return *known* as it would be if somebody took the field for a public one, with tags to match."""
    schema = copy.deepcopy(known.schema)
    field = find(schema)
    field["privacy"], field["confluent:tags"] = {"class": "PUBLIC"}, ["PUBLIC"]
    return contract_of(schema)


def leaks(known: Contract, event: dict[str, Any], search: Search) -> set[str]:
    """Return the canaries of *event* that a channel shows of *known*."""
    keys = keys_for(known, event)
    for channel in SEALED_CHANNELS:
        derived = derive(known, channel)
        writer = Writer(
            schema_id=SchemaId(1), fullname=derived.fullname, parsed=parse(derived.schema), header=HEADER.pack(MAGIC, 1)
        )
        if found := search.names([writer.encode(sealed(known, channel, event, keys, wire=True))]):
            return found
    return set()


def fate(mutant: Contract, event: dict[str, Any], search: Search) -> str | None:
    """Return what stops *mutant*: the attack, the linter, or that nothing can be written with it; None when nothing."""
    try:
        if leaks(mutant, event, search):
            return "attack"
    except fastavro.schema.UnknownType:
        return "does not build"
    return "linter" if problems_of(mutant.schema) else None


@pytest.mark.parametrize("name", NAMES)
def test_a_field_that_is_declared_public_is_seen_to_leak(
    name: str, record_property: Callable[[str, object], None]
) -> None:
    known, planter = contract(name), Planter(7)
    event = planter.planted(known, skeleton(shape_of(known)), valid_at=None)
    search = Search(planter.made)
    assert leaks(known, event, search) == set()

    fates = {path: fate(declared_public(known, find), event, search) for path, find in sites(known.schema)}

    assert len(fates) > 3, "there are fields to mutate"
    by_attack = [path for path, by in fates.items() if by == "attack"]
    record_property(*score("fields declared PUBLIC: mutants killed", sum(map(bool, fates.values())), len(fates)))
    record_property(*score("fields declared PUBLIC: by canaries alone", len(by_attack), len(fates)))
    assert [path for path, by in fates.items() if by is None] == []
    assert all(UNIT.search(path) for path in fates.keys() - set(by_attack)), fates


UNIT = re.compile(r"\.(identity_documents|contacts|offences)\.|^\.(persons|suspects|victims|person)$")
"""What does not leak by itself: parts of what is sealed as a whole, and persons whose type is named again elsewhere."""
