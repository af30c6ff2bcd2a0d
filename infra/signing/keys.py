"""The rules of signing keys: whose a key is, when it may sign, what it signed that is in doubt. Pure.

Rule 1: the id of a key is the hash of its public half, so that nobody can put another key behind an id.
Rule 2: a key is its first holder's for good; told again for the same holder, only its validity changes.
Rule 3: a revocation is for good. Of several for one key, the earliest times count.
"""

import datetime as dt
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import NamedTuple

from nacl.bindings import crypto_sign_open
from nacl.exceptions import CryptoError

from infra.signing.forms import PUBLIC_KEY_BYTES, SIGNATURE_BYTES
from schemas.errors import RejectedError

SIGN_BIT = 0x80
WEAK = frozenset(
    bytes.fromhex(each)
    for each in (
        "00" * 32,
        "01" + "00" * 31,
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "ec" + "ff" * 30 + "7f",
        "ed" + "ff" * 30 + "7f",
        "ee" + "ff" * 30 + "7f",
    )
)
"""Points of small order, whatever their sign: under such a key there are signatures that fit any message."""


class HolderKind(StrEnum):
    """What holds a key."""

    AGENCY = "AGENCY"
    OFFICER = "OFFICER"
    HUB = "HUB"
    AUTHORITY = "AUTHORITY"


class Holder(NamedTuple):
    """Whose a key is: an agency, an officer (`<organisation>/<officer>`), a part of the hub, an authority."""

    kind: HolderKind
    id: str


class Fault(StrEnum):
    """Why a signature is not taken; the values are the rules that receipts name."""

    MALFORMED = "malformed-signature"
    UNKNOWN = "signed-by-unknown-key"
    ANOTHERS = "key-of-another"
    REVOKED = "key-revoked"
    NOT_YET_VALID = "key-not-yet-valid"
    EXPIRED = "key-expired"
    WRONG = "signature-wrong"


