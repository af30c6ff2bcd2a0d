"""The time-stamp authority is away: intake stops once answers are too long without its word, and loses nothing."""

import json
from pathlib import Path

import pytest

from tests.chaos.trial import AGENCIES, Trial
from tests.infra.evidence.authority import local_authority
from tests.running import command, rows, wait_until

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("chaos"), pytest.mark.timeout(300)]


def unstamped(trial: Trial) -> bool:
    return rows(trial.home, "SELECT count(*) FROM streams.chain WHERE statements > stamped") != [(0,)]


def test_intake_stops_without_time_stamps_and_goes_on_with_them(trial: Trial, tmp_path: Path) -> None:
    with local_authority(tmp_path / "authority") as authority:
        worker = trial.working(
            HUB_TIMESTAMP_URL=authority.url,
            HUB_TIMESTAMP_CA_FILE=str(authority.ca_file),
            HUB_TIMESTAMP_INTERVAL_S="0.5",
            HUB_TIMESTAMP_MAX_AGE_S="4",
        )
        trial.send(10)
        trial.settle("(no fault)")
        wait_until(lambda: not unstamped(trial), "everything is stamped")
        authority.answers = False
        trial.send(2)
        overdue = "SELECT count(*) FROM streams.chain WHERE unstamped_since < now() - interval '5 seconds'"
        wait_until(lambda: rows(trial.home, overdue) != [(0,)], "an answer has gone without a stamp for too long")
        reached = trial.progress()
        trial.send(5)
        wait_until(lambda: trial.says("waiting", "timestamp-overdue", "intake"), "intake says why it waits")
        assert trial.progress() == reached, "nothing is taken in"
        authority.answers = True
        trial.settle("time-stamp authority away")
        wait_until(lambda: not unstamped(trial), "everything is stamped again")
        assert worker.runs
        worker.stop()
        export, key = tmp_path / "export.jsonl", tmp_path / "hub.pem"
        of = [f"--agency={name}" for name in AGENCIES]  # another test deletes the receipts of another agency
        assert command(trial.home, "evidence", "export", *of, "--output", str(export)).returncode == 0
        assert command(trial.home, "evidence", "key", "--output", str(key)).returncode == 0
        given = ("--key", str(key), "--timestamp-ca", str(authority.ca_file), "--json")
        found = command(trial.home, "verify", str(export), *given)
        said = json.loads(found.stdout)
        assert (found.returncode, said["problems"]) == (0, [])
        assert said["accepted"] == trial.sent
        assert said["stamps"] > 1
