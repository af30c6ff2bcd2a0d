"""Opening: sealed fields become values again for who holds the keys. The way back from `schemas/sealing.py`.

Rule 1: a ciphertext that was altered, or moved from another event, field or person, does not open: UnreadableSealError.
Rule 2: a value whose key was destroyed is `ERASED`, never an error: readers go on without it.
"""

import base64
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, cast

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from schemas.catalogue import Contract
from schemas.codec import Record
from schemas.derive import PERSON, Channel, Derived, derive
from schemas.errors import UnreadableSealError
from schemas.field_steps import AGENCY, Plan, Step, plan_of
from schemas.names import KeyId
from schemas.sealing import NONCE_BYTES, associated_data

SEALED_FIELDS = ("kid", "ct")


class Erased:
    """Stands where a value was whose key has been destroyed."""

    def __repr__(self) -> str:
        return "ERASED"


ERASED = Erased()


def kids_in(value: object) -> set[KeyId]:
    """Return the id of every key that the sealed fields of a record need (of several on one field the outermost)."""
    found: set[KeyId] = set()
    _collect_kids(value, found)
    return found


def _collect_kids(value: object, found: set[KeyId]) -> None:
    if isinstance(value, dict):
        kid = value.get("kid")
        if kid is not None and len(value) == len(SEALED_FIELDS) and "ct" in value:
            found.add(KeyId(cast("str", kid)))
            return
        values: Iterable[object] = value.values()
    elif isinstance(value, list):
        values = value
    else:
        return
    for inner in values:
        if isinstance(inner, (dict, list)):
            _collect_kids(inner, found)


def open_record(
    contract: Contract,
    channel: Channel,
    record: Mapping[str, object],
    key_of: Callable[[KeyId], bytes | None],
) -> Record:
    """Return *record* with every sealed field opened; a field whose key is gone holds `ERASED`.

    *key_of* returns the key of an id, None when it was destroyed. Raises UnreadableSealError when a ciphertext was
    altered, or moved from another event or field.
    """
    derived = derive(contract, channel)
    envelope = cast("Record", record["envelope"])
    opener = _Opener(event_id=str(envelope["event_id"]), agency=str(envelope["agency"]), derived=derived, key_of=key_of)
    return opener.record(plan_of(contract, channel), record, "", None, record)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Opener:
    event_id: str
    agency: str
    derived: Derived
    key_of: Callable[[KeyId], bytes | None]

    def record(
        self,
        plan: Plan,
        record: Mapping[str, object],
        path: str,
        own: str | None,
        root: Mapping[str, object],
    ) -> Record:
        out = dict(record)
        for step in plan.steps:
            value, here = record.get(step.name), f"{path}{step.name}"
            if value is None:
                if step.default is not None:
                    out[step.name] = step.unsaid
                continue
            if step.kind == "record":
                out[step.name] = self._inner(step.plan, value, here, root)
            elif step.kind == "records":
                out[step.name] = [
                    self._inner(step.plan, v, f"{here}[{i}]", root) for i, v in enumerate(cast("list[object]", value))
                ]
            elif isinstance(value, dict) and step.kind != "copy":
                out[step.name] = self._value(step, value, here, self._subject(step, own, root))
        return out

    def _inner(self, plan: Plan | None, value: object, path: str, root: Mapping[str, object]) -> Record:
        assert plan is not None
        inner = cast("Record", value)
        own = str(inner["subject"]) if plan.name == PERSON else None
        return self.record(plan, inner, f"{path}.", own, root)

    def _subject(self, step: Step, own: str | None, root: Mapping[str, object]) -> list[str]:
        """Return the subjects whose key may be the outermost one of *step*, as the channel writes them."""
        if step.subjects == ("self",) and own is not None:
            return [own]
        found = [_subject_at(root, subject) for subject in step.subjects if subject not in (AGENCY, "self")]
        return [subject for several in found for subject in several] or [self.agency]

    def _value(self, step: Step, sealed: Mapping[str, object], path: str, subjects: Sequence[str]) -> object:
        value = open_value(sealed, Place(self.event_id, self.derived.fullname, path), subjects, self.key_of)
        return step.restore(value) if step.restore and value is not ERASED else value


class Place(NamedTuple):
    """Where a sealed value stands; one that was moved from elsewhere does not open."""

    event_id: str
    schema: str
    path: str


def open_value(
    sealed: Mapping[str, object], place: Place, subjects: Sequence[str], key_of: Callable[[KeyId], bytes | None]
) -> object:
    """Return the value in *sealed*, `ERASED` when a key of it is gone; one of *subjects* holds the outermost.

    Raises UnreadableSealError.
    """
    kid, ct = str(sealed["kid"]), cast("bytes", sealed["ct"])
    secret = key_of(KeyId(kid))
    if secret is None:
        return ERASED
    value = orjson.loads(_decrypt(secret, ct, place, kid, subjects))
    if isinstance(value, dict) and value.keys() == {"chain", "ct"}:
        ct = base64.b64decode(value["ct"])
        for inner_kid, subject in value["chain"]:
            secret = key_of(KeyId(inner_kid))
            if secret is None:
                return ERASED
            ct = _decrypt(secret, ct, place, inner_kid, [subject])
        value = orjson.loads(ct)
    return value


def _decrypt(secret: bytes, ct: bytes, place: Place, kid: str, subjects: Sequence[str]) -> bytes:
    for subject in subjects:
        aad = associated_data(*place, subject, kid)
        try:
            return AESGCM(secret).decrypt(ct[:NONCE_BYTES], ct[NONCE_BYTES:], aad)
        except (InvalidTag, ValueError):
            continue
    raise UnreadableSealError(f"{place.path}: the seal does not open: altered, or moved from another event or field")


def _subject_at(root: Mapping[str, object], path: str) -> list[str]:
    value: object = root
    for name in path.split("."):
        value = cast("Record", value).get(name) if isinstance(value, dict) else None
    several = value if isinstance(value, list) else [value]
    return [str(person["subject"]) for person in several if isinstance(person, dict) and "subject" in person]
