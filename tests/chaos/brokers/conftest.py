"""A hub of three brokers for tests that break it, one for each file, and what each fault did to it.

They are of the group of the other faults: two hubs that are broken side by side keep each other waiting.
"""

from collections.abc import Iterator

import pytest

from infra.home import Home
from tests.chaos.brokers.cluster import Cluster
from tests.chaos.conftest import running_hub
from tests.chaos.trial import Trial


@pytest.fixture(scope="module")
def three_brokers() -> Iterator[Home]:
    """Yield the home of a running stack of three brokers that nobody else uses."""
    with running_hub(brokers=3) as home:
        yield home


@pytest.fixture(scope="module")
def hub_trial(three_brokers: Home) -> Trial:
    """Return what has been sent to the hub of three brokers so far, and what must have come of it."""
    return Trial(three_brokers, patience_s=240)


@pytest.fixture(scope="module")
def cluster(three_brokers: Home) -> Cluster:
    """Return the brokers."""
    return Cluster(three_brokers)


@pytest.fixture(autouse=True)
def whole_again(trial: Trial, cluster: Cluster) -> Iterator[None]:
    """Bring every broker up again, whatever a test left."""
    yield
    trial.up()
    cluster.wait_whole()
