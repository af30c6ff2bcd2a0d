"""What each step of intake and release costs, in CPU microseconds an event of the worker's own process.

The real processors, vault, codec and database; no Kafka and no pump around them, but the outbox that intake's pump
writes. Each runs twice: once as it is, which gives the total, and once sampled (`_sampler.py`), which shares it out.
Events are of five types of one agency; a person is in two of them, a case in five, and every batch meets persons
and cases that the vault has never seen. *persons only*: PersonIdentified alone, the dearest to seal. With `--batch 1`
what shows is the price of a batch, which is what a quiet hub pays for each event.
"""

import argparse
import asyncio
import json
import os
import platform
import time
from collections.abc import Sequence
from typing import Any

from benchmarks._processors import TYPES, Bench, bench, process, published, records
from benchmarks._sampler import Sampler, functions, lines, stages
from benchmarks._stages_table import show
from infra.home import Home
from streams.pump.records import Output, Processor, SourceRecord

LEDGER = "ledger"
MOST = 25
EVENTS_A_DAY = 134
"""As in the study of the CTDC file."""
RULES = (
    ("schemas/codec.py", "encode", "encode"),
    ("schemas/codec.py", "", "decode"),
    ("schemas/upcasting.py", "", "decode"),
    ("schemas/validation.py", "", "validate"),
    ("schemas/rules.py", "", "validate"),
    ("schemas/person_rules.py", "", "validate"),
    ("streams/intake/reading.py", "", "validate"),
    ("schemas/sealing.py", "", "seal"),
    ("streams/pump/nonces.py", "", "seal"),
    ("schemas/opening.py", "", "open"),
    ("infra/vault/", "", "vault"),
    ("streams/intake/memory.py", "", "SQL: duplicates"),
    ("streams/pump/books.py", "", "SQL: outbox"),
    ("streams/release/decide.py", "", "decide"),
    ("schemas/field_steps.py", "", "persons, plans"),
    ("infra/evidence/", "", "chain and proofs"),
    ("streams/intake/chain", "", "chain and proofs"),
    ("streams/intake/", "", "intake itself"),
    ("streams/cohort/store.py", "", "SQL: rows that wait"),
    ("streams/cohort/", "", "cohort itself"),
    ("streams/release/", "", "release itself"),
)
"""Beginning of a file, function, stage; the first that fits counts."""


async def measure(
    processor: Processor,
    given: Sequence[Sequence[SourceRecord]],
    here: Bench,
    *,
    batch_of: int,
    outbox: bool,
    keeps: bool = False,
) -> tuple[dict[str, Any], list[Output]]:
    """Return what *processor* costs, by stage, and what it made; of *given* (warm-up, measured, sampled) in turn."""
    warm, measured, sampled = given
    outputs = await process(processor, warm, here, batch_of=batch_of, outbox=outbox, keeps=keeps)
    wall, cpu = time.perf_counter(), time.process_time()
    outputs += await process(processor, measured, here, batch_of=batch_of, outbox=outbox, keeps=keeps)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    sampler = Sampler()
    with sampler.watching():
        outputs += await process(processor, sampled, here, batch_of=batch_of, outbox=outbox, keeps=keeps)
    each = cpu / len(measured) * 1e6
    total = sum(map(len, given))
    return {
        "events_per_cpu_s": round(len(measured) / cpu),
        "cpu_us": round(each, 1),
        "wall_us": round(wall / len(measured) * 1e6, 1),
        "outputs_per_event": round(len(outputs) / total, 2),
        "output_bytes_per_event": round(sum(len(output.value) for output in outputs) / total),
        "stages_us": {stage: round(share * each, 1) for stage, share in stages(sampler, RULES).items()},
        "lines_us": {where: round(share * each, 1) for where, share in lines(sampler, MOST)},
        "functions_us": {where: round(share * each, 1) for where, share in functions(sampler, MOST)},
        "samples": sampler.samples,
    }, outputs


def thirds(found: Sequence[SourceRecord]) -> list[Sequence[SourceRecord]]:
    """Return *found* as three parts: to warm up, to measure, to sample."""
    part = len(found) // 3
    return [found[:part], found[part : 2 * part], found[2 * part :]]


async def run(count: int, batch_of: int) -> dict[str, Any]:
    """Measure both processors on *count* events of five types, and on as many identified persons."""
    home, found = Home.current(), {}
    async with bench(home) as here:
        for title, names in (("", TYPES), (", persons only", TYPES[:1])):
            given = thirds(await published(home, names, 3 * count))
            found[f"intake{title}"], outputs = await measure(here.intake, given, here, batch_of=batch_of, outbox=True)
            ledger = records(LEDGER, [(each.key, each.value) for each in outputs if each.topic == LEDGER])
            assert len(ledger) == sum(map(len, given)), "an event was refused: the figures would not be of full intake"
            parts = thirds(ledger)
            released = await measure(here.release, parts, here, batch_of=batch_of, outbox=False)
            found[f"release{title}"], staged = released
            if title:
                waits = [each.value for each in staged if each.topic == "stage.persons"]
                cohort, log = here.cohort(waits, EVENTS_A_DAY)
                given = thirds(log)
                told = await measure(cohort, given, here, batch_of=batch_of, outbox=False, keeps=True)
                found[f"cohort release{title}, one agency"], _ = told
    return {
        "benchmark": "stages",
        "events": count,
        "batch": batch_of,
        "processors": found,
        "machine": {
            "cores": os.cpu_count(),
            "python": platform.python_version(),
            "load_1m": round(os.getloadavg()[0], 1),
        },
    }


def main() -> None:
    """Run and print tables, or one object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one object")
    parser.add_argument("--events", type=int, default=10_000)
    parser.add_argument("--batch", type=int, default=500, help="events in a batch; 1 shows what a batch costs at all")
    parser.add_argument("--top", type=int, default=10, help="so many of the dearest lines and functions are shown")
    given = parser.parse_args()
    found = asyncio.run(run(given.events, given.batch))
    print(json.dumps(found)) if given.json else show(found, given.top)


if __name__ == "__main__":
    main()
