"""How long an event is under way: from when it was due until a partner has it, and until a projection shows it.

Everything is real: agencies publish through their own topics, the worker (started when none runs) does intake, release
and projections, Europol reads its feed with its own credentials. The load is open-loop: latency counts from the moment
at which an event was due, whether or not the sender was in time; how late it was is told beside. At the end of each
rate stands what the hub had not delivered when the last event was due, and how long that took: a rate that it cannot
keep up with has no meaningful percentiles, and is not waited for longer than `--patience` seconds.
"""

import argparse
import asyncio
import gc
import json
import os
import platform
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from benchmarks._latencies import due, latencies, summary
from benchmarks._latency_table import show
from benchmarks._load import Prepared, Sender, prepare, sender
from benchmarks._watch import Feed, Ledger, Tables
from infra.home import Home
from infra.registry import registry_for
from infra.stack import worker
from schemas.codec import Codec

WARM_S = 3.0
"""At the head of each rate, sent like the rest and not counted."""
WARM_EVENTS_MIN = 20
START_S_MAX = 120.0
LEDGER_S_MAX = 60.0
LOOK_S = 0.01
BEHIND_S = 2.0
"""A hub that delivers the last event within so many seconds keeps up with a rate."""


@contextmanager
def running_worker(home: Home) -> Iterator[bool]:
    """Let a worker run, and stop it at the end when it did not run before; yield whether it did."""
    ran = worker.running(home) is not None
    worker.start(home)
    try:
        yield ran
    finally:
        if not ran:
            worker.stop(home)


def cpu_s(home: Home) -> float:
    """Return the CPU seconds that the worker of *home* has used."""
    found = worker.running(home)
    if found is None:
        raise SystemExit("the worker has ended: see its log in the home")
    used = found.cpu_times()
    return used.user + used.system


async def until(condition: Callable[[], bool], seconds: float) -> bool:
    """Wait until *condition* holds, for *seconds* at most; return whether it does."""
    deadline = time.perf_counter() + seconds
    while not condition():
        if time.perf_counter() > deadline:
            return False
        await asyncio.sleep(LOOK_S)
    return True


async def arrive(home: Home, out: Sender) -> None:
    """Send one event and wait until it is through: the worker has joined its groups and knows its schemas."""
    async with Feed(home) as feed:
        await out.send(await prepare(home, 1), [time.perf_counter()])
        if not await until(lambda: bool(feed.arrived), START_S_MAX):
            raise SystemExit(f"no event came through within {START_S_MAX:.0f} s: see `hub status`")


async def measure(home: Home, out: Sender, codec: Codec, rate: float, seconds: float, patience: float) -> Any:
    """Return what *rate* events a second for *seconds* come to."""
    warm = max(WARM_EVENTS_MIN, int(rate * WARM_S))
    events = await prepare(home, warm + int(rate * seconds))
    gc.collect()
    gc.freeze()
    async with Feed(home) as feed, Ledger(home) as ledger:
        with Tables(home) as tables:
            due_at = due(rate, len(events), time.perf_counter() + 0.5)
            cpu = cpu_s(home)
            sent_at = await out.send(events, due_at)
            backlog = len(events) - len(feed.arrived)
            await until(lambda: len(feed.arrived) >= len(events), patience)
            cpu = cpu_s(home) - cpu
            places = await ledger.places(codec, len(events), LEDGER_S_MAX)
            await until(
                lambda: all(tables.reached(place.partition) > place.offset for place in places.values()), patience
            )
    in_feed = feed.ids(codec)
    in_ledger = {event_id: place.written_at for event_id, place in places.items()}
    in_tables = {event_id: tables.seen_at(place.partition, place.offset) for event_id, place in places.items()}
    late = [sent - moment for sent, moment in zip(sent_at, due_at, strict=True)]
    last = max(in_feed.values(), default=due_at[-1]) - due_at[-1]
    return {
        "to_ledger": _counted(events, due_at, in_ledger, warm),
        "to_partner": _counted(events, due_at, in_feed, warm),
        "to_projection": _counted(events, due_at, in_tables, warm),
        "sender_late": summary(late[warm:]),
        "projection_resolution": summary(tables.gaps()),
        "sent": len(events),
        "backlog_at_end": backlog,
        "drained_s": round(last, 2) if len(in_feed) == len(events) else None,
        "kept_up": len(in_feed) == len(events) and last <= BEHIND_S,
        "worker_cpu_ms_per_event": round(cpu / len(events) * 1000, 2),
        "load_1m": round(os.getloadavg()[0], 1),
    }


def _counted(events: Sequence[Prepared], due_at: Sequence[float], seen: dict[str, float], warm: int) -> Any:
    by_number = {number: seen[event.event_id] for number, event in enumerate(events) if event.event_id in seen}
    return summary(latencies(due_at, by_number)[warm:])


async def run(rates: Sequence[float], seconds: float, patience: float) -> dict[str, Any]:
    """Measure each of *rates* and return the figures; those above one that leaves a backlog are not measured."""
    home = Home.current()
    registry = registry_for(home)
    codec = Codec(registry)
    found: dict[str, Any] = {}
    with running_worker(home) as ran:
        async with sender(home) as out:
            await arrive(home, out)
            for rate in rates:
                print(f"{rate:g} events a second for {seconds:g} s", file=sys.stderr, flush=True)
                found[f"{rate:g}"] = await measure(home, out, codec, rate, seconds, patience)
                if found[f"{rate:g}"]["drained_s"] is None and rate != rates[-1]:
                    print("the backlog was not worked off: the rates after it are left out", file=sys.stderr)
                    break
    registry.close()
    return {
        "benchmark": "latency",
        "unit": "ms from the moment at which an event was due",
        "rates": found,
        "seconds": seconds,
        "worker_ran_before": ran,
        "machine": {"cores": os.cpu_count(), "python": platform.python_version()},
    }


def main() -> None:
    """Run and print a table, or one object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one object")
    parser.add_argument("--rates", default="50,200,1000", help="events a second, with commas between them")
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--patience", type=float, default=60, help="so long is a backlog waited for, in seconds")
    given = parser.parse_args()
    rates = [float(rate) for rate in given.rates.split(",")]
    found = asyncio.run(run(rates, given.seconds, given.patience))
    print(json.dumps(found)) if given.json else show(found)


if __name__ == "__main__":
    main()
