"""The shared stack with a worker: what is refused has to come from somewhere."""

import pytest

from infra.home import Home
from tests.running import ensure_worker


@pytest.fixture(scope="session")
def hub(home: Home) -> Home:
    """Return the home of a hub that works."""
    ensure_worker(home)
    return home
