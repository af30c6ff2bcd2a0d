"""The scores of the attacks at the end of a test run, however many processes ran the tests.

A test leaves its score in the properties of its report, which pytest-xdist carries to the process that prints.
"""

import json
import os
from pathlib import Path

import pytest

PROPERTY = "attack"
FILE = "HUB_ATTACKS_FILE"
"""Environment variable: where to write the scores as JSON lines as well."""


def score(attack: str, done: int, of: int) -> tuple[str, dict[str, object]]:
    """Return the property for a test to record: *done* of *of*, which add up over all tests of the same *attack*."""
    return PROPERTY, {"attack": attack, "done": done, "of": of}


class ScoreTable:
    """Collects the scores of all tests, adds them up and prints them."""

    def __init__(self) -> None:
        self._scores: dict[str, tuple[int, int]] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take the scores of a test from its last report, which has them all."""
        if report.when == "teardown":
            for name, found in report.user_properties:
                if name == PROPERTY:
                    done, of = self._scores.get(found["attack"], (0, 0))  # type: ignore[index]
                    self._scores[found["attack"]] = (done + found["done"], of + found["of"])  # type: ignore[index]

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the scores where there was an attack."""
        if not self._scores:
            return
        terminalreporter.section("attacks")
        for attack, (done, of) in sorted(self._scores.items()):
            terminalreporter.line(f"{attack:84} {done}/{of}")
        if file := os.environ.get(FILE):
            Path(file).write_text(json.dumps(self._scores, indent=1) + "\n", encoding="utf-8")
