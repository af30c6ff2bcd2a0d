"""The rules of sealing, opening, deriving and leaving persons out, as an attacker tests them; each takes a module.

Independent of what it attacks: ciphertexts are opened here by AES-GCM and the text of decision 3 alone.
"""

import base64
import copy
import json
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from types import ModuleType
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from schemas.catalogue import Contract, contract, contracts
from schemas.codec import HEADER, MAGIC, Writer, parse
from schemas.derive import NAMESPACE, Channel, array_items, derive, fields_of
from schemas.errors import UnreadableSealError
from schemas.field_steps import AGENCY, persons
from schemas.names import KeyId, SchemaId
from schemas.opening import ERASED
from schemas.sealing import DataKey
from schemas.shapes import NO_DEFAULT, Array, Record, shape_of, walk
from tests.attacks.canaries import Planter, skeleton
from tests.attacks.spellings import Search
from tests.schemas.sealed import FEEDS, SEALED_CHANNELS, STAMP, counted, keys_for
from tests.schemas.strategies import NOW

SOME = ("PersonIdentified", "InvestigationOpened", "ControlFinding", "LicenceDecided")
PAD = 32
VICTIMS = frozenset({"PRESUMED_VICTIM", "VICTIM", "WITNESS"})
IDENTIFYING = frozenset({"IDENTITY", "CONTACT", "LINK", "NARRATIVE"})
CLEAR = frozenset({"OPERATIONAL", "PUBLIC"})


@cache
def planted(name: str) -> tuple[Contract, dict[str, Any], Mapping[str, object]]:
    """Return an event of the type *name* with a canary in every field, two persons in every list, and the canaries."""
    known, planter = contract(name), Planter(11)
    event = skeleton(shape_of(known))
    for entry in shape_of(known).fields:
        if isinstance(entry.shape, Array) and isinstance(entry.shape.items, Record):
            event[entry.name] = [*event[entry.name], copy.deepcopy(event[entry.name][0])]
    event["envelope"] |= {"event_id": f"id of {name}", "agency": "rs-police"}
    made = planter.planted(known, event, valid_at=None)
    return known, made, planter.made


def leaves(known: Contract, event: Mapping[str, Any]) -> Iterator[tuple[str, str, Any, str | None, tuple[str, ...]]]:
    """Yield of each value: path, class, value, path of the person that it is in, and whom it is about."""
    yield from _leaves(shape_of(known), event, "", None)


def _leaves(shape: Record, record: Mapping[str, Any], path: str, own: str | None) -> Iterator[Any]:
    for entry in shape.fields:
        here, value = f"{path}{entry.name}", record.get(entry.name)
        kind, subject = str(entry.privacy["class"]), entry.privacy.get("subject", "agency")
        if value is None:
            continue
        inner = entry.shape.items if isinstance(entry.shape, Array) else entry.shape
        if kind == "CONTAINER" and isinstance(inner, Record):
            several = value if isinstance(value, list) else [value]
            for number, one in enumerate(several):
                at = f"{here}[{number}]" if isinstance(value, list) else here
                yield from _leaves(inner, one, f"{at}.", at if inner.name == "Person" else own)
        else:
            yield here, kind, value, own, tuple(subject) if isinstance(subject, list) else (str(subject),)


def at(record: Any, path: str) -> Any:
    """Return what is at *path* of a record, None where nothing is."""
    for step in path.replace("[", ".[").split("."):
        if record is None:
            return None
        record = record[int(step[1:-1])] if step.startswith("[") else record.get(step)
    return record


def holders_of(own: str | None, subjects: tuple[str, ...], keys: Mapping[str, DataKey]) -> set[str]:
    """Return the ids of the keys under which a value must be."""
    found: set[str] = set()
    for subject in subjects:
        if subject == "self" and own is not None:
            found.add(keys[own].kid)
        else:
            found |= {key.kid for path, key in keys.items() if path == subject or path.startswith(f"{subject}[")}
    return found or {keys[AGENCY].kid}


