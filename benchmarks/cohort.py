"""Release in cohorts on the real file: what it loses, what it leaves to an attacker, how fast it is.

Beside it a textbook CASTLE with the same number of rows in hand, and an offline Mondrian that waits for everything.
Rows that arrive within the last deadline are not scored; classes are checked over all of them, as a reader sees them:
rows of one tick and label.

The speed is that of `advance`, with the independent check of every class and both tiers made. What was released lies
in SQL and is not part of it.
"""

import argparse
import gc
import json
import os
import platform
import resource
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from benchmarks._castle import Castle
from benchmarks._cohort_measures import Seen, Shown, attacked, kept
from benchmarks._cohort_population import Person, arriving, layout, persons
from benchmarks._mondrian import mondrian
from streams.cohort import checking, ticking
from streams.cohort.batches import Drafted
from streams.cohort.parameters import Parameters
from streams.cohort.release import Keys, advance
from streams.cohort.rows import Layout
from streams.cohort.state import State

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
KEYS = Keys(bytes(32), bytes(31) + b"\1")


class Watched:
    """The check of the hub, and beside it a record of what passed; both tiers, with the rows that they are made of."""

    def __init__(self) -> None:
        self.drafts: list[tuple[int, list[Drafted]]] = []

    def problems(self, drafts: list[Drafted], **given: Any) -> list[str]:  # noqa: D102
        if drafts:
            self.drafts.append((given["now"], drafts))
        return checking.problems(drafts, **given)


