"""Sealing: personal fields become ciphertext under the key of the person whom they are about.

Rule 1: a value is sealed field by field with AES-256-GCM in Tink's RAW form (nonce, ciphertext, tag), so that any
        language opens it. Associated data is `event_id|schema|field path|subject|kid`: a ciphertext that is moved
        to another event or field does not open.
Rule 2: the plaintext is JSON, padded with spaces to a multiple of 32 bytes, so that YES and NO, girl and woman
        are equally long at rest; so are all codes of one list, however long the longest is.
Rule 3: a narrative about several persons is under all of their keys, one within the other: without any one of them
        it is gone. The outermost holds the chain of the others and their ciphertext once, so that size grows with
        the number of persons and not with its power.
Rule 4: what is sealed for the wire names the branches of its unions, so that the encoder need not try them all.
Rule 5: a value that is its schema's default (an empty list, NOT_REPORTED) was not said; it is null, as what is absent.
Rule 6: pure. Keys and nonces come in as arguments. `schemas/opening.py` is the way back.
"""

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import cast

import orjson
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from schemas.catalogue import Contract
from schemas.codec import Record
from schemas.derive import PERSON, SEALED_NAME, Channel
from schemas.field_steps import AGENCY, Plan, Step, plan_of
from schemas.names import KeyId
from schemas.stamps import SIGNED_ORIGINAL

PAD_BYTES = 32
QUOTES = 2
"""Bytes that JSON puts around a code."""
_SELF = ("self",)
ADDED: Mapping[Channel, Sequence[str]] = {
    Channel.LEDGER: ("received_at", "signed_by", SIGNED_ORIGINAL),
    Channel.PERSONAL: ("received_at", "release"),
    Channel.PSEUDONYMOUS: ("received_at", "release"),
    Channel.STAGE: ("received_at",),
}
"""What the hub adds to an event on each channel; the signed original never leaves the ledger."""
NONCE_BYTES = 12

Nonce = Callable[[], bytes]
"""Gives twelve random bytes, never the same twice."""


@dataclass(frozen=True)
class DataKey:
    """One data encryption key and the subject that it belongs to, as that is written on the channel."""

    kid: KeyId
    subject: str
    secret: bytes = field(repr=False)

    @cached_property
    def cipher(self) -> AESGCM:
        """Return the cipher of the key, made once."""
        return AESGCM(self.secret)

    @cached_property
    def bound(self) -> str:
        """Return the end of the associated data of everything under the key."""
        return f"{self.subject}|{self.kid}"


@dataclass(frozen=True, kw_only=True)
class Sealing:
    """What sealing one event needs: the keys by path (`person`, `suspects[0]`, `agency`) and nonces."""

    event_id: str
    schema: str
    keys: Mapping[str, DataKey]
    nonce: Nonce
    wire: bool = False
    """Whether records in unions come as fastavro takes them without trying: (name of the branch, record)."""

    def seal(self, path: str, value: object, holders: Sequence[DataKey], longest: int = 0) -> Record:
        """Return *value* sealed under every one of *holders*, the last one outermost.

        It is as long as one of *longest* characters would be, if that is longer.
        """
        plaintext = orjson.dumps(value)
        size = max(len(plaintext), longest + QUOTES)
        plaintext = plaintext.ljust(-(-size // PAD_BYTES) * PAD_BYTES)
        if len(holders) > 1:
            plaintext = self._nested(path, plaintext, holders[:-1])
        holder = holders[-1]
        return {"kid": holder.kid, "ct": self._encrypt(path, holder, plaintext)}

    def _nested(self, path: str, plaintext: bytes, inner: Sequence[DataKey]) -> bytes:
        """Return *plaintext* under *inner*, one within the other, with the chain of their keys."""
        ct = plaintext
        for holder in inner:
            ct = self._encrypt(path, holder, ct)
        chain = [[holder.kid, holder.subject] for holder in reversed(inner)]
        wrapped = orjson.dumps({"chain": chain, "ct": base64.b64encode(ct).decode()})
        return wrapped.ljust(-(-len(wrapped) // PAD_BYTES) * PAD_BYTES)

    def _encrypt(self, path: str, holder: DataKey, plaintext: bytes) -> bytes:
        nonce = self.nonce()
        # As `associated_data` says it, with the parts that stay the same put together once.
        return nonce + holder.cipher.encrypt(nonce, plaintext, f"{self._bound}|{path}|{holder.bound}".encode())

    @cached_property
    def _bound(self) -> str:
        return f"{self.event_id}|{self.schema}"

    def holders(self, step: Step, own: DataKey | None) -> Sequence[DataKey]:
        """Return the keys of everybody whom the field of *step* is about, *own* that of the person it is in."""
        found = self._held.get((step.subjects, own))
        if found is None:
            found = self._held[step.subjects, own] = self._holders(step, own)
        return found

    def _holders(self, step: Step, own: DataKey | None) -> Sequence[DataKey]:
        holders: list[DataKey] = []
        for subject in step.subjects:
            if subject == "self" and own is not None:
                holders.append(own)
            else:
                holders += [key for key in self._under(subject) if key not in holders]
        return holders or [self.keys[AGENCY]]

    def _under(self, prefix: str) -> list[DataKey]:
        """Return the keys of the person at *prefix*, or of all persons in the list there; else the agency's."""
        if prefix in self.keys:
            return [self.keys[prefix]]
        return [key for path, key in sorted(self.keys.items()) if path.startswith(f"{prefix}[")]

    @cached_property
    def _held(self) -> dict[tuple[tuple[str, ...], DataKey | None], Sequence[DataKey]]:
        return {}


def associated_data(event_id: str, schema: str, path: str, subject: str, kid: str) -> bytes:
    """Return what binds a ciphertext to its place (design section 5)."""
    return f"{event_id}|{schema}|{path}|{subject}|{kid}".encode()


def seal(contract: Contract, channel: Channel, record: Mapping[str, object], sealing: Sealing) -> Record:
    """Return *record* as *channel* carries it: fields that it may not carry are left out, personal ones sealed.

    *record* has the shape of the source contract; what the hub adds (such as `received_at`) is taken as it is.
    """
    plan = plan_of(contract, channel)
    sealed = _seal_record(plan, record, sealing, "", None)
    for added in ADDED[channel]:
        sealed[added] = record.get(added)
    return sealed


def _seal_record(plan: Plan, record: Mapping[str, object], sealing: Sealing, path: str, own: DataKey | None) -> Record:
    out: Record = {}
    for step in plan.steps:
        value = record.get(step.name)
        if value is None or step.kind == "copy":
            out[step.name] = value
            continue
        if step.default is not None and value == step.default:
            out[step.name] = None
            continue
        here = path + step.name
        if step.kind == "record":
            inner = _seal_inner(step.plan, value, sealing, here)
            out[step.name] = (step.branch, inner) if sealing.wire and step.branch else inner
        elif step.kind == "records":
            items = cast("list[object]", value)
            out[step.name] = [_seal_inner(step.plan, item, sealing, f"{here}[{i}]") for i, item in enumerate(items)]
        elif step.kind == "company":
            out[step.name] = value if _is_company(record) else None
        elif step.kind == "entity" and record.get("legal_form") == "LEGAL_PERSON":
            out[step.name] = value
        else:
            holders = (own,) if own is not None and step.subjects == _SELF else sealing.holders(step, own)
            sealed = sealing.seal(here, value, holders, step.longest)
            out[step.name] = (SEALED_NAME, sealed) if sealing.wire else sealed
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
