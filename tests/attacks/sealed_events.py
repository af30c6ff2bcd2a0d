"""Events full of canaries, where each value of them is and whom it is about; seals opened by hand.

Independent of what is attacked: ciphertexts are opened by AES-GCM and the text of decision 3 alone.
"""

import base64
import copy
import json
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from schemas.catalogue import Contract, contract
from schemas.field_steps import AGENCY
from schemas.names import KeyId
from schemas.sealing import DataKey
from schemas.shapes import NO_DEFAULT, Array, Record, shape_of
from tests.attacks.canaries import Planter, skeleton

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


def seals_in(sealed: object, path: str = "") -> list[str]:
    """Return the path of every sealed value of a record."""
    if isinstance(sealed, dict):
        if sealed.keys() == {"kid", "ct"}:
            return [path]
        return [found for key, inner in sealed.items() for found in seals_in(inner, f"{path}.{key}" if path else key)]
    several = sealed if isinstance(sealed, list) else []
    return [found for number, inner in enumerate(several) for found in seals_in(inner, f"{path}[{number}]")]
