"""Signing keys and revocations as the records of `control.keys`, and what all of them together say. Pure."""

import dataclasses
import datetime as dt
from typing import cast

from infra.signing.keys import Holder, HolderKind, Keyring, Revocation, SigningKey, is_strong, key_id_of
from schemas.codec import Record


def record_of_key(key: SigningKey) -> Record:
    """Return the content of the SigningKeyRegistered of *key*."""
    own = {each.name: getattr(key, each.name) for each in dataclasses.fields(key)}
    return own | {"holder_kind": str(key.holder.kind), "holder": key.holder.id}


def record_of_revocation(revocation: Revocation) -> Record:
    """Return the content of the SigningKeyRevoked of *revocation*."""
    return dataclasses.asdict(revocation)


def key_from(record: Record) -> SigningKey:
    """Return the key in *record*; raise ValueError for an id or a key that cannot be."""
    public_key = cast("bytes", record["public_key"])
    if not is_strong(public_key) or key_id_of(public_key) != record["key_id"]:
        raise ValueError("the public key is not what its id says")
    return SigningKey(
        key_id=str(record["key_id"]),
        holder=Holder(HolderKind(str(record["holder_kind"])), str(record["holder"])),
        organisation=str(record["organisation"]),
        public_key=public_key,
        valid_from=cast("dt.datetime", record["valid_from"]),
        valid_until=cast("dt.datetime", record["valid_until"]),
        registered_at=cast("dt.datetime", record["registered_at"]),
        registered_by=str(record["registered_by"]),
        succeeds=cast("str | None", record["succeeds"]),
        vouched=cast("bytes | None", record["vouched"]),
    )


def revocation_from(record: Record) -> Revocation:
    """Return the revocation in *record*."""
    return Revocation(
        key_id=str(record["key_id"]),
        revoked_at=cast("dt.datetime", record["revoked_at"]),
        doubtful_since=cast("dt.datetime | None", record["doubtful_since"]),
        reason=str(record["reason"]),
        revoked_by=str(record["revoked_by"]),
    )


def registered(ring: Keyring, key: SigningKey) -> Keyring:
    """Return *ring* with *key*; raise ValueError when its id is another holder's."""
    known = ring.keys.get(key.key_id)
    if known is not None and known.holder != key.holder:
        raise ValueError("a key has one holder")
    if known is not None:  # told again: a later start would take back what it signed, and what it has to sign
        key = dataclasses.replace(
            known,
            valid_from=min(known.valid_from, key.valid_from),
            valid_until=key.valid_until,
            succeeds=key.succeeds,
            vouched=key.vouched,
        )
    return dataclasses.replace(ring, keys={**ring.keys, key.key_id: key})


def revoked(ring: Keyring, told: Revocation) -> Keyring:
    """Return *ring* with what *told* says; of several for one key the earliest times count."""
    known = ring.revocations.get(told.key_id)
    if known is not None:
        times = [each for each in (known.doubtful_since, told.doubtful_since) if each is not None]
        told = dataclasses.replace(
            known,
            revoked_at=min(known.revoked_at, told.revoked_at),
            doubtful_since=min(times) if times else None,
        )
    return dataclasses.replace(ring, revocations={**ring.revocations, told.key_id: told})
