"""Signed events are unwrapped and verified before any other rule of content; what is not the agency's own is refused.

What leaves here is the event as if it had come unsigned: duplicates are recognised by the bytes inside, so that an
event that is signed anew, with another salt, is the same event.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, cast

from infra.signing.forms import SALT_BYTES, event_form
from infra.signing.keys import Fault, Holder, HolderKind, Keyring
from infra.signing.signer import signed_event
from infra.topology.model import Signed as Policy
from schemas.codec import Codec, Record, schema_id_of
from schemas.errors import MalformedRecordError, Problem
from schemas.names import AgencyId
from streams.intake.reading import RECORD_BYTES_MAX, TOO_LARGE, Refused, Signed
from streams.pump.records import SourceRecord

NO_KEYS = Keyring(keys={}, revocations={})
NOT_SIGNED = Problem("$", "not-signed", "the hub takes events of this agency only signed: sign it with its key")
SIGNED_TWICE = Problem("$", "signed-twice", "sign the event itself, once; seal what is signed, not the other way round")
PROBLEMS: Mapping[Fault, Problem] = {
    Fault.MALFORMED: Problem(
        "$", "malformed-signature", "give a signature of 64 bytes and a new salt of 32 random bytes"
    ),
    Fault.UNKNOWN: Problem(
        "$", "signed-by-unknown-key", "have the key registered by the operator of the hub, or sign with one that is"
    ),
    Fault.ANOTHERS: Problem(
        "$", "key-of-another", "the key is not this agency's: sign with its own, and publish on its own topic"
    ),
    Fault.REVOKED: Problem(
        "$", "key-revoked", "sign the event with another key; if nobody told you why this one was revoked, ask now"
    ),
    Fault.NOT_YET_VALID: Problem(
        "$", "key-not-yet-valid", "sign with the key before this one, or send the event again once it is valid"
    ),
    Fault.EXPIRED: Problem("$", "key-expired", "sign the event with the key that follows this one"),
    Fault.WRONG: Problem(
        "$",
        "signature-wrong",
        "sign the line `hub.v1.SignedEvent`, the line with the name of the topic, the salt, the event as it is sent",
    ),
}


class Keyrings(Protocol):
    """Who knows the signing keys."""

    async def keyring(self) -> Keyring:
        """Return every key and revocation that holds now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What one record says of who signed it, not verified yet."""

    outer: SourceRecord
    key_id: str
    salt: bytes = field(repr=False)
    signature: bytes = field(repr=False)
    event: bytes = field(repr=False)

    @property
    def signed(self) -> Signed:
        """Return what is kept of it once it was verified."""
        return Signed(key_id=self.key_id, original=self.outer.value or b"")


@dataclass(frozen=True, slots=True, kw_only=True)
class Unwrapped:
    """A batch with each signed event in the place of its wrapping, and what is to be verified, by offset."""

    records: Sequence[SourceRecord | Refused]
    claims: Mapping[int, Claim]

    def faults(self, ring: Keyring, agency: AgencyId, now: dt.datetime) -> Mapping[int, Refused]:
        """Return what is refused for its signature, by offset. It may run in a thread: nothing else is touched."""
        holder = Holder(HolderKind.AGENCY, str(agency))
        found = {offset: _fault(claim, ring, holder, now) for offset, claim in self.claims.items()}
        return {
            offset: Refused(source=self.claims[offset].outer, problems=(PROBLEMS[fault],))
            for offset, fault in found.items()
            if fault is not None
        }


def unwrapped(batch: Sequence[SourceRecord | Refused], codec: Codec, *, signed_only: bool) -> Unwrapped:
    """Return *batch*, whose schemas were learnt, unwrapped; what is unsigned is refused where *signed_only*."""
    records: list[SourceRecord | Refused] = []
    claims: dict[int, Claim] = {}
    for source in batch:
        if isinstance(source, Refused):
            records.append(source)
        elif codec.fullname_in(source.value) != signed_event().fullname:
            is_event = schema_id_of(source.value) is not None  # anything else is refused for what it is
            records.append(_refused(source, NOT_SIGNED) if signed_only and is_event else source)
        else:
            claim = _claim(source, codec)
            if isinstance(claim, Claim):
                claims[source.offset] = claim
                records.append(source._replace(value=claim.event))
            else:
                records.append(claim)
    return Unwrapped(records=records, claims=claims)


def must_be_signed(policy: Policy, ring: Keyring, agency: AgencyId, now: dt.datetime) -> bool:
    """Whether *agency* may publish nothing unsigned: else who has its password alone could leave the signature away."""
    if policy != "once-registered":
        return policy == "always"
    return any(key.valid_from <= now for key in ring.of(Holder(HolderKind.AGENCY, str(agency))))


def _claim(source: SourceRecord, codec: Codec) -> Claim | Refused:
    if len(source.value or b"") > RECORD_BYTES_MAX:
        return _refused(source, TOO_LARGE)
    try:
        record: Record = codec.decode(source.value, signed_event()).record
    except MalformedRecordError as error:
        return _refused(source, Problem("$", "malformed-record", str(error)))
    salt, event = cast("bytes", record["salt"]), cast("bytes", record["event"])
    if len(salt) != SALT_BYTES:
        return _refused(source, PROBLEMS[Fault.MALFORMED])
    if schema_id_of(event) == schema_id_of(source.value):
        return _refused(source, SIGNED_TWICE)
    return Claim(
        outer=source,
        key_id=str(record["key_id"]),
        salt=salt,
        signature=cast("bytes", record["signature"]),
        event=event,
    )


def _fault(claim: Claim, ring: Keyring, holder: Holder, now: dt.datetime) -> Fault | None:
    message = event_form(claim.outer.topic, claim.salt, claim.event)
    return ring.arriving(claim.key_id, holder, message, claim.signature, now)


def _refused(source: SourceRecord, problem: Problem) -> Refused:
    return Refused(source=source, problems=(problem,))
