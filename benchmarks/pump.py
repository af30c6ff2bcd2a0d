"""What the pump costs beside others that do the same work: events per CPU-second of the worker, all in one run.

The same events (see `_workload.py`) are written once to a topic of six partitions. Each contender reads them, does the
same work with the same code (`_transform.py`), and writes to one of four topics, over the same TLS, in a process of its
own; the contenders take turns in every round, and the median counts. What each has written is read back, committed
records only: as many as there were events, byte for byte the same for all. When the span of a figure begins and ends is
told in `_contender.py`. Broker and database have their own processes and are in nobody's figure.
"""

import argparse
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

from benchmarks._contenders import CONTENDERS, SECRET, Source, run
from benchmarks._pump_table import show
from benchmarks._quix_environment import NotInstalledError, python
from benchmarks._topics import Topics
from benchmarks._transform import Transform
from benchmarks._workload import DERIVED_ID, TYPES, events, schemas
from infra.home import Home

PARTITIONS = 6
WORK_EVENTS = 20_000
SEALED_TYPES = ("PersonIdentified",)
Measured = dict[str, float]


def measure(names: Sequence[str], count: int, rounds: int, *, whole: bool) -> dict[str, list[Measured]]:
    """Return what each of *names* came to in each round."""
    home = Home.current()
    topics = Topics(home, PARTITIONS)
    found: dict[str, list[Measured]] = {name: [] for name in names}
    with topics.made(["in", "in-persons"]) as (mixed, persons):
        plain = Source(topic=mixed, events=count, schemas=schemas(TYPES, whole=whole))
        sealed = Source(topic=persons, events=count, schemas=schemas(SEALED_TYPES, whole=True))
        topics.fill(mixed, events(TYPES, count, whole=whole))
        if any(CONTENDERS[name].sealed for name in names):
            topics.fill(persons, events(SEALED_TYPES, count, whole=True))
        for turn in range(rounds):
            for name in names:
                print(f"round {turn + 1} of {rounds}: {name}", file=sys.stderr, flush=True)
                source = sealed if CONTENDERS[name].sealed else plain
                found[name].append(run(name, turn, source, topics, home, PARTITIONS))
    return found


def work_us(count: int, *, whole: bool) -> float:
    """Return what the work alone costs for each of *count* events, without any client around it."""
    transform = Transform(schemas(TYPES, whole=whole), DERIVED_ID, bytes.fromhex(SECRET))
    given = list(events(TYPES, count, whole=whole))
    began = time.process_time()
    for value in given:
        transform(value)
    return (time.process_time() - began) / count * 1e6


def details(rounds: Sequence[Measured], count: int) -> dict[str, Any]:
    """Return the medians of *rounds*, and how far they lie apart."""

    def median(of: Callable[[Measured], float]) -> float:
        return statistics.median([of(each) for each in rounds])

    found: dict[str, Any] = {
        "each_round": [round(count / each["cpu_s"]) for each in rounds],
        "events_per_cpu_s": round(median(lambda each: count / each["cpu_s"])),
        "events_per_s": round(median(lambda each: count / each["wall_s"])),
        "wall_s": round(median(lambda each: each["wall_s"]), 2),
        "cpu_us": round(median(lambda each: each["cpu_s"] / count * 1e6), 1),
        "peak_memory_mb": round(median(lambda each: each["peak_memory_mb"])),
    }
    if all("transactions" in each for each in rounds):
        per_partition = median(lambda each: each["transactions"] / each["wall_s"] / PARTITIONS)
        found["transactions_per_s_and_partition"] = round(per_partition, 2)
    return found


def report(
    found: dict[str, list[Measured]], count: int, rounds: int, notes: dict[str, str], work: float
) -> dict[str, Any]:
    """Return the one object that `--json` prints."""
    by_name = {name: details(several, count) for name, several in found.items() if several}
    per_core = {name: by_name[name]["events_per_cpu_s"] if name in by_name else None for name in CONTENDERS}
    ours = per_core["ours"]
    return {
        "benchmark": "pump",
        **per_core,
        "ratios": {
            f"ours_to_{name}": round(ours / value, 2) if ours and value else None
            for name, value in per_core.items()
            if name != "ours"
        },
        "details": by_name,
        "work_us": round(work, 1),
        "left_out": notes,
        "machine": {
            "cores": os.cpu_count(),
            "python": platform.python_version(),
            "load_1m": round(os.getloadavg()[0], 1),
        },
        "events": count,
        "rounds": rounds,
    }


def chosen(only: str, without: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """Return who takes part, and why each of the others does not."""
    notes = {name: "--only" for name in CONTENDERS if only not in name}
    notes |= {name: "--without" for name in CONTENDERS if name in without}
    if "quixstreams" not in notes:
        try:
            python()
        except NotInstalledError as error:
            notes["quixstreams"] = f"cannot be installed: {error}"
            print(f"quixstreams {notes['quixstreams']}; it is left out", file=sys.stderr)
    return [name for name in CONTENDERS if name not in notes], notes


def main() -> None:
    """Run and print a table, or one object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one object")
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="", help="let only contenders with this in their name take part")
    parser.add_argument("--without", action="append", default=[], choices=list(CONTENDERS), help="leave one out")
    parser.add_argument("--whole", action="store_true", help="with the contracts as they are, empty fields included")
    given = parser.parse_args()
    names, notes = chosen(given.only, given.without)
    measured = measure(names, given.events, given.rounds, whole=given.whole)
    work = work_us(min(given.events, WORK_EVENTS), whole=given.whole)
    found = report(measured, given.events, given.rounds, notes, work)
    print(json.dumps(found)) if given.json else show(found)


if __name__ == "__main__":
    main()
