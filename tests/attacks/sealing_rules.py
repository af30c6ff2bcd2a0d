"""The rules of sealing and opening, as an attacker tests them; each takes a module."""

import copy
import json
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

from schemas.catalogue import Contract
from schemas.codec import HEADER, MAGIC, Writer, parse
from schemas.derive import Channel, derive
from schemas.errors import UnreadableSealError
from schemas.field_steps import persons
from schemas.names import KeyId, SchemaId
from schemas.opening import ERASED
from schemas.sealing import DataKey
from schemas.shapes import shape_of
from tests.attacks.sealed_events import (
    CLEAR,
    IDENTIFYING,
    SOME,
    at,
    company,
    holders_of,
    leaves,
    opened_by_hand,
    planted,
    seals_in,
    trader,
    unsaid,
)
from tests.attacks.spellings import Search
from tests.schemas.sealed import FEEDS, SEALED_CHANNELS, STAMP, counted, keys_for
from tests.schemas.strategies import NOW


def sealing_holds(module: ModuleType) -> None:
    """Fail unless `seal` of *module* leaves no canary in sight, and each value is under the right keys, and padded."""
    for name in SOME:
        known, event, canaries = planted(name)
        variants = [event, trader(event), *(company(event, restricted=answer) for answer in ("NO", "YES", None))]
        for variant in variants if "establishment" in event else [event]:
            for channel in SEALED_CHANNELS:
                _seals(module, known, channel, variant, canaries)
        keys = keys_for(known, event)
        silent = unsaid(event, shape_of(known))
        how = module.Sealing(event_id="e", schema="s", keys=keys, nonce=counted())
        several = module.seal(known, Channel.LEDGER, silent, how)
        assert not [path for path in seals_in(several) if at(silent, path) in ([], "NOT_REPORTED")], "unsaid is null"


def _seals(
    module: ModuleType, known: Contract, channel: Channel, event: Mapping[str, Any], canaries: Mapping[str, object]
) -> None:
    keys = {path: module.DataKey(key.kid, key.subject, key.secret) for path, key in keys_for(known, event).items()}
    if "suspects[0]" in keys:
        keys["victims[1]"] = keys["suspects[0]"]  # one person in two roles
    fullname, event_id = derive(known, channel).fullname, event["envelope"]["event_id"]
    stamped = {**event, "received_at": NOW} | ({"release": STAMP} if channel in FEEDS else {})
    sealed, wire = (
        module.seal(
            known, channel, stamped,
            module.Sealing(event_id=event_id, schema=fullname, keys=keys, nonce=counted(), wire=wire),
        )
        for wire in (False, True)
    )  # fmt: skip
    assert _plain(wire) == sealed, "the wire form says the same"
    assert _written(known, channel, wire) == _written(known, channel, sealed), "the encoder takes it"
    establishment = event.get("establishment") or {}
    hidden = (establishment.get("proprietor") or {}).get("restricted", "NO") != "NO"
    is_company = establishment.get("legal_form") == "LEGAL_PERSON"
    shown = set()
    for path, kind, value, own, subjects in leaves(known, event):
        held = at(sealed, path)
        with_identity = channel in (Channel.LEDGER, Channel.PERSONAL)
        if path == "received_at" or path.startswith("release"):
            continue
        if kind in CLEAR:
            assert held == value, path
        elif kind == "ENTITY" and not with_identity:
            assert held == (value if is_company and not hidden else None) or path.endswith(".region"), path
            shown |= {path} if held is not None else set()
        elif kind == "ENTITY" and is_company:
            assert held == value, path
            shown.add(path)
        elif held is not None:
            opened, used = opened_by_hand(held, (event_id, fullname, path), keys)
            assert opened == _json(value), path
            assert set(used) == holders_of(own, subjects, keys), path
            assert len(used) == len(set(used)), path
        else:
            assert kind in IDENTIFYING or channel is not Channel.LEDGER, f"{path} is gone from {channel}"
    for path, person in persons(known, sealed).items():
        assert person["subject"] == keys[path].subject
    if not shown:
        assert Search(canaries).found(json.dumps(sealed, default=_text).encode()) == set()


def _text(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)


def _json(value: object) -> object:
    import orjson

    return json.loads(orjson.dumps(value))


def _plain(value: object) -> object:
    if isinstance(value, tuple):
        return _plain(value[1])
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list) else value


def _written(known: Contract, channel: Channel, record: Mapping[str, object]) -> bytes:
    derived = derive(known, channel)
    head = HEADER.pack(MAGIC, 1)
    writer = Writer(schema_id=SchemaId(1), fullname=derived.fullname, parsed=parse(derived.schema), header=head)
    return writer.encode(record)


