"""The command `hub chaos`: what it hands to pytest, and what it makes of the faults."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from infra.cli import build
from tests.fault_table import HEAD, line

FAULT = {"fault": "kill", "lost": 0, "duplicated": 0, "forbidden": 0, "overtaken": 0, "recovery_s": 1.5}


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> list[tuple[list[str], dict[str, str]]]:
    """Let pytest not run, and write one fault; return how it was called."""
    calls: list[tuple[list[str], dict[str, str]]] = []

    def run(command: list[str], *, env: dict[str, str], **_other: Any) -> subprocess.CompletedProcess[str]:
        calls.append((command, env))
        Path(env["HUB_FAULTS_FILE"]).write_text(json.dumps(FAULT) + "\n")
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(subprocess, "run", run)
    return calls


def test_json_is_one_object_with_every_fault(called: list[tuple[list[str], dict[str, str]]]) -> None:
    done = CliRunner().invoke(build(), ["chaos", "--quick", "--json"])

    assert done.exit_code == 0
    assert json.loads(done.stdout) == {"faults": [FAULT], "passed": True}
    ((command, environment),) = called
    assert "tests/chaos" in command
    assert (environment["HUB_CHAOS_EVENTS"], environment["HUB_CHAOS_THOROUGH"]) == ("6000", "")


def test_without_quick_ten_times_as_many_events_flow_and_no_fault_is_left_out(
    called: list[tuple[list[str], dict[str, str]]],
) -> None:
    CliRunner().invoke(build(), ["chaos"])

    ((_, environment),) = called
    assert (environment["HUB_CHAOS_EVENTS"], environment["HUB_CHAOS_THOROUGH"]) == ("60000", "true")


def test_a_fault_that_lost_something_is_told_apart() -> None:
    assert " held " in line(FAULT)
    assert " BROKEN " in line({**FAULT, "lost": 1})
    assert len(line(FAULT)) <= len(HEAD)