def opened_by_hand(
    sealed: Mapping[str, Any], place: tuple[str, str, str], keys: Mapping[str, DataKey]
) -> tuple[Any, list[str]]:
    """Return the value of *sealed* at *place* (event, schema, path), and under which keys it was, outermost first."""
    by_kid = {key.kid: key for key in keys.values()}

    def decrypt(kid: str, ct: bytes) -> bytes:
        key = by_kid[KeyId(kid)]
        return AESGCM(key.secret).decrypt(ct[:12], ct[12:], "|".join((*place, key.subject, kid)).encode())

    plaintext, used = decrypt(sealed["kid"], sealed["ct"]), [sealed["kid"]]
    assert len(plaintext) % PAD == 0, "padding"
    value = json.loads(plaintext)
    if isinstance(value, dict) and value.keys() == {"chain", "ct"}:
        ct = base64.b64decode(value["ct"])
        for kid, _ in value["chain"]:
            ct, used = decrypt(kid, ct), [*used, kid]
        assert len(ct) % PAD == 0, "padding"
        value = json.loads(ct)
    return value, used


def company(event: Mapping[str, Any], *, restricted: str | None) -> dict[str, Any]:
    """Return *event* about a legal person, its proprietor *restricted* or not there."""
    made = copy.deepcopy(dict(event))
    if "establishment" in made:
        made["establishment"]["legal_form"] = "LEGAL_PERSON"
        if restricted is None:
            made["establishment"]["proprietor"] = None
        else:
            made["establishment"]["proprietor"]["restricted"] = restricted
    return made


