"""Nothing is called unanswered before all of the ledger that had come by then has been read."""

import datetime as dt

from hypothesis import given
from hypothesis import strategies as st

from streams.delivery.caught_up import Mark

NOW = dt.datetime(2026, 3, 3, 8, tzinfo=dt.UTC)
OFFSETS = st.dictionaries(st.integers(0, 5), st.integers(0, 9))


@given(OFFSETS, OFFSETS)
def test_a_mark_is_passed_when_every_partition_was_read_to_its_end(
    ends: dict[int, int], read_to: dict[int, int]
) -> None:
    unread = [
        (partition, offset)
        for partition, end in ends.items()
        for offset in range(end)
        if offset >= read_to.get(partition, 0)
    ]
    assert Mark(at=NOW, ends=ends).is_passed(read_to) == (not unread)
