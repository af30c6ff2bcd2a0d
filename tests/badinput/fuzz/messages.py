"""Real messages to break: what the scenario's agencies publish, and the recorded ones of every version that landed."""

import re
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from connectors.scenario.stream import Scenario
from schemas import golden
from schemas.catalogue import contract, contracts
from schemas.codec import HEADER, Codec
from schemas.field_steps import persons
from schemas.json_form import read_event
from schemas.names import KeyId
from schemas.sealing import DataKey
from tests.schemas.registries import memory_codec
from tests.schemas.strategies import NOW

ACTS = 1_500
SHORTEST = 6
_CODE = re.compile(r"[A-Z0-9_+.:]+")
_SAID_OF_NOBODY = frozenset({"envelope.agency", "to_agency", "event_type", "indicator"})
CODEC: Codec = memory_codec()


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message as it lies on a topic, and what of it must never be repeated."""

    agency: str
    value: bytes = field(repr=False)
    secrets: frozenset[str] = field(repr=False)


@cache
def messages() -> tuple[Message, ...]:
    """Return a message of each kind that flows; every event type is among them, and every version that landed."""
    return (*_told(), *_recorded())


@cache
def documents() -> tuple[Mapping[str, Any], ...]:
    """Return the scenario's events in JSON form."""
    return tuple(act.event for act in Scenario(seed=8).events(ACTS))


def secrets_in(value: Any, path: str = "") -> Iterator[str]:
    """Yield every text of *value* that is no code and names no agency."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from secrets_in(inner, f"{path}.{key}".lstrip("."))
    elif isinstance(value, list):
        for inner in value:
            yield from secrets_in(inner, path)
    elif isinstance(value, str) and path not in _SAID_OF_NOBODY and _is_telling(value):
        yield value


def _is_telling(text: str) -> bool:
    return len(text) >= SHORTEST and not _CODE.fullmatch(text)


def keys_of(name: str, record: Mapping[str, object]) -> dict[str, DataKey]:
    """Return a key for the agency and for each person of *record*."""
    paths = ("agency", *persons(contract(name), record))
    return {path: DataKey(KeyId(f"k-{path}"), f"s-{path}", secrets.token_bytes(32)) for path in paths}


def _told() -> Iterator[Message]:
    for event in documents():
        found, record = read_event(event, NOW)
        value = CODEC.writer(found.fullname, found.schema).encode(record)
        yield Message(agency=str(event["envelope"]["agency"]), value=value, secrets=frozenset(secrets_in(event)))


def _recorded() -> Iterator[Message]:
    for known in contracts():
        for entry in golden.entries(known.fullname):
            schema_id = CODEC.registry.id_of(entry.fullname, entry.schema)
            envelope: Any = entry.record["envelope"]
            yield Message(
                agency=str(envelope["agency"]),
                value=HEADER.pack(0, schema_id) + entry.value,
                secrets=frozenset(secrets_in(entry.record)),
            )