def trader(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return *event* about a sole trader whom no restricted note protects."""
    made = company(event, restricted="NO")
    if "establishment" in made:
        made["establishment"]["legal_form"] = "SOLE_TRADER"
    return made


def unsaid(event: Mapping[str, Any], shape: Record) -> dict[str, Any]:
    """Return *event* with its default wherever a field has one that is not null."""
    made = dict(event)
    for entry in shape.fields:
        value = event.get(entry.name)
        if entry.default is not NO_DEFAULT and entry.default is not None:
            made[entry.name] = copy.deepcopy(entry.default)
        elif isinstance(entry.shape, Record) and value is not None:
            made[entry.name] = unsaid(value, entry.shape)
        elif isinstance(entry.shape, Array) and isinstance(entry.shape.items, Record):
            made[entry.name] = [unsaid(one, entry.shape.items) for one in value or ()]
    return made


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


def seals_in(sealed: object, path: str = "") -> list[str]:
    """Return the path of every sealed value of a record."""
    if isinstance(sealed, dict):
        if sealed.keys() == {"kid", "ct"}:
            return [path]
        return [found for key, inner in sealed.items() for found in seals_in(inner, f"{path}.{key}" if path else key)]
    several = sealed if isinstance(sealed, list) else []
    return [found for number, inner in enumerate(several) for found in seals_in(inner, f"{path}[{number}]")]


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


def deriving_holds(module: ModuleType) -> None:
    """Fail unless `derive` of *module* gives each channel the fields that its classes allow, sealed ones sealed."""
    for known in contracts():
        for channel in SEALED_CHANNELS:
            derived = module.derive(known, module.Channel(channel))
            parse(derived.schema)
            assert derived.schema["namespace"] == NAMESPACE[channel]
            got = dict(_paths(derived.schema))
            assert all(f"{path}.subject" in got for path in _persons_in(derived.schema)), f"{channel} names no subject"
            for path, _, entry in walk(shape_of(known)):
                kind, views = str(entry.privacy["class"]), entry.privacy.get("views")
                without_identity = channel in (Channel.PSEUDONYMOUS, Channel.STAGE)
                kept = not (without_identity and kind in IDENTIFYING)
                kept = kept and (channel is Channel.LEDGER or views is None or str(channel) in views)  # type: ignore[operator]
                if not _inside_a_unit(known, path):
                    above = all(_name(up) in got for up in _above(path))
                    assert (_name(path) in got) is (kept and above), f"{channel} {path}"
                if _name(path) in got and kind not in CLEAR | {"CONTAINER", "ENTITY"}:
                    assert got[_name(path)] == {"null", "Sealed"}, f"{channel} {path} is not sealed"
                if _name(path) in got and kind in CLEAR | {"CONTAINER"}:
                    assert "Sealed" not in got[_name(path)], f"{channel} {path} is sealed"
                    is_list = isinstance(entry.shape, Array)
                    assert is_list or ("null" in got[_name(path)]) is entry.nullable, f"{channel} {path} may be absent"


def _name(path: str) -> str:
    return path.replace("[]", "")


def _above(path: str) -> list[str]:
    steps = path.split(".")
    return [".".join(steps[:length]) for length in range(1, len(steps))]


def _inside_a_unit(known: Contract, path: str) -> bool:
    classes = {_name(at_): str(entry.privacy["class"]) for at_, _, entry in walk(shape_of(known))}
    return any(classes.get(_name(up)) != "CONTAINER" for up in _above(path))


def _paths(schema: Any, path: str = "", types: dict[str, Any] | None = None) -> Iterator[tuple[str, set[str]]]:
    """Yield each field of a derived schema and the names of its branches, of a list those of its entries."""
    types = {} if types is None else types
    for field in fields_of(schema):
        here = f"{path}.{field['name']}" if path else str(field["name"])
        declared = array_items(field["type"]) or field["type"]
        branches = declared if isinstance(declared, list) else [declared]
        yield here, {_branch(one) for one in branches}
        for one in branches:
            found = types.get(one.rsplit(".", 1)[-1]) if isinstance(one, str) else one
            if isinstance(found, dict) and found.get("type") == "record" and found["name"] not in ("Sealed", "Release"):
                types[str(found["name"])] = found
                yield from _paths(found, here, types)


def _branch(declared: Any) -> str:
    name = declared.get("name", declared.get("type")) if isinstance(declared, dict) else declared
    return str(name).rsplit(".", 1)[-1]


def _persons_in(schema: Any) -> list[str]:
    """Return the path of every person in a derived schema."""
    return [path for path, names in _paths(schema) if "Person" in names]


def leaving_out_holds(module: ModuleType) -> None:
    """Fail unless `without_persons` of *module* leaves nothing of whom an audience need not know, and all of others."""
    everything = [(known, planted(known.name)[1]) for known in contracts()]
    alone = [(known, company(event, restricted=None)) for known, event in everything if "establishment" in event]
    for known, event in everything + alone:
        several = [path for path in persons(known, event) if path.endswith("]")]
        everybody = frozenset().union(*(set(entry.texts("roles")) for _, _, entry in walk(shape_of(known))))
        for roles in (frozenset(), frozenset({"SUSPECT"}), VICTIMS, VICTIMS | everybody, VICTIMS - {"WITNESS"}):
            for paths in ([], several[:1], several[1:], several):
                _leaves_out(module, known, event, frozenset(paths), roles)


def _leaves_out(
    module: ModuleType, known: Contract, event: Mapping[str, Any], paths: frozenset[str], roles: frozenset[str]
) -> None:
    out = module.without_persons(known, event, paths, roles)
    lists = {entry.name: set(entry.texts("roles")) for entry in shape_of(known).fields if entry.texts("roles")}
    many = {name for name in lists if isinstance(event.get(name), list)}
    text = json.dumps(out, default=str, ensure_ascii=False)
    for path, kind, value, own, subjects in leaves(known, event):
        named = set().union(*(lists[name] for name in subjects if name in many))
        hidden = (own is not None and own in paths) or not named <= roles
        hidden = hidden or (kind == "NARRATIVE" and not roles >= VICTIMS)
        hidden = hidden or (path.endswith("relation_to_victim") and not roles >= VICTIMS)
        if kind in CLEAR:
            continue
        token = str(value[0] if isinstance(value, list) else value)
        assert (token in text) is not hidden or (isinstance(value, list) and isinstance(value[0], dict)), (
            f"{known.name} {path} for {sorted(roles)} without {sorted(paths)}"
        )
    assert set(persons(known, event)) >= paths
