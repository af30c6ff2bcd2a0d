"""The rules of channels and of leaving persons out, as an attacker tests them; each takes a module."""

import json
from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import Any

from schemas.catalogue import Contract, contracts
from schemas.codec import parse
from schemas.derive import NAMESPACE, Channel, array_items, fields_of
from schemas.field_steps import persons
from schemas.shapes import Array, shape_of, walk
from tests.attacks.sealed_events import CLEAR, IDENTIFYING, VICTIMS, company, leaves, planted
from tests.schemas.sealed import SEALED_CHANNELS


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
