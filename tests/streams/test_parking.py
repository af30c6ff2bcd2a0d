"""Parking by itself: order per key, nothing lost, and when failures are a bad deployment instead of bad records."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from schemas.names import TopicName
from streams.pump.parking import (
    BEHIND,
    FAILED_MAX,
    OPEN_MAX,
    RUN_MAX,
    WINDOW,
    BadDeploymentError,
    Careful,
    Limits,
    Sequences,
)
from streams.pump.ports import Books
from streams.pump.records import Output, Parked, Processor, SourceRecord

LEDGER = TopicName("ledger")
KEYS = st.sampled_from([None, b"a", b"b", b"c"])
RECORDS = st.lists(st.tuples(KEYS, st.integers(0, 4).map(lambda n: n == 0)), max_size=RUN_MAX)
"""Key of each record and whether it is bad: fewer than would halt the partition."""


class Shelf:
    """Books that only know what was parked."""

    def __init__(self) -> None:
        self.parked: list[Parked] = []

    @asynccontextmanager
    async def savepoint(self, _transaction: object) -> AsyncIterator[None]:
        """Take nothing back: the processor below keeps nothing."""
        yield

    async def park(self, _transaction: object, parked: Sequence[Parked]) -> None:
        """Note what is parked."""
        self.parked += parked


class Echo:
    """Writes the offset of each record, and fails on bad ones."""

    name = "release"

    def __init__(self, bad: set[int]) -> None:
        self._bad = bad

    async def process(self, batch: Sequence[SourceRecord], _inputs: object, _transaction: object) -> Sequence[Output]:
        """Return an output for each record; raise ValueError when one is bad."""
        if any(record.offset in self._bad for record in batch):
            raise ValueError
        return [Output(topic=LEDGER, key=each.key, value=str(each.offset).encode()) for each in batch]


def run(records: Sequence[tuple[bytes | None, bool]], batch_size: int) -> tuple[list[int], list[Parked]]:
    """Return which offsets went through, in order, and what was parked, when taken in batches of *batch_size*."""
    log = [SourceRecord(LEDGER, 0, offset, key, b"") for offset, (key, _) in enumerate(records)]
    shelf = Shelf()
    processor = Echo({offset for offset, (_, is_bad) in enumerate(records) if is_bad})
    careful = Careful(cast("Processor", processor), cast("Books", shelf), Sequences())
    anything: Any = None

    async def all_of_it() -> list[int]:
        out: list[int] = []
        for start in range(0, len(log), batch_size):
            outputs = await careful.outputs(log[start : start + batch_size], anything, anything)
            careful.committed()
            out += [int(output.value or b"") for output in outputs]
        return out

    with capture_logs():  # a traceback for each bad record
        return asyncio.run(all_of_it()), shelf.parked


@settings(deadline=None)
@given(RECORDS, st.integers(1, 12))
def test_every_record_goes_through_or_is_parked_and_none_does_both(
    records: list[tuple[bytes | None, bool]], batch_size: int
) -> None:
    passed, parked = run(records, batch_size)

    assert sorted(passed + [each.offset for each in parked]) == list(range(len(records)))


@settings(deadline=None)
@given(RECORDS, st.integers(1, 12))
def test_nothing_of_a_key_overtakes_its_first_bad_record_and_nobody_else_waits(
    records: list[tuple[bytes | None, bool]], batch_size: int
) -> None:
    passed, parked = run(records, batch_size)

    first_bad: dict[bytes, int] = {}
    for offset, (key, is_bad) in enumerate(records):
        if is_bad and key is not None:
            first_bad.setdefault(key, offset)
    expected = [
        offset
        for offset, (key, is_bad) in enumerate(records)
        if not is_bad and (key is None or offset < first_bad.get(key, len(records)))
    ]
    assert passed == expected
    behind = {each.offset for each in parked if each.code == BEHIND}
    assert behind == {
        offset for offset, (key, _) in enumerate(records) if key is not None and offset > first_bad.get(key, offset)
    }


@settings(deadline=None)
@given(st.lists(st.one_of(st.just(0), st.integers(1, 2 * WINDOW)), max_size=400))
def test_a_bad_deployment_is_a_long_run_of_failures_or_too_many_among_the_last(steps: list[int]) -> None:
    limits, history = Limits(), list[bool]()
    for passed in steps:
        if passed:
            limits.passed(passed)
            history = (history + [False] * passed)[-WINDOW:]
            continue
        history = [*history, True][-WINDOW:]
        too_long = all(history[-RUN_MAX - 1 :]) and len(history) > RUN_MAX
        if too_long or sum(history) > FAILED_MAX:
            with pytest.raises(BadDeploymentError):
                limits.failed()
            return
        limits.failed()


@pytest.mark.parametrize(
    ("passed_between", "failures_allowed"),
    [(0, RUN_MAX), (1, FAILED_MAX), (WINDOW // FAILED_MAX - 2, FAILED_MAX)],
)
def test_the_limits_are_where_they_are_said_to_be(passed_between: int, failures_allowed: int) -> None:
    limits = Limits()
    for _ in range(failures_allowed):
        limits.failed()
        limits.passed(passed_between)

    with pytest.raises(BadDeploymentError):
        limits.failed()


@pytest.mark.parametrize(("passed_between", "failures_allowed"), [(0, RUN_MAX), (1, FAILED_MAX)])
def test_failures_in_an_attempt_that_is_rolled_back_do_not_count(passed_between: int, failures_allowed: int) -> None:
    limits = Limits()
    for _ in range(failures_allowed - 1):
        limits.failed()
        limits.passed(passed_between)
    attempt = limits.copy()
    attempt.failed()
    with pytest.raises(BadDeploymentError):
        attempt.failed()

    limits.failed()


def test_failures_that_are_few_at_a_time_and_settled_by_nobody_halt_in_the_end() -> None:
    every = 2 * WINDOW // FAILED_MAX  # half as many as the window allows
    slow = [(None, number % every == 0) for number in range(OPEN_MAX * every)]

    _, parked = run(slow, WINDOW)
    assert len(parked) == OPEN_MAX
    with pytest.raises(BadDeploymentError, match="hub parked summary"):
        run([*slow, (None, True)], WINDOW)


def test_what_waits_behind_a_bad_record_is_no_failure_of_its_own() -> None:
    sequences = Sequences()
    sequences.load([(b"a", offset) for offset in range(3 * OPEN_MAX)])
    assert (sequences.failures, sequences.records) == (1, 3 * OPEN_MAX)
