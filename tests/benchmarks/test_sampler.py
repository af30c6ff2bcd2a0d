"""A sample counts for the innermost place that a rule names."""

import time

from benchmarks._sampler import OTHER, PROJECT, Sampler, lines, stages

RULES = (("schemas/codec.py", "encode", "encode"), ("infra/vault/", "", "vault"))


def sampled(*stacks: tuple[tuple[str, str, int], ...]) -> Sampler:
    found = Sampler()
    for stack in stacks:
        found.stacks[tuple((str(PROJECT / file), function, line) for file, function, line in stack)] += 1
    return found


def test_the_innermost_rule_counts() -> None:
    found = sampled(
        (("schemas/codec.py", "encode", 1), ("streams/intake/writing.py", "ledger_output", 2)),
        (("schemas/names.py", "x", 1), ("infra/vault/vault.py", "keys", 9), ("schemas/codec.py", "encode", 1)),
        (("streams/worker.py", "run", 1),),
        (("benchmarks/stages.py", "run", 1),),
    )
    assert stages(found, RULES) == {"encode": 0.25, "vault": 0.25, OTHER: 0.5}
    assert lines(found, 1) == [("schemas/codec.py:1 encode", 0.25)]


def test_work_is_seen_and_the_timer_is_put_away() -> None:
    sampler = Sampler()
    with sampler.watching():
        began = time.process_time()
        while time.process_time() - began < 0.2:
            sum(range(100))
    seen = sampler.samples
    assert seen > 5
    sum(range(2_000_000))
    assert sampler.samples == seen
