"""Sealing: personal fields become ciphertext under the key of the person whom they are about.

Rule 1: a value is sealed field by field with AES-256-GCM in Tink's RAW form (nonce, ciphertext, tag), so that any
        language opens it. Associated data is `event_id|schema|field path|subject|kid`: a ciphertext that is moved
        to another event or field does not open.
Rule 2: the plaintext is JSON, padded with spaces to a multiple of 32 bytes, so that YES and NO, girl and woman
        are equally long at rest.
Rule 3: a narrative about several persons is under all of their keys, one within the other: without any one of them
        it is gone. The outermost holds the chain of the others and their ciphertext once, so that size grows with
        the number of persons and not with its power.
Rule 4: pure. Keys and nonces come in as arguments. `schemas/opening.py` is the way back.
"""

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

import orjson
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from schemas.catalogue import Contract
from schemas.codec import Record
from schemas.derive import PERSON, Channel
from schemas.field_steps import AGENCY, Plan, Step, plan_of
from schemas.names import KeyId

PAD_BYTES = 32
NONCE_BYTES = 12

Nonce = Callable[[], bytes]
"""Gives twelve random bytes, never the same twice."""


@dataclass(frozen=True, slots=True)
class DataKey:
    """One data encryption key and the subject that it belongs to, as that is written on the channel."""

    kid: KeyId
    subject: str
    secret: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealing:
    """What sealing one event needs: the keys by path (`person`, `suspects[0]`, `agency`) and nonces."""

    event_id: str
    schema: str
    keys: Mapping[str, DataKey]
    nonce: Nonce

    def seal(self, path: str, value: object, holders: Sequence[DataKey]) -> Record:
        """Return *value* sealed under every one of *holders*, the last one outermost."""
        *inner, outer = holders
        plaintext = _padded(value)
        if inner:
            ct = plaintext
            for holder in inner:
                ct = self._encrypt(path, holder, ct)
            chain = [[holder.kid, holder.subject] for holder in reversed(inner)]
            plaintext = _padded({"chain": chain, "ct": base64.b64encode(ct).decode()})
        return {"kid": outer.kid, "ct": self._encrypt(path, outer, plaintext)}

    def _encrypt(self, path: str, holder: DataKey, plaintext: bytes) -> bytes:
        nonce = self.nonce()
        aad = associated_data(self.event_id, self.schema, path, holder.subject, holder.kid)
        return nonce + AESGCM(holder.secret).encrypt(nonce, plaintext, aad)

    def under(self, prefix: str) -> list[DataKey]:
        """Return the keys of the person at *prefix*, or of all persons in the list there; else the agency's."""
        if prefix in self.keys:
            return [self.keys[prefix]]
        return [key for path, key in sorted(self.keys.items()) if path.startswith(f"{prefix}[")]


def _padded(value: object) -> bytes:
    plaintext = orjson.dumps(value)
    return plaintext.ljust(-(-len(plaintext) // PAD_BYTES) * PAD_BYTES)


def associated_data(event_id: str, schema: str, path: str, subject: str, kid: str) -> bytes:
    """Return what binds a ciphertext to its place (design section 5)."""
    return f"{event_id}|{schema}|{path}|{subject}|{kid}".encode()


def seal(contract: Contract, channel: Channel, record: Mapping[str, object], sealing: Sealing) -> Record:
    """Return *record* as *channel* carries it: fields that it may not carry are left out, personal ones sealed.

    *record* has the shape of the source contract; what the hub adds (`received_at`, `release`) is taken as it is.
    """
    plan = plan_of(contract, channel)
    sealed = _seal_record(plan, record, sealing, "", None)
    for added in ("received_at", "release"):
        if added in record:
            sealed[added] = record[added]
    return sealed


def _seal_record(plan: Plan, record: Mapping[str, object], sealing: Sealing, path: str, own: DataKey | None) -> Record:
    out: Record = {}
    for step in plan.steps:
        value = record.get(step.name)
        here = f"{path}{step.name}"
        if value is None or step.kind == "copy":
            out[step.name] = value
        elif step.kind == "record":
            out[step.name] = _seal_inner(step.plan, value, sealing, here)
        elif step.kind == "records":
            items = cast("list[object]", value)
            out[step.name] = [_seal_inner(step.plan, item, sealing, f"{here}[{i}]") for i, item in enumerate(items)]
        elif step.kind == "company":
            out[step.name] = value if _is_company(record) else None
        elif step.kind == "entity" and record.get("legal_form") == "LEGAL_PERSON":
            out[step.name] = value
        else:
            out[step.name] = sealing.seal(here, value, _holders(step, sealing, own))
    return out


def _is_company(establishment: Mapping[str, object]) -> bool:
    """Whether *establishment* can be named without naming a person: a sole trader is one (guidelines C.2.3)."""
    proprietor = cast("Record | None", establishment.get("proprietor"))
    hidden = proprietor is not None and proprietor.get("restricted") != "NO"
    return establishment.get("legal_form") == "LEGAL_PERSON" and not hidden


def _seal_inner(plan: Plan | None, value: object, sealing: Sealing, path: str) -> Record:
    assert plan is not None
    own = sealing.keys[path] if plan.name == PERSON else None
    sealed = _seal_record(plan, cast("Record", value), sealing, f"{path}.", own)
    if own is not None:
        sealed["subject"] = own.subject
    return sealed


def _holders(step: Step, sealing: Sealing, own: DataKey | None) -> list[DataKey]:
    holders: list[DataKey] = []
    for subject in step.subjects:
        if subject == "self" and own is not None:
            holders.append(own)
        else:
            holders += [key for key in sealing.under(subject) if key not in holders]
    return holders or [sealing.keys[AGENCY]]
