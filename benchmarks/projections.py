"""How many events a second go into all projections: live, as the worker folds them, and rebuilt from the beginning.

An event is one of the ledger, sealed, of the types and in the shares of `hub scenario`, with its receipt and the
decisions about it. Some thousand different ones are sealed for real; then they are repeated with other ids. For each
size of the ledger: the missing events are written, all projections are rebuilt (fold and switch), some more events are
folded live on top, and all projections are rebuilt again, this time compared with the live ones row by row.

It needs a hub without a worker, and one that nobody needs: its ledger is filled.
"""

import argparse
import asyncio
import json
import os
import platform
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psycopg

from benchmarks._sealed_ledger import Ledger
from infra.home import Home
from infra.topology.model import load_topology
from infra.workplace import workplace
from projections import logs
from projections.runner import services

LIVE_MAX = 30_000
"""Events folded live for each size."""


def rebuilt(events: int) -> dict[str, Any]:
    """Rebuild all projections and return what that came to."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    done = subprocess.run(
        [str(Path(sys.executable).parent / "hub"), "projection", "rebuild", "--all", "--json"],
        capture_output=True,
        text=True,
        check=False,
    )
    took = time.perf_counter() - began
    assert done.returncode == 0, done.stderr + done.stdout
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    found = json.loads(done.stdout)
    assert {each["state"] for each in found["outcomes"]} == {"switched"}
    folding_s = found["phases_s"]["folding"] + found["phases_s"].get("catching up", 0.0)
    return {
        "took_s": round(took, 1),
        "folding_s": round(folding_s, 1),
        "events_folded_per_s": round(events / folding_s),
        "events_per_s": round(events / took),
        "builders_cpu_s": round(cpu, 1),
        "rows_compared": sum(table["rows"] for each in found["outcomes"] for table in each["compared"]),
    }


def folded_live(home: Home, ledger: Ledger, events: int) -> dict[str, Any]:
    """Write *events* more, let a worker's projections fold them, and return what that came to."""
    ledger.write(ledger.written + events)
    process = subprocess.Popen([sys.executable, __file__, "--live"], stdout=subprocess.DEVNULL)
    try:
        with psycopg.connect(home.dsn("hub_access"), autocommit=True) as connection:
            end = _end(home)
            first = began = None
            while True:
                rows = connection.execute(
                    "SELECT max(next_offset) FROM projections.checkpoint GROUP BY projection, topic, partition"
                ).fetchall()
                now = time.perf_counter()
                reached = sum(int(offset) for (offset,) in rows)
                if first is None or reached == first:
                    first, began = reached, now
                if reached >= end:
                    break
                time.sleep(0.05)
    finally:
        process.send_signal(signal.SIGTERM)
        _, _, used = os.wait4(process.pid, 0)
        process.returncode = 0
    assert began is not None
    took = now - began
    return {
        "events": events,
        "took_s": round(took, 1),
        "events_per_s": round(events / took),
        "cpu_us_per_event": round((used.ru_utime + used.ru_stime) / events * 1e6),
        "peak_memory_mb": round(used.ru_maxrss / 1024),
    }


def _end(home: Home) -> int:
    """Return the sum of what the checkpoints of all projections come to in the end."""
    from projections.catalogue import PROJECTIONS
    from projections.status import partitions_of

    topology = load_topology()
    places = [place for each in PROJECTIONS for place in partitions_of(each, topology)]
    bounds = logs.bounds(home, set(places))
    return sum(bounds[place][1] for place in places)


async def live() -> None:
    """Run the projections of a worker until SIGTERM."""
    async with workplace(Home.current()) as place:
        running = services(place)
        for service in running:
            await service.start()
        stop = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
        await stop.wait()
        for service in running:
            await service.stop()


def run(sizes: list[int], *, live_only: bool) -> dict[str, Any]:
    """Measure every size and return the figures."""
    home = Home.current()
    ledger = Ledger(home)
    results = {}
    for size in sizes:
        found: dict[str, Any] = {}
        more = min(LIVE_MAX, max(size - ledger.written, 0) // 2)
        began, before = time.perf_counter(), ledger.records
        ledger.write(size - more)
        found["written"] = {
            "took_s": round(time.perf_counter() - began, 1),
            "records_per_s": round((ledger.records - before) / (time.perf_counter() - began)),
        }
        if not live_only:
            found["rebuilt"] = rebuilt(size - more)
        found["live"] = folded_live(home, ledger, more if not live_only else size)
        if not live_only:
            found["rebuilt and compared"] = rebuilt(size)
        results[str(size)] = found
        print(json.dumps({size: found}), file=sys.stderr)
    return {
        "benchmark": "projections",
        "machine": {"cores": os.cpu_count(), "python": platform.python_version(), "load": os.getloadavg()[0]},
        "results": results,
    }


def main() -> None:
    """Run and print a table, or one object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one object")
    parser.add_argument("--events", default="10000,100000", help="sizes of the ledger, each after the one before")
    parser.add_argument("--live-only", action="store_true", help="no rebuild")
    parser.add_argument("--live", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.live:
        asyncio.run(live())
        return
    found = run([int(size) for size in given.events.split(",")], live_only=given.live_only)
    if given.json:
        print(json.dumps(found))
        return
    for size, several in found["results"].items():
        for what, row in several.items():
            print(f"{int(size):>10,}  {what:<22} " + "  ".join(f"{key} {value:,}" for key, value in row.items()))


if __name__ == "__main__":
    sys.exit(main())
