"""Sealing as tests do it: keys that follow from the path, nonces that count, and events with a canary in every text."""

import hashlib
import itertools
from collections.abc import Callable, Mapping
from typing import Any

from hypothesis import strategies as st

from schemas.catalogue import Contract, contract
from schemas.derive import Channel, derive
from schemas.field_steps import AGENCY, persons
from schemas.names import KeyId
from schemas.sealing import DataKey, Sealing, seal
from schemas.shapes import Array, Record, Scalar, shape_of
from tests.schemas.strategies import NAMES, NOW, valid_events

STAMP: dict[str, object] = {
    "partner": "europol",
    "agreement": "a",
    "agreement_version": 1,
    "view": "personal",
    "retention_days": 30,
    "onward_sharing": False,
}
SEALED_CHANNELS = (Channel.LEDGER, Channel.PERSONAL, Channel.PSEUDONYMOUS, Channel.STAGE)
FEEDS = (Channel.PERSONAL, Channel.PSEUDONYMOUS)


def events() -> st.SearchStrategy[tuple[Contract, dict[str, Any]]]:
    """Return contracts with a valid event of each."""
    return st.sampled_from(NAMES).flatmap(
        lambda name: valid_events(name).map(lambda event: (contract(name), event)),
    )


def counted() -> Callable[[], bytes]:
    """Return nonces that count: never the same twice, and a replay gives the same bytes."""
    numbers = itertools.count()
    return lambda: next(numbers).to_bytes(12)


def keys_for(contract: Contract, event: Mapping[str, object]) -> dict[str, DataKey]:
    """Return a key of its own for every person of *event* by path, and one for the agency."""
    agency = str(event["envelope"]["agency"])  # type: ignore[index]
    keys = {path: _key(f"k-{path}", f"subject-{path}") for path in persons(contract, event)}
    return {**keys, AGENCY: _key("k-agency", agency)}


def sealed(
    contract: Contract,
    channel: Channel,
    event: Mapping[str, object],
    keys: Mapping[str, DataKey],
    *,
    wire: bool = False,
) -> Any:
    """Return *event* sealed for *channel* with all that the hub adds."""
    envelope: Any = event["envelope"]
    sealing = Sealing(
        event_id=envelope["event_id"], schema=derive(contract, channel).fullname, keys=keys, nonce=counted(), wire=wire
    )
    stamped = {**event, "received_at": NOW} | ({"release": STAMP} if channel in FEEDS else {})
    return seal(contract, channel, stamped, sealing)


def opener(keys: Mapping[str, DataKey], *, gone: str | None = None) -> Callable[[KeyId], bytes | None]:
    """Return what gives the secret of a key id, None for the key at the path *gone*."""
    secrets = {key.kid: None if path == gone else key.secret for path, key in keys.items()}
    return lambda kid: secrets[kid]


def canary_of(path: str) -> str:
    """Return a text that is at *path* of an event with canaries and nowhere else."""
    return f"canary-{hashlib.sha256(path.encode()).hexdigest()[:16]}"


def with_canaries(contract: Contract, event: Mapping[str, object]) -> dict[str, Any]:
    """Return *event* with a unique token in every text; valid no more, but every schema takes it."""
    return _with_canaries(shape_of(contract), event, "")


def _with_canaries(shape: Record, record: Mapping[str, object], path: str) -> dict[str, Any]:
    out = dict(record)
    for entry in shape.fields:
        if entry.name in ("legal_form", "event_id", "agency"):
            continue
        out[entry.name] = _canary(entry.shape, record[entry.name], f"{path}.{entry.name}")
    return out


def _canary(shape: object, value: object, path: str) -> object:
    if isinstance(shape, Array) and isinstance(value, list):
        return [_canary(shape.items, item, f"{path}[{i}]") for i, item in enumerate(value)]
    if isinstance(shape, Record) and isinstance(value, dict):
        return _with_canaries(shape, value, path)
    return canary_of(path) if shape is Scalar.STRING else value


def canaries_in(value: object) -> set[str]:
    """Return every canary in *value*."""
    if isinstance(value, dict):
        return {found for inner in value.values() for found in canaries_in(inner)}
    if isinstance(value, list):
        return {found for inner in value for found in canaries_in(inner)}
    return {value} if isinstance(value, str) and value.startswith("canary-") else set()


def _key(kid: str, subject: str) -> DataKey:
    return DataKey(KeyId(kid), subject, hashlib.sha256(kid.encode()).digest())
