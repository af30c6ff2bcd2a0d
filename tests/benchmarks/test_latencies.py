"""Percentiles, and that no stall of the hub or of the sender goes uncounted."""

import math

from hypothesis import given
from hypothesis import strategies as st

from benchmarks import _latencies as subject

seconds = st.floats(min_value=0, max_value=1_000, allow_nan=False)
shares = st.floats(min_value=0.001, max_value=1)


@given(st.lists(seconds, min_size=1), shares)
def test_a_percentile_is_the_least_value_that_covers_its_share(values: list[float], share: float) -> None:
    ordered = sorted(values)
    found = subject.percentile(ordered, share)
    assert sum(value <= found for value in ordered) >= share * len(ordered) - 1e-9
    assert sum(value < found for value in ordered) < share * len(ordered)


@given(st.lists(seconds, min_size=1))
def test_percentiles_rise_and_end_at_the_greatest(values: list[float]) -> None:
    found = subject.summary(values)
    figures = [found[name] for name, _ in subject.PERCENTILES] + [found["max"]]
    assert figures == sorted(figures, key=lambda each: each or 0)
    assert found["max"] == round(max(values) * 1000, 2)


@given(st.integers(1, 200), st.integers(0, 200))
def test_an_event_that_never_came_is_in_the_percentiles_and_not_left_out(came: int, lost: int) -> None:
    found = subject.summary([0.001] * came + [subject.NEVER] * lost)
    assert found["missing"] == lost
    assert found["events"] == came + lost
    assert (found["max"] is None) == (lost > 0)
    assert (found["p50"] is None) == (came < math.ceil((came + lost) / 2))


@given(rate=st.integers(1, 1_000), count=st.integers(1, 500), stall=st.floats(0.1, 10))
def test_a_stall_counts_for_every_event_that_was_due_in_it(rate: int, count: int, stall: float) -> None:
    due_at = subject.due(rate, count, start=5.0)
    # The hub, and a sender that waits for it, stand still from the start on; then everything arrives at once.
    over = 5.0 + stall
    seen = {number: max(moment, over) for number, moment in enumerate(due_at)}
    found = subject.latencies(due_at, seen)
    for moment, late in zip(due_at, found, strict=True):
        assert math.isclose(late, max(0.0, over - moment), abs_tol=1e-9)


@given(st.lists(st.tuples(st.floats(0, 1), st.integers(1, 5)), min_size=1, max_size=50), st.integers(0, 300))
def test_an_offset_is_done_when_the_checkpoint_first_passes_it(steps: list[tuple[float, int]], offset: int) -> None:
    timeline, moment, reached = [], 0.0, 0
    for pause, more in steps:
        moment, reached = moment + pause, reached + more
        timeline.append((moment, reached))
    passed = [at for at, done in timeline if done > offset]
    assert subject.first_at(timeline, offset) == (passed[0] if passed else subject.NEVER)


def test_events_are_due_at_an_even_rate() -> None:
    assert subject.due(4, 5, start=10) == [10, 10.25, 10.5, 10.75, 11]
