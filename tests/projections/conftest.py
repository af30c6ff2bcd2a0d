"""A projection and a workplace for tests on the running stack; what looks for changes looks often."""

from collections.abc import AsyncIterator, Iterator

import pytest

from infra.home import Home
from infra.workplace import Workplace, workplace
from projections import partition
from projections.pipeline import PIPELINE
from tests.projections.folding import Scratch, scratch


@pytest.fixture
def own(home: Home) -> Iterator[Scratch]:
    """Yield the pipeline counters with tables and a topic of their own."""
    with scratch(home, PIPELINE) as made:
        yield made


@pytest.fixture
async def place(home: Home, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Workplace]:
    """Yield an open workplace."""
    monkeypatch.setattr(partition, "LOOK_S", 0.05)
    monkeypatch.setattr(partition, "MOVED_WAIT_S", 0.05)
    async with workplace(home) as opened:
        yield opened