def timed(people: list[Person], space: Layout, rule: Parameters, days: int) -> tuple[dict[str, Any], State]:
    """Return how fast *people* are released, and the last state."""
    state, ticks, waiting, peak = State.first(space, rule), [], 0.0, 0
    spent: frozenset[bytes] = frozenset()
    gc.collect()
    gc.freeze()  # the file in memory is not what is measured
    for _, records in arriving(people, days):
        began = time.process_time()
        state = advance(state, records[:1], layout=space, keys=KEYS, spent=spent).state
        between = time.process_time()
        state = advance(state, records[1:], layout=space, keys=KEYS, spent=spent).state
        ticks.append(between - began)
        waiting += time.process_time() - between
        peak = max(peak, len(state.pending))
    ticks.sort()
    assert not state.halted
    return {
        "rows per CPU-second": round(len(people) / (sum(ticks) + waiting)),
        "tick mean ms": round(sum(ticks) / len(ticks) * 1000, 1),
        "tick p99 ms": round(ticks[len(ticks) * 99 // 100] * 1000, 1),
        "tick max ms": round(ticks[-1] * 1000, 1),
        "waiting at most": peak,
    }, state


def released(people: list[Person], space: Layout, rule: Parameters, days: int) -> dict[str, Any]:
    """Return all figures of one run."""
    speed, state = timed(people, space, rule, days)
    watched, theirs = Watched(), ticking.checking
    ticking.checking = watched  # type: ignore[assignment]
    try:
        timed(people, space, rule, days)
    finally:
        ticking.checking = theirs
    node_of = [axis.node_of for axis in space.axes]
    rows, seen = [], list[Seen]()
    for now, (first, *_) in watched.drafts:
        for source, shown in zip(first.sources, first.batch.rows, strict=True):
            seen.append(((now, shown.kind, shown.label), frozenset(map(str, source.agencies))))
            if source.arrived <= days - rule.deadline:
                label = tuple(nodes[code] for nodes, code in zip(node_of, shown.label, strict=True))
                rows.append(Shown(source.values, label, source.age(now)))
    scored = len(people) * (days - rule.deadline) // days
    return {
        **kept(rows, space.axes),
        "suppressed": round((scored - len(rows)) / scored, 5),
        **{f"withheld {tier.name}": _withheld(watched, at) for at, tier in enumerate(rule.tiers)},
        **attacked(seen, rule),
        **speed,
        "told suppressed": state.suppressed.told,
    }


def _withheld(watched: Watched, tier: int) -> list[float]:
    """Return the share of reported cells that are withheld, for each sensitive column."""
    reported, shown = Counter[int](), Counter[int]()
    for _, drafts in watched.drafts:
        for source, row in zip(drafts[tier].sources, drafts[tier].batch.rows, strict=True):
            for at, (true, told) in enumerate(zip(source.sensitive, row.sensitive, strict=True)):
                reported[at] += true is not None
                shown[at] += told is not None
    return [round(1 - shown[at] / reported[at], 3) for at in sorted(reported)]


def castle(people: list[Person], space: Layout, rule: Parameters, days: int, most: int) -> dict[str, Any]:
    """Return the figures of CASTLE over the first *most* people, with as many rows in hand as come in a deadline."""
    method = Castle(space.axes, k=rule.k, delta=len(people) * rule.deadline // days)
    out: list[tuple[int, tuple[int, ...], int]] = []
    began = time.process_time()
    for number, person in enumerate(people[:most]):
        out += [(each, label, number) for each, label in method.take(number, person.values)]
    took = time.process_time() - began
    per_day = len(people) / days
    rows = [Shown(people[each].values, label, round((now - each) / per_day, 1)) for each, label, now in out]
    seen = [((now, label), frozenset({str(people[each].agency)})) for each, label, now in out]
    gone = min(most, len(people)) - len(out) - len(method.home)
    return {
        **kept(rows, space.axes),
        "suppressed": round(gone / max(len(out) + gone, 1), 5),
        **attacked(seen, rule),
        "rows per CPU-second": round(min(most, len(people)) / took),
        "rows": min(most, len(people)),
    }


def offline(people: list[Person], space: Layout, rule: Parameters) -> dict[str, Any]:
    """Return the figures of Mondrian over all people at once."""
    began = time.process_time()
    labels = mondrian([person.values for person in people], space.axes, rule.k)
    took = time.process_time() - began
    ncp = sum(
        count * sum(axis.loss[node] for axis, node in zip(space.axes, label, strict=True))
        for label, count in labels.items()
    )
    return {
        "NCP": round(ncp / len(people) / len(space.axes) / 1e6, 3),
        "classes": len(labels),
        "delay mean": "half of two years",
        "rows per CPU-second": round(len(people) / took),
    }


def memory(rows: int, data: Path) -> dict[str, Any]:
    """Return speed and peak memory for *rows*, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.cohort", "--steady", str(rows), "--data", str(data)],
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def steady(rows: int, data: Path) -> dict[str, Any]:
    """Release *rows*, the file again and again at its own rate, and return what that took."""
    space = layout()
    people = persons(data, space, stress=False)
    per_day = len(people) / 730
    loaded = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    speed, _ = timed(list(islice(cycle(people), rows)), space, Parameters(), round(rows / per_day))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {**speed, "memory MB": round(peak / 1024), "above the loaded file MB": round((peak - loaded) / 1024)}


def run(given: argparse.Namespace) -> dict[str, Any]:
    """Measure what was asked for and return the figures."""
    results: dict[str, Any] = {}
    space = layout()
    for name in given.sets.split(","):
        people = persons(given.data, space, stress=name == "stress")[: given.rows]
        days = max(730 * len(people) // 97_750, 60)
        for deadline in map(int, given.deadlines.split(",")):
            rule = replace(Parameters(), deadline=deadline, embargo=given.embargo)
            results[f"{name} D={deadline}"] = released(people, space, rule, days)
        if not given.only_ours:
            rule = Parameters()
            results[f"{name} CASTLE"] = castle(people, space, rule, days, given.castle_rows)
            results[f"{name} Mondrian"] = offline(people, space, rule)
    for rows in map(int, filter(None, given.sizes.split(","))):
        results[f"{rows:,} rows"] = memory(rows, given.data)
    return {
        "benchmark": "cohort",
        "machine": {"cores": os.cpu_count(), "python": platform.python_version(), "load": os.getloadavg()[0]},
        "results": results,
    }


def main() -> None:
    """Run and print a table, or one object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one object")
    parser.add_argument("--data", type=Path, default=DATA, help="folder with the real files")
    parser.add_argument("--sets", default="real,stress", help="the file itself, its stress variant")
    parser.add_argument("--deadlines", default="14,30", help="in ticks")
    parser.add_argument("--embargo", type=int, default=1, help="in ticks")
    parser.add_argument("--rows", type=int, default=97_750, help="of the file, at its rate")
    parser.add_argument("--castle-rows", type=int, default=10_000, help="for CASTLE, which is slow")
    parser.add_argument("--only-ours", action="store_true", help="neither CASTLE nor Mondrian")
    parser.add_argument("--sizes", default="", help="for memory, such as 10000,100000,1000000")
    parser.add_argument("--steady", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.steady:
        print(json.dumps(steady(given.steady, given.data)))
        return
    found = run(given)
    if given.json:
        print(json.dumps(found))
        return
    for what, figures in found["results"].items():
        print(f"{what:<16} " + "  ".join(f"{key} {value}" for key, value in figures.items()))


if __name__ == "__main__":
    sys.exit(main())
