"""Where a partition goes on after a start: never before what SQL has seen, never on contradictory evidence."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.pump.ports import Checkpoint, Committed
from streams.pump.positions import ContradictionError, resume_at

FIRST, END = 10, 100


def at(next_offset: int, first_offset: int = FIRST) -> Checkpoint:
    return Checkpoint(first_offset=first_offset, next_offset=next_offset)


@pytest.mark.parametrize(
    ("stored", "committed", "expected"),
    [
        (None, None, None),  # first start
        (at(10), None, 10),  # stopped between the first checkpoint and the first commit
        (at(10), 10, 10),  # begun, nothing processed
        (at(40), 40, 40),  # stopped at rest
        (at(50), 40, 50),  # stopped between SQL and Kafka: the outbox has the rest
        (at(100), 100, 100),  # at the end
    ],
)
def test_a_start_goes_on_where_sql_is(stored: Checkpoint | None, committed: int | None, expected: int | None) -> None:
    known = None if committed is None else Committed(offset=committed)
    assert resume_at(stored=stored, committed=known, beginning=FIRST, end=END) == expected


@pytest.mark.parametrize(
    ("stored", "committed", "beginning", "end"),
    [
        (None, 40, 10, 100),  # the database was replaced
        (at(40), None, 10, 100),  # the consumer group was deleted
        (at(30), 40, 10, 100),  # an old database was restored
        (at(40), 40, 50, 100),  # records were deleted before they were processed
        (at(40), 40, 0, 30),  # the topic was made anew
        (at(40), None, 0, 0),  # topic and group were made anew
        (at(10), None, 0, 0),  # the same before the first batch
    ],
)
def test_a_contradiction_halts_with_advice(
    stored: Checkpoint | None, committed: int | None, beginning: int, end: int
) -> None:
    known = None if committed is None else Committed(offset=committed)
    with pytest.raises(ContradictionError, match=r"[Rr]estore"):
        resume_at(stored=stored, committed=known, beginning=beginning, end=end)


@pytest.mark.parametrize(("stored", "committed"), [(1, 2), (0, 1)])
def test_fewer_retries_in_sql_than_in_kafka_are_a_contradiction(stored: int, committed: int) -> None:
    checkpoint = Checkpoint(first_offset=FIRST, next_offset=40, retries=stored)
    with pytest.raises(ContradictionError, match="old database"):
        resume_at(stored=checkpoint, committed=Committed(offset=40, retries=committed), beginning=FIRST, end=END)


offsets = st.integers(0, 20)


@given(
    st.none() | st.tuples(offsets, offsets).map(sorted).map(lambda pair: at(pair[1], pair[0])),
    st.none() | offsets,
    st.tuples(offsets, offsets).map(sorted),
)
def test_nothing_that_sql_has_not_seen_is_passed_over(
    stored: Checkpoint | None, committed: int | None, log: list[int]
) -> None:
    beginning, end = log
    try:
        known = None if committed is None else Committed(offset=committed)
        found = resume_at(stored=stored, committed=known, beginning=beginning, end=end)
    except ContradictionError:
        return
    if found is None:
        assert stored is None
        assert committed is None
        return
    assert stored is not None
    assert found == stored.next_offset
    assert beginning <= found <= end
    assert committed is None or committed <= found