class SignatureRefusedError(RejectedError):
    """A signature is not taken; `fault` says why."""

    code = "signature-refused"

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        super().__init__(f"the signature is refused: {fault}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Revocation:
    """A key is used no more."""

    key_id: str
    revoked_at: dt.datetime
    doubtful_since: dt.datetime | None
    """What the key signed since then may be another's; None when all of it stands."""
    reason: str
    revoked_by: str


@dataclass(frozen=True, kw_only=True)
class SigningKey:
    """One registered public key."""

    key_id: str
    holder: Holder
    organisation: str
    public_key: bytes = field(repr=False)
    valid_from: dt.datetime
    valid_until: dt.datetime
    """Exclusive."""
    registered_at: dt.datetime
    registered_by: str
    succeeds: str | None = None
    """The earlier key of the holder that signed for this one; None when the operator alone vouches."""
    vouched: bytes | None = field(default=None, repr=False)

    def is_valid_at(self, moment: dt.datetime) -> bool:
        """Whether the key may sign at *moment*, unless it is revoked."""
        return self.valid_from <= moment < self.valid_until

    def fits(self, message: bytes, signature: bytes) -> bool:
        """Whether the key signed *message*; nothing is said of when and whether it might."""
        try:
            crypto_sign_open(signature + message, self.public_key)  # libsodium: in half the time of OpenSSL
        except (CryptoError, ValueError):
            return False
        return True


def key_id_of(public_key: bytes) -> str:
    """Return the id of *public_key* (32 raw bytes)."""
    return hashlib.sha256(public_key).hexdigest()


def is_strong(public_key: bytes) -> bool:
    """Whether *public_key* is 32 bytes long and none of the few under which anything verifies."""
    if len(public_key) != PUBLIC_KEY_BYTES:
        return False
    return public_key[:-1] + bytes([public_key[-1] & ~SIGN_BIT]) not in WEAK


@dataclass(frozen=True, kw_only=True)
class Keyring:
    """All keys and revocations, as `control.keys` tells them up to *offset*."""

    keys: Mapping[str, SigningKey]
    revocations: Mapping[str, Revocation]
    offset: int = 0

    def verify(
        self, key_id: str, holder: Holder, message: bytes, signature: bytes, at: dt.datetime | None = None
    ) -> SigningKey:
        """Return the key of *holder* that signed *message* and might do so at *at*; raise SignatureRefusedError.

        Without *at* as `fault` takes it: for what arrives now give `now`, and see `arriving`.
        """
        fault = self.fault(key_id, holder, message, signature, at)
        if fault is not None:
            raise SignatureRefusedError(fault)
        return self.keys[key_id]

    def fault(
        self, key_id: str, holder: Holder, message: bytes, signature: bytes, at: dt.datetime | None
    ) -> Fault | None:
        """Return why the signature is not taken, None when it is.

        With *at* it is judged as of then: a revocation that came later does not change it. With None only whether
        the holder's key made it.
        """
        key = self.keys.get(key_id)
        if len(signature) != SIGNATURE_BYTES:
            return Fault.MALFORMED
        if key is None:
            return Fault.UNKNOWN
        if key.holder != holder:
            return Fault.ANOTHERS
        if at is not None and (untimely := self.untimely(key, at)) is not None:
            return untimely
        return None if key.fits(message, signature) else Fault.WRONG

    def arriving(self, key_id: str, holder: Holder, message: bytes, signature: bytes, now: dt.datetime) -> Fault | None:
        """Return why a signature that arrives *now* is not taken, None when it is.

        A key whose revocation was read is revoked, whatever the clocks of two machines say of which came first.
        """
        if key_id in self.revocations and key_id in self.keys and self.keys[key_id].holder == holder:
            return Fault.REVOKED
        return self.fault(key_id, holder, message, signature, now)

    def untimely(self, key: SigningKey, at: dt.datetime) -> Fault | None:
        """Return why *key* may not sign at *at*, None when it may."""
        revocation = self.revocations.get(key.key_id)
        if revocation is not None and at >= revocation.revoked_at:
            return Fault.REVOKED
        if self.is_of_a_thief(key):
            return Fault.REVOKED
        if at < key.valid_from:
            return Fault.NOT_YET_VALID
        return None if at < key.valid_until else Fault.EXPIRED

    def state(self, key: SigningKey, now: dt.datetime) -> str:
        """Return how *key* is at *now*, in words for people: in use, not yet valid, expired, or revoked."""
        if key.key_id in self.revocations:
            return "revoked"
        if self.is_of_a_thief(key):
            return "in doubt: a key that was in doubt signed for it"
        untimely = self.untimely(key, now)
        return {None: "in use", Fault.NOT_YET_VALID: "not yet valid", Fault.EXPIRED: "expired"}[untimely]

    def is_doubtful(self, key_id: str, at: dt.datetime) -> bool:
        """Whether what the key signed at *at* may be another's."""
        since = self.doubtful_since(key_id)
        return since is not None and at >= since

    def doubtful_since(self, key_id: str) -> dt.datetime | None:
        """Return since when what the key signs may be another's, None when it is in no doubt."""
        revocation, key = self.revocations.get(key_id), self.keys.get(key_id)
        times = [] if revocation is None or revocation.doubtful_since is None else [revocation.doubtful_since]
        if key is not None and self.is_of_a_thief(key):
            times.append(min(key.valid_from, key.registered_at))
        return min(times, default=None)

    def is_of_a_thief(self, key: SigningKey) -> bool:
        """Whether *key* rests on the word of a key that was in doubt by then: it may be that of who stole the other.

        What the operator has registered anew, without that word, rests on the operator.
        """
        passed = set[str]()
        while key.vouched is not None and key.key_id not in passed:
            passed.add(key.key_id)
            before = self.keys.get(key.succeeds or "")
            if before is None:
                return False
            revocation = self.revocations.get(before.key_id)
            since = None if revocation is None else revocation.doubtful_since
            if since is not None and since <= key.registered_at:
                return True
            key = before
        return False

    def of(self, holder: Holder) -> tuple[SigningKey, ...]:
        """Return every key that *holder* ever had, in the order of registration."""
        return tuple(key for key in self.keys.values() if key.holder == holder)

    @cached_property
    def holders(self) -> frozenset[Holder]:
        """Everybody who ever had a key."""
        return frozenset(key.holder for key in self.keys.values())
