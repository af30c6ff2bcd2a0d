"""Keys, holders and keyrings as tests make them."""

import datetime as dt
import os

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from infra.signing.keys import Holder, HolderKind, Keyring, Revocation, SigningKey
from infra.signing.signer import Signer

NOW = dt.datetime(2026, 5, 1, 12, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)
POLICE = Holder(HolderKind.AGENCY, "rs-police")


def signer() -> Signer:
    """Return who signs with a key of its own."""
    return Signer(Ed25519PrivateKey.from_private_bytes(os.urandom(32)))


def key_of(made: Signer, holder: Holder = POLICE, *, start: dt.datetime = NOW - DAY, days: float = 365) -> SigningKey:
    """Return the registration of the key of *made* for *holder*."""
    return SigningKey(
        key_id=made.key_id,
        holder=holder,
        organisation=holder.id,
        public_key=made.public_key,
        valid_from=start,
        valid_until=start + dt.timedelta(days=days),
        registered_at=start,
        registered_by="tester",
    )


def ring_of(*keys: SigningKey, revocations: tuple[Revocation, ...] = ()) -> Keyring:
    """Return a keyring of *keys*."""
    return Keyring(keys={key.key_id: key for key in keys}, revocations={one.key_id: one for one in revocations})


def revocation(key: SigningKey, at: dt.datetime = NOW, since: dt.datetime | None = None) -> Revocation:
    """Return the revocation of *key*."""
    return Revocation(key_id=key.key_id, revoked_at=at, doubtful_since=since, reason="stolen", revoked_by="tester")
