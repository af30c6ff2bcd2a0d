"""Each benchmark runs on a real hub and prints the object that it promises; the figures themselves prove nothing."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from infra.home import Home
from tests.running import ensure_worker, rows

pytestmark = [pytest.mark.stack, pytest.mark.timeout(300), pytest.mark.xdist_group("benchmarks")]
PROJECT = Path(__file__).resolve().parents[2]
RUN = ("ours", "faust_send", "faust_take", "aiokafka", "confluent", "confluent_transactions", "ours_sealed")


def bench(home: Home, name: str, *options: str) -> dict[str, Any]:
    """Return what the benchmark *name* prints."""
    ended = subprocess.run(
        [sys.executable, "-m", f"benchmarks.{name}", *options, "--json"],
        cwd=PROJECT,
        env={**os.environ, "HUB_HOME": str(home.path)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(ended.stdout)
    return found


def test_every_contender_does_the_work_and_nothing_of_it_stays(home: Home) -> None:
    found = bench(home, "pump", "--events", "500", "--rounds", "1", "--without", "quixstreams")

    assert all(found[name] > 0 for name in RUN)
    assert found["quixstreams"] is None
    assert found["left_out"] == {"quixstreams": "--without"}
    assert set(found["ratios"]) == {f"ours_to_{name}" for name in (*RUN[1:], "quixstreams")}
    assert all({"wall_s", "cpu_us", "peak_memory_mb"} <= found["details"][name].keys() for name in RUN)
    assert found["details"]["ours"]["transactions_per_s_and_partition"] > 0
    assert (found["events"], found["rounds"]) == (500, 1)
    assert "machine" in found
    assert found["work_us"] > 0
    assert rows(home, "SELECT count(*) FROM streams.checkpoint WHERE topic LIKE 'bench.%%'") == [(0,)]


def test_latency_is_told_for_both_ways(home: Home) -> None:
    ensure_worker(home)
    found = bench(home, "latency", "--rates", "20", "--seconds", "2")

    assert found["worker_ran_before"]
    (row,) = found["rates"].values()
    for way in ("to_ledger", "to_partner", "to_projection"):
        assert row[way]["events"] == 40
        assert row[way]["missing"] == 0
        assert 0 < row[way]["p50"] <= row[way]["p99"] <= row[way]["max"]
    assert {
        "backlog_at_end",
        "worker_cpu_ms_per_event",
        "kept_up",
        "sender_late",
        "projection_resolution",
    } <= row.keys()


def test_stages_share_the_cost_of_intake_and_release_out(home: Home) -> None:
    found = bench(home, "stages", "--events", "500")["processors"]

    assert {"intake", "release"} <= found.keys()
    for row in found.values():
        assert row["events_per_cpu_s"] > 0
        assert sum(row["stages_us"].values()) == pytest.approx(row["cpu_us"], abs=2)
    assert {"decode", "validate", "vault", "seal", "encode"} <= found["intake"]["stages_us"].keys()
