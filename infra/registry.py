"""The schema registry of a home as the hub's own processes use it: with the right to write, and a cache on disk."""

from infra.home import Home
from schemas.registry import Registry

CONFLUENT_API = "/apis/ccompat/v7"


def registry_for(home: Home) -> Registry:
    """Return the registry of *home*; what it learns stays known when the registry is away, over restarts too."""
    return Registry(
        home.endpoints().registry_url + CONFLUENT_API,
        ssl_context=home.ssl_context(),
        auth=home.registry_auth(),
        cache_dir=home.registry_dir / "known",
    )
