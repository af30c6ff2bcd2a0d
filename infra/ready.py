"""What a stack needs before anybody works with it: tables, topology, agreements, keys. Repeating it is harmless."""

import asyncio

from infra.agreement_publishing import publish_agreements
from infra.clock import now_in
from infra.database import migrate
from infra.home import Home
from infra.passwords.rotating import finish_interrupted
from infra.registry import registry_for
from infra.signing.local import register_local_keys
from infra.topology.apply import apply
from infra.topology.model import load_topology
from schemas.codec import Codec


def make_ready(home: Home) -> None:
    """Bring the servers of *home* to what this version of the hub expects; raises HubError when one is away."""
    finish_interrupted(home)
    migrate(home)
    topology = load_topology()
    apply(home, topology)
    registry = registry_for(home)
    try:
        codec = Codec(registry)
        asyncio.run(publish_agreements(home, codec))
        asyncio.run(register_local_keys(home, codec, topology, now_in(home)))
    finally:
        registry.close()
