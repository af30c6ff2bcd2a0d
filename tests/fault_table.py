"""The table of faults at the end of a test run, however many processes ran the tests.

A test leaves what it saw in the properties of its report, which pytest-xdist carries to the process that prints.
"""

import json
import os
from pathlib import Path

import pytest

PROPERTY = "fault"
FILE = "HUB_FAULTS_FILE"
"""Environment variable: where to write the faults as JSON lines as well."""
HEAD = (
    f"{'fault':58} {'outcome':8} {'lost':>5} {'twice':>5} {'forbidden':>9} {'overtaken':>9}  seconds until it went on"
)
WRONG = ("lost", "duplicated", "forbidden", "overtaken")


class FaultTable:
    """Collects the faults of all tests and prints them."""

    def __init__(self) -> None:
        self._faults: list[dict[str, object]] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take the faults of a test from its last report, which has them all."""
        if report.when == "teardown":
            self._faults += [value for name, value in report.user_properties if name == PROPERTY]  # type: ignore[misc]

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the table where there was a fault."""
        if not self._faults:
            return
        terminalreporter.section("faults")
        terminalreporter.line(HEAD)
        for each in self._faults:
            terminalreporter.line(line(each))
        if file := os.environ.get(FILE):
            Path(file).write_text("".join(f"{json.dumps(each)}\n" for each in self._faults), encoding="utf-8")


def line(fault: dict[str, object]) -> str:
    """Return the line of the table about *fault*."""
    outcome = "BROKEN" if any(fault[each] for each in WRONG) else "held"
    form = "{fault:58} {outcome:8} {lost:>5} {duplicated:>5} {forbidden:>9} {overtaken:>9} {recovery_s:>8.1f}"
    return form.format(outcome=outcome, **fault)
