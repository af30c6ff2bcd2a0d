"""What `hub status` says of signing keys: how many are in use, which end soon, which agencies have none."""

import asyncio
import datetime as dt

import psycopg

from infra.clock import now_in
from infra.home import Home
from infra.registry import registry_for
from infra.signing.key_log import KeyLog
from infra.signing.keys import Holder, HolderKind, Keyring
from infra.topology.credentials import Credentials
from infra.topology.model import Topology, load_topology
from schemas.codec import Codec
from schemas.errors import HubError

WARN_DAYS = 30
UNKNOWN = {"state": "unknown: a server does not answer"}


def report(home: Home) -> dict[str, object]:
    """Return `signing_keys` for the status of *home*."""
    topology = load_topology()
    try:
        return {"signing_keys": told(asyncio.run(_keyring(home, topology)), topology, now_in(home))}
    except (HubError, psycopg.Error, OSError):
        return {"signing_keys": UNKNOWN}


def told(ring: Keyring, topology: Topology, now: dt.datetime) -> dict[str, object]:
    """Return the number of keys in each state, and each agency whose last key ends soon or has ended."""
    out: dict[str, object] = {}
    for key in ring.keys.values():
        state = ring.state(key, now).replace(" ", "_")
        out[state] = int(str(out.get(state, 0))) + 1
    for agency in topology.agencies:
        held = ring.of(Holder(HolderKind.AGENCY, str(agency.id)))
        good = [key.valid_until for key in held if key.key_id not in ring.revocations]
        if not held:
            out[str(agency.id)] = "has no key: its events come unsigned"
        elif not good or max(good) <= now:
            out[str(agency.id)] = "HAS NO VALID KEY: its events are refused; `hub key register`"
        elif max(good) <= now + dt.timedelta(days=WARN_DAYS):
            out[str(agency.id)] = f"its last key ends on {max(good):%Y-%m-%d}; `hub key rotate`"
    return out


async def _keyring(home: Home, topology: Topology) -> Keyring:
    registry = registry_for(home)
    log = KeyLog(Credentials.of(home, "hub-admin", topology), Codec(registry))
    try:
        return await log.keyring()
    finally:
        await log.stop()
        registry.close()
