"""What a stack needs before anybody works with it: tables, topology, agreements. Each step changes nothing twice."""

import asyncio

from infra.control import publish_agreements
from infra.database import migrate
from infra.home import Home
from infra.passwords.rotating import finish_interrupted
from infra.registry import registry_for
from infra.topology.apply import apply
from infra.topology.model import load_topology
from schemas.codec import Codec


def make_ready(home: Home) -> None:
    """Bring the servers of *home* to what this version of the hub expects; raises HubError when one is away."""
    finish_interrupted(home)
    migrate(home)
    apply(home, load_topology())
    registry = registry_for(home)
    try:
        asyncio.run(publish_agreements(home, Codec(registry)))
    finally:
        registry.close()