def opening_holds(module: ModuleType) -> None:
    """Fail unless `open_record` of *module* opens what stands where it was sealed, and nothing else."""
    from schemas.sealing import Sealing, seal

    for name in SOME:
        known, planted_event, _ = planted(name)
        silent = unsaid(planted_event, shape_of(known))
        variants = [planted_event, silent, company(planted_event, restricted=None), trader(planted_event)]
        pairs = [(each, channel) for each in variants for channel in (Channel.LEDGER, Channel.PSEUDONYMOUS)]
        for event, channel in pairs if "establishment" in planted_event else pairs[:4]:
            keys = keys_for(known, event)
            fullname, event_id = derive(known, channel).fullname, event["envelope"]["event_id"]
            stamped = {**event, "received_at": NOW} | ({"release": STAMP} if channel in FEEDS else {})
            sealing = Sealing(event_id=event_id, schema=fullname, keys=keys, nonce=counted())
            sealed = seal(known, channel, stamped, sealing)
            secrets: dict[KeyId, bytes | None] = {key.kid: key.secret for key in keys.values()}
            _opens(module, known, channel, event, sealed, keys, secrets)
            _refuses(module, known, channel, sealed, secrets)


def _opens(
    module: ModuleType,
    known: Contract,
    channel: Channel,
    event: Mapping[str, Any],
    sealed: Mapping[str, Any],
    keys: Mapping[str, DataKey],
    secrets: Mapping[KeyId, bytes | None],
) -> None:
    assert module.kids_in(sealed) >= {at(sealed, path)["kid"] for path in seals_in(sealed)}
    opened = module.open_record(known, channel, sealed, secrets.get)
    for path, _, value, _, _ in leaves(known, event):
        if at(sealed, path) is not None or value in ([], "NOT_REPORTED"):
            assert at(opened, path) == value or channel is not Channel.LEDGER, path
    for gone in keys.values():
        opened = module.open_record(known, channel, sealed, {**secrets, gone.kid: None}.get)
        for path, _, value, own, subjects in leaves(known, event):
            held = at(sealed, path)
            if isinstance(held, dict) and held.keys() == {"kid", "ct"}:
                erased = gone.kid in holders_of(own, subjects, keys)
                assert (repr(at(opened, path)) == repr(ERASED)) is erased, f"{path} without {gone.kid}"
                assert erased or at(opened, path) == value


Attack = Callable[[dict[str, Any], dict[str, Any]], None]


def _swap(sealed: dict[str, Any], other: dict[str, Any]) -> None:
    sealed["kid"], sealed["ct"] = other["kid"], other["ct"]


def _flip(sealed: dict[str, Any], _other: dict[str, Any]) -> None:
    sealed["ct"] = sealed["ct"][:20] + bytes([sealed["ct"][20] ^ 1]) + sealed["ct"][21:]


def _cut(sealed: dict[str, Any], _other: dict[str, Any]) -> None:
    sealed["ct"] = sealed["ct"][:9]


def _key(sealed: dict[str, Any], other: dict[str, Any]) -> None:
    sealed["kid"] = other["kid"]


def _refuses(
    module: ModuleType,
    known: Contract,
    channel: Channel,
    sealed: dict[str, Any],
    secrets: Mapping[KeyId, bytes | None],
) -> None:
    def must_refuse(
        moved: Mapping[str, Any], what: str, at_path: str = "", by: Mapping[KeyId, bytes | None] = secrets
    ) -> None:
        try:
            module.open_record(known, channel, moved, by.get)
        except UnreadableSealError as error:
            said = str(error)
        else:
            raise AssertionError(f"opened although {what}")
        assert at_path in said, "it says where"

    paths = seals_in(sealed)
    for number, path in enumerate(paths):
        for attack in (_flip, _cut):
            moved = copy.deepcopy(sealed)
            attack(at(moved, path), {})
            must_refuse(moved, f"{path} was altered", path)
        moved = copy.deepcopy(sealed)
        other = paths[(number + 1) % len(paths)]
        _swap(at(moved, path), at(sealed, other))
        must_refuse(moved, f"{other} stands at {path}")
        moved = copy.deepcopy(sealed)
        at(moved, path)["kid"] = "k-renamed"
        same = {**secrets, KeyId("k-renamed"): secrets[at(sealed, path)["kid"]]}
        must_refuse(moved, f"{path} names another key with the same secret", path, same)
    moved = copy.deepcopy(sealed)
    moved["envelope"]["event_id"] = "another"
    must_refuse(moved, "it is of another event")
    moved = copy.deepcopy(sealed)
    moved["envelope"]["agency"] = "another"
    must_refuse(moved, "it is of another agency")
    for path in persons(known, sealed):
        moved = copy.deepcopy(sealed)
        at(moved, path)["subject"] = "another"
        must_refuse(moved, f"{path} is another person")
    same_keys = Channel.STAGE if channel is Channel.LEDGER else Channel.PERSONAL
    try:
        module.open_record(known, same_keys, sealed, secrets.get)
    except UnreadableSealError:
        return
    raise AssertionError("opened although it is of another channel")
