"""Keys of a home for trials: each agency of the topology has one, in the home itself.

In production an agency makes its own (`hub key make`) and sends the public half alone: no private key is the hub's.
"""

import datetime as dt
from pathlib import Path

from infra.home import Home
from infra.settings import settings
from infra.signing.desk import organisation_of
from infra.signing.files import private_pem, read_private
from infra.signing.key_log import KeyLog, tell
from infra.signing.keys import Holder, HolderKind, SigningKey, key_id_of
from infra.topology.credentials import Credentials, local_signing_key
from infra.topology.model import Topology
from schemas.codec import Codec

LOCAL_VALID_DAYS = 3650
"""A home for trials may live by a simulated clock, in which years go by."""
REGISTERED_BY = "hub up"


def local_key(home: Home, agency: str) -> Path:
    """Return the file of the private key of *agency* in *home*, made on first use (0600)."""
    file = local_signing_key(home, agency)
    home.secret(file.name, private_pem)
    return file


async def register_local_keys(home: Home, codec: Codec, topology: Topology, now: dt.datetime) -> tuple[str, ...]:
    """Register a key of *home* for each agency that never had any; return what was done, a line each.

    Nothing is done where `HUB_TRIAL_KEYS` is false.
    """
    if not settings().trial_keys:
        return ()
    log = KeyLog(Credentials.of(home, "hub-admin", topology), codec)
    try:
        holders = (await log.keyring()).holders
    finally:
        await log.stop()
    wanted = [Holder(HolderKind.AGENCY, str(agency.id)) for agency in topology.agencies]
    made = [_key_for(home, holder, now) for holder in wanted if holder not in holders]
    if made:
        await tell(Credentials.of(home, "hub-control", topology), codec, made)
    return tuple(f"register a signing key of {key.holder.id}" for key in made)


def _key_for(home: Home, holder: Holder, now: dt.datetime) -> SigningKey:
    public_key = read_private(local_key(home, holder.id)).public_key().public_bytes_raw()
    return SigningKey(
        key_id=key_id_of(public_key),
        holder=holder,
        organisation=organisation_of(holder),
        public_key=public_key,
        valid_from=now,
        valid_until=now + dt.timedelta(days=LOCAL_VALID_DAYS),
        registered_at=now,
        registered_by=REGISTERED_BY,
    )
