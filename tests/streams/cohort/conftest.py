"""A population whose every draft a test sees."""

from types import SimpleNamespace

import pytest

from streams.cohort import ticking
from tests.streams.cohort.population import Release


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> Release:
    """Return a release that keeps what is about to leave beside what it was made of."""
    run = Release()
    monkeypatch.setattr(ticking, "checking", SimpleNamespace(problems=run.watch))
    return run
